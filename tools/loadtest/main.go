// Command loadtest measures the running program from outside: how many gifts a
// second it takes from Stripe's webhook to totals, books and receipts, how long
// one takes, and how many pages it serves. It prints each figure beside what the
// machine itself can do in the same minutes, because only such ratios mean
// anything on another machine. README.md says what exactly is measured.
//
// It exits 1 when something could not be measured, never because a goal was
// missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "loadtest:", err)
		os.Exit(1)
	}
}

// plan is what is measured and how long.
type plan struct {
	program string
	source  string
	dir     string
	// gifts of each burst, and how many bursts there are.
	gifts, bursts int
	// rates are gifts a second, each offered for as long as period.
	rates  []int
	period time.Duration
	// pages is how long each page is asked for in each of the rounds, in short turns.
	pages  time.Duration
	rounds int
	parts  []string
	hold   bool
	// engine is what the program's databases are on. tools is where nats-server is.
	engine, tools string
}

const (
	onSQLite   = "sqlite"
	onPostgres = "postgres"
)

const (
	partGifts   = "gifts"
	partPages   = "pages"
	partBenches = "benches"
)

func readPlan(args []string, errs io.Writer) (plan, error) {
	flags := flag.NewFlagSet("loadtest", flag.ContinueOnError)
	flags.SetOutput(errs)
	p := plan{gifts: 20_000, bursts: 3, period: 10 * time.Second, pages: 5 * time.Second, rounds: 3}
	short := flags.Bool("short", false, "a minute or two instead of ten")
	flags.StringVar(&p.program, "program", "bin/almoner", "the program that is measured")
	flags.StringVar(&p.source, "source", "services", "the product's source, whose benchmarks are run")
	flags.StringVar(&p.dir, "dir", "", "where databases are laid, on the disk that is to be measured (default: the system's temporary directory)")
	parts := flags.String("parts", partGifts+","+partPages+","+partBenches, "what is measured")
	gifts := flags.Int("gifts", 0, "gifts of a burst (default 20000, short 3000)")
	rates := flags.String("rates", "250,500", "gifts a second that are offered to see how long one takes")
	bursts := flags.Int("bursts", 0, "how many bursts (default 3)")
	flags.StringVar(&p.engine, "engine", onSQLite, "sqlite, or postgres: the gifts on a throwaway server, beside pgbench, and on three NATS servers beside the embedded one")
	flags.StringVar(&p.tools, "tools", "bin", "where nats-server is, for -engine postgres")
	flags.BoolVar(&p.hold, "hold", false, "wait for Enter before each burst, with the process id printed, for a profiler")
	err := flags.Parse(args)
	if err != nil {
		return plan{}, err
	}
	if flags.NArg() > 0 {
		return plan{}, fmt.Errorf("unexpected %q", flags.Arg(0))
	}
	if *short {
		p.gifts, p.period, p.pages = 3_000, 4*time.Second, 2*time.Second
	}
	if *gifts > 0 {
		p.gifts = *gifts
	}
	if *bursts > 0 {
		p.bursts = *bursts
	}
	for text := range strings.FieldsFuncSeq(*rates, func(r rune) bool { return r == ',' }) {
		rate, err := strconv.Atoi(text)
		if err != nil || rate < 1 {
			return plan{}, fmt.Errorf("%q is no rate", text)
		}
		p.rates = append(p.rates, rate)
	}
	p.parts = strings.Split(*parts, ",")
	for _, part := range p.parts {
		if part != partGifts && part != partPages && part != partBenches {
			return plan{}, fmt.Errorf("there is no part %q", part)
		}
	}
	if p.engine != onSQLite && p.engine != onPostgres {
		return plan{}, fmt.Errorf("there is no engine %q", p.engine)
	}
	if p.engine == onPostgres {
		// Pages and benchmarks are measured without it.
		p.parts = []string{partGifts}
	}
	p.program, err = filepath.Abs(p.program)
	return p, err
}

func run(ctx context.Context, args []string, out, errs io.Writer) (err error) {
	p, err := readPlan(args, errs)
	if err != nil {
		return err
	}
	p.dir, err = os.MkdirTemp(p.dir, "almoner-loadtest-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	say := func(format string, args ...any) {
		fmt.Fprintf(errs, "%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
	}
	var t table
	for _, part := range []struct {
		name    string
		measure func(context.Context, plan, *table, sayer) error
	}{{partGifts, measureGifts}, {partPages, measurePages}, {partBenches, measureBenches}} {
		if err == nil && slices.Contains(p.parts, part.name) {
			err = part.measure(ctx, p, &t, say)
		}
	}
	if err != nil {
		// What the program logged may say why.
		return fmt.Errorf("%w (its files are in %s)", err, p.dir)
	}
	err = t.write(out)
	return errors.Join(err, os.RemoveAll(p.dir))
}
