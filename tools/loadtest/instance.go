package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// secretKey and webhookSecret are what the program and the stand-in for Stripe
	// are given for this one run.
	secretKey     = "sk_test_loadtest"
	webhookSecret = "whsec_loadtest" //nolint:gosec // protects nothing
	// patience bounds every wait for something that takes a second as a rule.
	patience = 2 * time.Minute
)

// instance is the real program as a process of its own, with all its defaults:
// four SQLite files, embedded NATS, request log, mail sink.
type instance struct {
	program string
	dir     string
	addr    string
	environ []string
	command *exec.Cmd
	log     *os.File
}

// startInstance runs the program on a directory of its own and waits until it is
// ready. Stripe is at stripeURL, or the simulator in the program if that is empty.
// More variables may be set.
func startInstance(ctx context.Context, program, dir, stripeURL string, more ...string) (*instance, error) {
	err := os.MkdirAll(dir, 0o700)
	if err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	addrs, err := freeAddrs(ctx, 2)
	if err != nil {
		return nil, err
	}
	i := &instance{program: program, dir: dir, addr: addrs[0]}
	i.environ = append(os.Environ(), "ALMONER_DATA_DIR="+dir, "ALMONER_HTTP_ADDR="+i.addr, "ALMONER_STRIPESIM_ADDR="+addrs[1])
	if stripeURL != "" {
		i.environ = append(i.environ, "STRIPE_SECRET_KEY="+secretKey, "STRIPE_WEBHOOK_SECRETS="+webhookSecret, "ALMONER_STRIPE_URL="+stripeURL)
	}
	i.environ = append(i.environ, more...)
	i.log, err = os.Create(filepath.Join(dir, "almoner.log"))
	if err != nil {
		return nil, fmt.Errorf("make the log: %w", err)
	}
	// Stopped by stop, in order; the context would kill it.
	i.command = exec.CommandContext(context.WithoutCancel(ctx), program, "run")
	i.command.Env, i.command.Stderr = i.environ, i.log
	err = i.command.Start()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", program, err), i.log.Close())
	}
	err = i.ready(ctx)
	if err != nil {
		return nil, errors.Join(err, i.stop())
	}
	return i, nil
}

// freeAddrs finds ports that nobody listens on, different ones.
func freeAddrs(ctx context.Context, count int) (addrs []string, err error) {
	var config net.ListenConfig
	for range count {
		listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = listener.Close() }()
		addrs = append(addrs, listener.Addr().String())
	}
	return addrs, nil
}

func (i *instance) url() string { return "http://" + i.addr }

func (i *instance) ready(ctx context.Context) error {
	return eventually(ctx, "the program is ready", 50*time.Millisecond, func() (bool, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, i.url()+"/readyz", nil)
		if err != nil {
			return false, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, nil //nolint:nilerr // not listening yet
		}
		_, _ = io.Copy(io.Discard, response.Body)
		return response.StatusCode == http.StatusOK, response.Body.Close()
	})
}

// audit has the program compare its own books; an error is a difference.
func (i *instance) audit(ctx context.Context) error {
	command := exec.CommandContext(ctx, i.program, "audit", "--wait", patience.String()) //nolint:gosec // the program that is measured
	command.Env = i.environ
	out, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("the audit does not agree: %w\n%s", err, out)
	}
	return nil
}

func (i *instance) stop() error {
	if i.command == nil {
		return nil
	}
	_ = i.command.Process.Signal(syscall.SIGTERM)
	err := i.command.Wait()
	i.command = nil
	return errors.Join(err, i.log.Close())
}

// eventually looks until it is so.
func eventually(ctx context.Context, what string, every time.Duration, look func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		done, err := look()
		if err != nil {
			return fmt.Errorf("wait until %s: %w", what, err)
		}
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w", what, ctx.Err())
		case <-ticker.C:
		}
	}
}
