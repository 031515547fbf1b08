package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/almoner/almoner/services/internal/node"
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
