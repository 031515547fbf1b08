package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/internal/platform/config"
)

func (p program) stripeSetup(ctx context.Context, args []string) error {
	var address, path string
	_, err := p.flags("stripe setup", args, func(set *flag.FlagSet) {
		set.StringVar(&address, "url", "", "")
		set.StringVar(&path, "secret-file", "", "")
	}, 0)
	if err != nil {
		return err
	}
	keep := func(secret config.Secret) error {
		_, err := fmt.Fprintln(p.stdout, secret.Reveal())
		return err
	}
	if path != "" {
		// Opened first: a secret that cannot be written down is lost.
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("make the secret's file: %w", err)
		}
		written := false
		keep = func(secret config.Secret) error {
			written = true
			_, err := io.WriteString(file, secret.Reveal()+"\n")
			return errors.Join(err, file.Sync())
		}
		defer func() {
			_ = file.Close() // synced when something was written
			if !written {
				_ = os.Remove(path) // an empty file would be taken for a secret
			}
		}()
	}
	setup, err := node.SetUpStripe(ctx, p.environ, address, keep)
	if err != nil {
		return err
	}
	// Beside a secret that a script reads, the table would be in the way.
	table := p.stdout
	if setup.Secret.IsSet() && path == "" {
		table = p.stderr
	}
	return report(setup.Checkup, table)
}

func (p program) stripeCheck(ctx context.Context, args []string) error {
	var address string
	_, err := p.flags("stripe check", args, func(set *flag.FlagSet) { set.StringVar(&address, "url", "", "") }, 0)
	if err != nil {
		return err
	}
	found, err := node.CheckStripe(ctx, p.environ, address)
	if err != nil {
		return err
	}
	return report(found, p.stdout)
}

func report(found node.Checkup, w io.Writer) error {
	err := found.Write(w)
	if err == nil && !found.OK() {
		err = exitError{1}
	}
	return err
}
