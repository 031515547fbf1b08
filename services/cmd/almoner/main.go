// Command almoner is the whole product: it runs the services, and it is the tool
// with which an operator looks at them. Run `almoner help` for the commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	// A charity's days are those of its time zone, also where the system has no
	// zone files.
	_ "time/tzdata"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/node"
)

// version and commit are set by the build; the linker can write nothing but
// variables.
var (
	version = "unknown"
	commit  = "unknown" //nolint:gochecknoglobals // see above
)

// Exit codes, from sysexits: scripts tell a wrong call from a wrong world by them,
// and a supervisor what is not worth starting again.
const (
	exitUsage   = 64
	exitFailure = 70
	exitConfig  = 78
)

// gcPercent lets the heap grow to four times of what lives before it is collected.
// Collecting at twice, Go's default, was a tenth of the processor time under load;
// what lives is some tens of megabytes.
const gcPercent = 300

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := program{environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	code := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// program is what a command may touch. Standard output carries only what was
// asked for; logs and complaints go to standard error.
type program struct {
	environ []string
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
}

// usageError says that the call is wrong, not the world.
type usageError struct{ message string }

func (e usageError) Error() string { return e.message }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// exitError ends the program with a code that the command's answer calls for;
// what there is to say has been said.
type exitError struct{ code int }

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

func (p program) run(ctx context.Context, args []string) int {
	err := p.dispatch(ctx, args)
	var usage usageError
	var exit exitError
	var config node.ConfigError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &usage):
		fmt.Fprintf(p.stderr, "almoner: %s\nRun `almoner help` for the commands.\n", usage.message)
		return exitUsage
	case errors.As(err, &config):
		fmt.Fprintf(p.stderr, "almoner: %s\n", explain(err))
		return exitConfig
	default:
		fmt.Fprintf(p.stderr, "almoner: %s\n", explain(err))
		return exitFailure
	}
}

// explain puts a service's refusal into its words for people; its codes are for
// programs and logs.
func explain(err error) string {
	var refused *apperr.Error
	if !errors.As(err, &refused) {
		return err.Error()
	}
	said := []string{refused.Message}
	for _, field := range refused.Fields {
		if field.Message != refused.Message {
			said = append(said, "  "+field.Name+": "+field.Message)
		}
	}
	// What stands around it (which service, which step) stays.
	return strings.Replace(err.Error(), refused.Error(), strings.Join(said, "\n"), 1)
}

func (p program) dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return usagef("which command?")
	}
	for _, c := range commands() {
		if rest, ok := c.match(args); ok {
			return c.run(p, ctx, rest)
		}
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		return p.help()
	}
	return usagef("there is no command %q", args[0])
}

func (p program) help() error {
	fmt.Fprintln(p.stdout, "almoner takes donations, counts them, books them and receipts them.\n\nCommands:")
	for _, c := range commands() {
		fmt.Fprintf(p.stdout, "  %s\n      %s\n", c.usage, c.does)
	}
	fmt.Fprintf(p.stdout, "\nExit codes: %d the call is wrong, %d the configuration is (starting again does not help), %d something else failed.\n",
		exitUsage, exitConfig, exitFailure)
	fmt.Fprintln(p.stdout, "\nVariables, who reads each, what it is by default:")
	return node.DescribeVariables(p.stdout)
}

// config finishes what a loader of package node read.
func (p program) config(cfg node.Config, err error) (node.Config, error) {
	cfg.Version = version
	return cfg, err
}

func (p program) logger(level slog.Level) *slog.Logger { return node.NewLogger(p.stderr, level) }
