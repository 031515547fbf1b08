package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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
	donor   *http.Client
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
	i := &instance{account: a, url: "http://" + address, donor: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
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

// page is what a donor sees, and where it leads.
type page struct{ text, location string }

func (i *instance) open(method, address string, form url.Values, status int) (page, error) {
	request, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return page{}, err
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := i.donor.Do(request)
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

// usage is what the people of an organization do, told once over HTTP.
type usage struct {
	*instance
	err error
}

// occasions are what the program has to ask Stripe for. A path that the client's
// source names and no occasion leads to fails TestEveryPathOfTheClientIsAsked.
var occasions = []struct {
	name string
	use  func(*usage)
}{
	{"gifts are given and confirmed", func(u *usage) {
		for n, more := range []url.Values{{}, {"cover_fees": {"1"}}} {
			u.thanks(u.pay(u.donate(newIntent(), "25.00", more), "4242424242424242"))
			u.settled(n + 1)
		}
	}},
	{"a donor thinks again", func(u *usage) {
		intent := newIntent()
		u.donate(intent, "25.00", nil)
		u.thanks(u.pay(u.donate(intent, "30.00", nil), "4242424242424242"))
		u.settled(3)
	}},
	{"a donor comes back to a session that was paid", func(u *usage) {
		intent := newIntent()
		u.pay(u.donate(intent, "25.00", nil), "5555555555554444")
		u.donate(intent, "35.00", nil)
		u.settled(4)
	}},
	{"an event of another version", func(u *usage) {
		u.knobs(`{"api_version": "2024-04-10"}`)
		u.pay(u.donate(newIntent(), "25.00", nil), "4242424242424242")
		u.settled(5)
		u.knobs(`{"api_version": null}`)
	}},
	{"money of another program", func(u *usage) {
		u.try(func() error {
			_, err := u.control("/_sim/foreign_charge", `{"amount": 990, "currency": "eur"}`)
			return err
		})
		u.settled(6)
	}},
	{"a payment for a gift that is not known here", func(u *usage) {
		u.try(func() error {
			_, err := u.control("/_sim/foreign_charge", `{"amount": 2500, "currency": "eur", "metadata":
				{"almoner": "1", "donation_id": "7b2f8a52-7d4c-4b4e-9d2f-0a1b2c3d4e5f", "organization_id": "org"}}`)
			return err
		})
		u.settled(7)
	}},
	{"a refund in the Dashboard and a dispute, told in another version", func(u *usage) {
		u.knobs(`{"api_version": "2024-04-10"}`)
		u.try(func() error {
			_, err := u.control("/_sim/refund", encoded(map[string]any{"charge": u.sim.Truth().Charges[0].ID, "amount": 500}))
			return err
		})
		u.pay(u.donate(newIntent(), "25.00", nil), "4000000000000259")
		// The refund, the gift, and what the bank took back.
		u.settled(10)
		for _, path := range []string{"/v1/refunds/", "/v1/disputes/"} {
			u.asked(path)
		}
		u.knobs(`{"api_version": null}`)
	}},
	{"everything is paid out", func(u *usage) {
		u.try(func() error {
			_, err := u.control("/_sim/payout", `{"include_pending": true}`)
			return err
		})
		u.asked("/v1/payouts/")
		u.try(func() error {
			_, err := u.control("/_sim/payout/"+u.sim.Truth().Payouts[0].ID, `{"status": "paid"}`)
			return err
		})
		u.try(func() error {
			return eventually("what is in it is asked for", func() error {
				if slices.ContainsFunc(u.heard(), func(e exchange) bool { return e.query.Get("payout") != "" }) {
					return nil
				}
				return errors.New("not yet")
			})
		})
	}},
	{"the books are compared", func(u *usage) {
		u.try(func() error {
			err := u.command("audit", "--wait", "20s")
			var failed *exec.ExitError
			if errors.As(err, &failed) && failed.ExitCode() == 1 {
				return nil // the payment that is not known here is a difference, and rightly
			}
			return err
		})
	}},
}

func (u *usage) try(act func() error) {
	if u.err == nil {
		u.err = act()
	}
}

// asked waits until the program has asked for something.
func (u *usage) asked(path string) {
	u.try(func() error {
		return eventually(path+" is asked for", func() error {
			if slices.ContainsFunc(u.heard(), func(e exchange) bool { return strings.HasPrefix(e.path, path) }) {
				return nil
			}
			return errors.New("not yet")
		})
	})
}

func (u *usage) knobs(document string) {
	u.try(func() error {
		_, err := u.control("/_sim/knobs", document)
		return err
	})
}

var appealLink = regexp.MustCompile(`href="(/appeals/[a-z0-9-]+)"`)

// donate sends the form of the first appeal and answers the checkout page.
func (u *usage) donate(intent, amount string, more url.Values) (checkout string) {
	u.try(func() error {
		home, err := u.open("GET", u.url+"/", nil, http.StatusOK)
		if err != nil {
			return err
		}
		appeal := appealLink.FindStringSubmatch(home.text)
		if appeal == nil {
			return errors.New("the first page links to no appeal")
		}
		form := url.Values{
			"intent": {intent}, "amount": {amount}, "currency": {"EUR"}, "frequency": {"once"}, "name": {"Amina Yusuf"},
			"email": {"amina@example.org"}, "visibility": {"public"},
		}
		for name, values := range more {
			form[name] = values
		}
		sent, err := u.open("POST", u.url+appeal[1]+"/donate", form, http.StatusSeeOther)
		checkout = sent.location
		return err
	})
	return checkout
}

// pay uses a card on the checkout page and answers where the donor is sent.
func (u *usage) pay(checkout, number string) (back string) {
	u.try(func() error {
		paid, err := u.open("POST", checkout, paying(number), http.StatusSeeOther)
		back = paid.location
		return err
	})
	return back
}

func (u *usage) thanks(address string) {
	u.try(func() error {
		_, err := u.open("GET", address, nil, http.StatusOK)
		return err
	})
}

// settled waits until the program has heard of everything and has imported the
// newest of so many transactions.
func (u *usage) settled(transactions int) {
	u.try(func() error {
		err := u.settle()
		if err != nil {
			return err
		}
		truth := u.sim.Truth().BalanceTransactions
		if len(truth) != transactions {
			return fmt.Errorf("there are %d balance transactions, want %d", len(truth), transactions)
		}
		newest := truth[len(truth)-1].ID
		return eventually("the newest transaction is imported", func() error {
			for _, e := range u.heard() {
				if e.path == "/v1/balance_transactions" && bytes.Contains(e.raw, []byte(newest)) {
					return nil
				}
			}
			return errors.New("not asked for yet")
		})
	})
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
