package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/almoner/almoner/tools/stripesim"
)

// instance is the program as a process of its own, whose Stripe is the account.
type instance struct {
	*account
	url     string
	environ []string
	browser *http.Client
	log     bytes.Buffer
	end     func() error
}

const webhookSecret = "whsec_conformance"

// startProgram runs the program on an empty folder until it is ready.
func startProgram(ctx context.Context) (*instance, error) {
	program, err := theProgram()
	if err != nil {
		return nil, fmt.Errorf("build the program: %w", err)
	}
	a, err := openAccount(func(c *stripesim.Config) { c.Seed, c.WebhookSecret = 1, webhookSecret })
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, a.stop())
	}
	address := listener.Addr().String()
	err = listener.Close()
	if err != nil {
		return nil, errors.Join(err, a.stop())
	}
	cookies, err := cookiejar.New(nil)
	if err != nil {
		return nil, errors.Join(err, a.stop())
	}
	i := &instance{account: a, url: "http://" + address, browser: &http.Client{
		Jar: cookies, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	folder := filepath.Join(scratch(), "data")
	i.environ = append(os.Environ(), "ALMONER_DATA_DIR="+folder, "ALMONER_HTTP_ADDR="+address, "ALMONER_STRIPE_URL="+a.url,
		"STRIPE_SECRET_KEY="+testKey, "STRIPE_WEBHOOK_SECRETS="+webhookSecret)
	_, err = a.sim.EnsureWebhookEndpoint(i.url+"/webhooks/stripe", []string{"*"}, stripesim.APIVersion)
	if err != nil {
		return nil, errors.Join(err, a.stop())
	}
	command := exec.CommandContext(context.WithoutCancel(ctx), program, "run")
	command.Env, command.Stderr = i.environ, &i.log
	err = command.Start()
	if err != nil {
		return nil, errors.Join(err, a.stop())
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	i.end = sync.OnceValue(func() error {
		_ = command.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		return errors.Join(<-ended, a.stop())
	})
	err = eventually("the program is ready", func() error {
		select {
		case err := <-ended:
			ended <- err
			return fmt.Errorf("the program ended: %w", err)
		default:
		}
		_, err := i.open("GET", i.url+"/readyz", nil, http.StatusOK)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, i.end(), errors.New(i.log.String()))
	}
	return i, nil
}

// eventually asks often, for a bounded time, until there is no error.
func eventually(what string, check func() error) error {
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-deadline.C:
			return fmt.Errorf("%s: %w", what, err)
		case <-ticker.C:
		}
	}
}

// page is what somebody sees, and where it leads.
type page struct{ text, location string }

func (i *instance) open(method, address string, form url.Values, status int) (page, error) {
	request, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return page{}, err
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		// A browser names the site whose form it was.
		request.Header.Set("Origin", request.URL.Scheme+"://"+request.URL.Host)
	}
	response, err := i.browser.Do(request)
	if err != nil {
		return page{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != status {
		err = fmt.Errorf("%s %s answered %d, want %d", method, address, response.StatusCode, status)
	}
	return page{string(text), response.Header.Get("Location")}, err
}

// command runs another command of the program beside it.
func (i *instance) command(args ...string) error {
	program, err := theProgram()
	if err != nil {
		return err
	}
	command := exec.CommandContext(context.Background(), program, args...)
	command.Env = i.environ
	out, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("almoner %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// overheard is what the program sent, and the account still open to ask again.
type overheard struct {
	*instance
	requests []exchange
	err      error
}

// theRequests are those that the program sends while it is used. The instance lives
// until the tests are over: they go on asking it.
var theRequests = sync.OnceValue(func() overheard {
	i, err := startProgram(context.Background())
	if err != nil {
		return overheard{err: err}
	}
	atTheEnd(i.end)
	u := &usage{instance: i}
	for _, occasion := range occasions {
		occasion.use(u)
		if u.err != nil {
			return overheard{err: fmt.Errorf("%s: %w\n%s", occasion.name, u.err, &i.log)}
		}
	}
	return overheard{instance: i, requests: i.heard()}
})

func overhearProgram(t *testing.T) overheard {
	t.Helper()
	out := theRequests()
	if out.err != nil {
		t.Fatalf("the program could not be used: %v", out.err)
	}
	return out
}
