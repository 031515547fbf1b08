package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

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
	{"a monthly gift, of which Stripe tells its invoice and no more", func(u *usage) {
		u.knobs(`{"drop": {"p": 1, "only": "c"}}`) // charge, checkout and customer
		u.pay(u.donate(newIntent(), "20.00", url.Values{"frequency": {"monthly"}, "cover_fees": {"1"}}), "4242424242424242")
		u.settled(11)
		u.asked("/v1/invoices")
		u.knobs(`{"drop": null}`)
	}},
	{"a donor changes a monthly gift, and ends it", func(u *usage) {
		plan := u.mailed(`/plans/[0-9a-f-]{36}/[A-Za-z0-9_-]+`)
		u.send(plan+"/card", nil)
		u.asked("/v1/billing_portal/sessions")
		u.send(plan+"/amount", url.Values{"amount": {"35.00"}})
		u.send(plan+"/pause", url.Values{"pause_months": {"2"}})
		u.send(plan+"/resume", nil)
		u.send(plan+"/end", nil)
	}},
	{"staff give a part back", func(u *usage) {
		u.send("/sign-in", url.Values{"email": {"finance@example.org"}, "next": {"/finance/"}})
		u.send(u.mailed(`/sign-in/[A-Za-z0-9_-]{20,}`), nil)
		gift := u.leads("/finance/search?q=" + u.sim.Truth().Charges[1].ID)
		u.send(gift+"/refund", url.Values{"amount": {"7.50"}, "reason": {"requested_by_customer"}})
		u.settled(12)
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

// send sends a form of the site, which leads on when it is taken.
func (u *usage) send(path string, form url.Values) {
	u.try(func() error {
		filled := url.Values{"request_id": {newIntent()}}
		maps.Copy(filled, form)
		_, err := u.open("POST", u.url+path, filled, http.StatusSeeOther)
		return err
	})
}

// leads answers where a page of the site leads on to.
func (u *usage) leads(path string) (to string) {
	u.try(func() error {
		found, err := u.open("GET", u.url+path, nil, http.StatusSeeOther)
		to = found.location
		return err
	})
	return to
}

// mailed waits for a letter with a link to the site, and answers the link's path.
func (u *usage) mailed(link string) (path string) {
	wanted := regexp.MustCompile(link)
	u.try(func() error {
		return eventually("a letter with a link like "+link, func() error {
			list, err := u.open("GET", u.url+"/dev/mail", nil, http.StatusOK)
			if err != nil {
				return err
			}
			for _, letter := range letterLink.FindAllString(list.text, -1) {
				read, err := u.open("GET", u.url+letter, nil, http.StatusOK)
				if err != nil {
					return err
				}
				if path = wanted.FindString(read.text); path != "" {
					return nil
				}
			}
			return errors.New("not yet")
		})
	})
	return path
}

var letterLink = regexp.MustCompile(`/dev/mail/[^"]+`)

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
		maps.Copy(form, more)
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
