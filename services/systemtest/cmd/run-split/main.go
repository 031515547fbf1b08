// Command run-split keeps Almoner running as five services on this machine until
// it is told to stop: to look at it, to break it, and to use an operator's
// commands on it. Whatever ends is started again, as an orchestrator would.
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
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/systemtest/topology"
)

const (
	exitUsage   = 64
	exitFailure = 70
	// patience is how long everything may take to come up.
	patience = 3 * time.Minute
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second ^C ends this process at once; the kernel takes the rest down.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdout)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, out io.Writer) int {
	var root, dir string
	flags := flag.NewFlagSet("run-split", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&root, "root", ".", "the repository, with the programs in its bin/")
	flags.StringVar(&dir, "dir", "data/split", "gets logs, keys and stores; what an earlier run left there is removed")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil || flags.NArg() > 0 {
		return exitUsage
	}
	err = keepUp(ctx, root, dir, out)
	if err != nil {
		fmt.Fprintln(out, "run-split:", err)
		return exitFailure
	}
	return 0
}

// fall is a part that ended though nobody asked it to.
type fall struct {
	part string
	err  error
}

func keepUp(ctx context.Context, root, dir string, out io.Writer) (err error) {
	root, err = filepath.Abs(root)
	if err != nil {
		return err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return err
	}
	lock, err := clearDir(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	fallen := make(chan fall, 64)
	began := time.Now()
	fmt.Fprintln(out, "Starting PostgreSQL, three NATS servers, the Stripe simulator and five services …")
	rising, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	split, err := topology.Open(rising, topology.Config{
		Dir: dir, Root: root,
		Almoner: filepath.Join(root, "bin", "almoner"), Stripesim: filepath.Join(root, "bin", "stripesim"), NATSServer: filepath.Join(root, "bin", "nats-server"),
		Ended: func(part string, err error) { fallen <- fall{part, err} },
	})
	if err != nil {
		return err
	}
	defer func() {
		fmt.Fprintln(out, "Stopping …")
		err = errors.Join(err, split.Close())
	}()
	err = split.Start(rising, node.Databases()...)
	if err == nil {
		err = split.WaitWell(rising, node.Databases()...)
	}
	if err == nil {
		err = split.WriteEnv()
	}
	if err != nil {
		return err
	}
	err = describe(out, split, dir, time.Since(began))
	if err != nil {
		return err
	}
	return raise(ctx, split, fallen, out)
}

// raise starts again what has fallen, until ctx ends. What falls again before it
// is ready will not come up by itself: that ends everything.
func raise(ctx context.Context, split *topology.Topology, fallen <-chan fall, out io.Writer) error {
	failures := make(chan error, 1)
	var under sync.WaitGroup
	defer under.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failures:
			return err
		case f := <-fallen:
			fmt.Fprintf(out, "%s has ended (%v); it is started again\n", f.part, f.err)
			under.Go(func() {
				rising, cancel := context.WithTimeout(ctx, patience)
				defer cancel()
				err := split.Start(rising, f.part)
				if err == nil {
					fmt.Fprintf(out, "%s is back\n", f.part)
					return
				}
				if ctx.Err() == nil {
					select {
					case failures <- err:
					default: // one is enough
					}
				}
			})
		}
	}
}

// describe says where everything is.
func describe(out io.Writer, split *topology.Topology, dir string, took time.Duration) error {
	fmt.Fprintf(out, "Up after %s.\n\n", took.Round(100*time.Millisecond))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "site\t%s\nmails\t%s/dev/mail\nStripe\t%s/_sim\n", split.Site(), split.Site(), split.Stripe())
	for _, service := range node.Databases() {
		fmt.Fprintf(table, "%s\t%s/readyz\n", service, split.Ops(service))
	}
	fmt.Fprintf(table, "logs\t%s\nprocesses\t%s\n", filepath.Join(dir, "log"), split.Processes())
	err := table.Flush()
	if err != nil {
		return err
	}
	name := split.EnvFile()
	if here, err := os.Getwd(); err == nil {
		if relative, err := filepath.Rel(here, name); err == nil {
			name = relative
		}
	}
	fmt.Fprintf(out, "\nIn another shell:\n  set -a; . %s; set +a\n  bin/almoner demo && bin/almoner audit\n\nStop with ^C.\n", name)
	return nil
}

// clearDir empties the directory, unless another run-split is using it, and keeps
// it for as long as the file is open.
func clearDir(dir string) (*os.File, error) {
	err := os.MkdirAll(dir, 0o700)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir, "lock")
	lock, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s is in use by another run-split (%w)", dir, err), lock.Close())
	}
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if path != name {
			err = errors.Join(err, os.RemoveAll(path))
		}
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}
