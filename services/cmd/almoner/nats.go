package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

// keysNATS writes secrets to files and shows public keys alone: what a terminal
// shows is kept in too many places.
func (p program) keysNATS(_ context.Context, args []string) error {
	var dir string
	_, err := p.flags("keys nats", args, func(set *flag.FlagSet) { set.StringVar(&dir, "out", "", "") }, 0)
	if err != nil {
		return err
	}
	if dir == "" {
		return usagef("keys nats: --out names the directory to write to")
	}
	users, err := node.WriteNATSKeys(dir)
	if err != nil {
		return err
	}
	for _, user := range users {
		_, err := fmt.Fprintf(p.stdout, "%s %s\n", user.Name, user.PublicKey)
		if err != nil {
			return err
		}
	}
	return nil
}

// recoverFeed says what it would do before it does anything, and what it cannot
// know: whether what the stream tells was right is for the operator to decide.
func (p program) recoverFeed(ctx context.Context, args []string) error {
	// The decision may stand behind the feed's name, where a hand adds it.
	yes := slices.Contains(args, "--yes")
	args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return arg == "--yes" })
	rest, err := p.flags("recover", args, nil, 1)
	if err != nil {
		return err
	}
	if len(rest) != 1 || !slices.Contains(node.Feeds(), rest[0]) {
		return usagef("recover: which feed? One of %s", strings.Join(node.Feeds(), ", "))
	}
	name := rest[0]
	return p.operate(ctx, func(o *node.Operator) error {
		found := false
		forked, err := o.Recover(ctx, name, func(fork *feed.Fork) (bool, error) {
			found = true
			_, err := fmt.Fprint(p.stdout, describeFork(name, fork, yes))
			return yes, err
		})
		switch {
		case err != nil:
			return err
		case forked:
			return exitError{1}
		case found:
			_, err = fmt.Fprintln(p.stdout, "Done. Services that run follow by themselves; start those that do not, and then run `almoner audit --wait 5m`.")
		default:
			_, err = fmt.Fprintf(p.stdout, "Feed %s has not forked: its log, its stream and its consumers agree.\n", name)
		}
		return err
	})
}

func describeFork(name string, fork *feed.Fork, yes bool) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("Feed %s has forked.", name)
	line("  Its log ends at position %d, in epoch %d.", fork.Head, fork.Epoch)
	line("  Its stream ends at position %d.", fork.Told)
	for _, service := range slices.Sorted(maps.Keys(fork.Ahead)) {
		at := fork.Ahead[service]
		line("  %s has applied up to position %d, in epoch %d, and that is not in the log.", service, at.Pos, at.Epoch)
	}
	line("  Up to position %d all are surely alike.", fork.Common)
	line("Events that the stream tells of and the log does not have:")
	for _, kind := range slices.Sorted(maps.Keys(fork.Lost)) {
		line("  %6d %s", fork.Lost[kind], kind)
	}
	if len(fork.Lost) == 0 {
		line("  none that the stream still has")
	}
	verb := "With --yes:"
	if yes {
		verb = "Now:"
	}
	line("%s", verb)
	line("  1. These events are kept in the table salvaged_event of %s's database.", name)
	line("  2. Another epoch begins: the log is right, with its %d events behind position %d.", fork.Own, fork.Common)
	line("  3. The stream is made anew behind position %d.", fork.Head)
	line("  4. Consumers that have applied what the log does not have go back to position %d by themselves and apply the feed again from there.", fork.Common)
	line("What consumers have from events that the log does not have stays with them until the producer tells it again.")
	return b.String()
}
