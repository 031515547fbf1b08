package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// pair is two of the source's own benchmarks whose ratio is aimed at.
type pair struct {
	what, pack, pattern string
	// above and below are the lines of the benchmarks' output, unit what is read.
	above, below, unit string
	goal               float64
}

func pairs() []pair {
	return []pair{
		{"ledger posting with hash chain ÷ bare batched SQL, entries/s", "./ledger/internal/store", "Posting/SQLite",
			"BenchmarkPosting/SQLite/posted", "BenchmarkPosting/SQLite/bare", "entries/s", 0.6},
		{"relay, every ack awaited ÷ JetStream's own asynchronous publish, events/s", "./internal/platform/feed", "Relay/sqlite|JetStream",
			"BenchmarkRelay/sqlite", "BenchmarkJetStream", "events/s", 0.5},
		{"totals: all gifts to one page ÷ spread over 200, gifts/s", "./fundraiser/internal/store", "FoldOnSQLite",
			"BenchmarkFoldOnSQLite/pages=1", "BenchmarkFoldOnSQLite/pages=200", "gifts/s", 0.95},
	}
}

// measureBenches runs them, several times, both of a pair one after the other.
func measureBenches(ctx context.Context, p plan, t *table, say sayer) error {
	for _, pair := range pairs() {
		say("benchmarks %s of %s", pair.pattern, pair.pack)
		command := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", pair.pattern, "-benchtime", "1s", //nolint:gosec // patterns of this file
			"-count", strconv.Itoa(p.rounds), pair.pack)
		command.Dir = p.source
		out, err := command.CombinedOutput()
		if err != nil {
			return fmt.Errorf("run the benchmarks of %s: %w\n%s", pair.pack, err, out)
		}
		above, err := pair.read(out, pair.above)
		if err != nil {
			return err
		}
		below, err := pair.read(out, pair.below)
		if err != nil {
			return err
		}
		t.atLeast(pair.what, fmt.Sprintf("%s, %s", spreadOf(above), spreadOf(below)), spreadOf(above).median/spreadOf(below).median, pair.goal)
	}
	return nil
}

// read finds a benchmark's figures, one a round.
func (p pair) read(out []byte, name string) ([]float64, error) {
	line := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + `-\d+\s.*?\s([0-9.e+]+) ` + regexp.QuoteMeta(p.unit))
	var figures []float64
	for _, found := range line.FindAllSubmatch(out, -1) {
		figure, err := strconv.ParseFloat(string(found[1]), 64)
		if err != nil {
			return nil, fmt.Errorf("read the figure of %s: %w", name, err)
		}
		figures = append(figures, figure)
	}
	if len(figures) == 0 {
		return nil, fmt.Errorf("the benchmarks of %s printed no %s of %s:\n%s", p.pack, p.unit, name, out)
	}
	return figures, nil
}
