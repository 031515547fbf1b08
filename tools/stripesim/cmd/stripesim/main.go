// Command stripesim runs the Stripe simulator on its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/almoner/almoner/tools/stripesim"
)

const usageExit = 64

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stderr)
	stop()
	os.Exit(code)
}

// options are the command line.
type options struct {
	addr, webhookURL, webhookSecret, store, baseURL, country, payouts string
	seed                                                              uint64
	allowRemote                                                       bool
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("stripesim", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:12111", "address to listen on")
	flags.StringVar(&o.webhookURL, "webhook-url", "", "send all events here")
	flags.StringVar(&o.webhookSecret, "webhook-secret", "", "signing secret for --webhook-url (default: made and printed)")
	secretFile := flags.String("webhook-secret-file", "", "file with it, so that no list of processes shows it")
	flags.Uint64Var(&o.seed, "seed", 0, "make ids and faults repeatable (0: random)")
	flags.StringVar(&o.store, "store", "", "directory that keeps the state (default: memory only)")
	flags.StringVar(&o.baseURL, "base-url", "", "how browsers reach this simulator (default: http://<addr>)")
	flags.StringVar(&o.country, "country", "US", "country of the account")
	flags.StringVar(&o.payouts, "payout-schedule", "manual", "when money is paid out: daily or manual")
	flags.BoolVar(&o.allowRemote, "allow-remote", false, "listen on an address that other machines reach")
	err := flags.Parse(args)
	if err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if *secretFile != "" {
		if o.webhookSecret != "" {
			return options{}, errors.New("--webhook-secret and --webhook-secret-file are one too many")
		}
		content, err := os.ReadFile(*secretFile)
		if err != nil {
			return options{}, fmt.Errorf("--webhook-secret-file: %w", err)
		}
		o.webhookSecret = strings.TrimSpace(string(content))
		if o.webhookSecret == "" {
			return options{}, fmt.Errorf("--webhook-secret-file: %s is empty", *secretFile)
		}
	}
	if o.webhookSecret != "" && o.webhookURL == "" {
		return options{}, errors.New("--webhook-secret needs --webhook-url")
	}
	return o, o.checkAddress()
}

// checkAddress keeps a page that asks for card numbers off the network, unless
// that is what somebody wants.
func (o options) checkAddress() error {
	host, _, err := net.SplitHostPort(o.addr)
	if err != nil {
		return fmt.Errorf("--addr: %w", err)
	}
	ip := net.ParseIP(host)
	if o.allowRemote || host == "localhost" || (ip != nil && ip.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("--addr %s is not a loopback address; add --allow-remote if other machines shall reach it", o.addr)
}

func run(ctx context.Context, args []string, out io.Writer) int {
	o, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		_, _ = fmt.Fprintln(out, "stripesim:", err)
		return usageExit
	}
	err = serve(ctx, o, out)
	if err != nil {
		_, _ = fmt.Fprintln(out, "stripesim:", err)
		return 1
	}
	return 0
}

func serve(ctx context.Context, o options, out io.Writer) (err error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", o.addr)
	if err != nil {
		return err
	}
	if o.baseURL == "" {
		o.baseURL = "http://" + listener.Addr().String()
	}
	sim, err := stripesim.Open(stripesim.Config{
		Dir: o.store, Seed: o.seed, BaseURL: o.baseURL, WebhookSecret: o.webhookSecret, Country: o.country, PayoutSchedule: o.payouts,
		Logger: slog.New(slog.NewTextHandler(out, nil)),
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, sim.Close()) }()
	if o.webhookURL != "" {
		secret, err := sim.EnsureWebhookEndpoint(o.webhookURL, []string{"*"}, stripesim.APIVersion)
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		if o.webhookSecret == "" {
			_, _ = fmt.Fprintf(out, "signing secret for %s: %s\n", o.webhookURL, secret)
		}
	}
	_, _ = fmt.Fprintf(out, "Stripe simulator on %s (no real money); dashboard %s/_sim\n", o.baseURL, o.baseURL)
	return serveUntil(ctx, sim, listener)
}

// serveUntil stops in order: no new requests, then those under way, then the
// deliveries under way.
func serveUntil(ctx context.Context, sim *stripesim.Server, listener net.Listener) error {
	server := &http.Server{Handler: sim.Handler(), ReadHeaderTimeout: 10 * time.Second}
	running, stopRunning := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRunning()
	delivered := make(chan error, 1)
	served := make(chan error, 1)
	go func() { delivered <- sim.Run(running) }()
	go func() { served <- server.Serve(listener) }()
	var err error
	select {
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		err = server.Shutdown(grace)
	case err = <-served:
	}
	stopRunning()
	return errors.Join(err, <-delivered)
}
