package domain

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/money"
)

// ErrUnbalanced says that postings do not sum to zero in some currency.
var ErrUnbalanced = errors.New("postings do not sum to zero")

// Dimensions say what a posting was for. They are analysis and never change
// what is booked where.
type Dimensions struct {
	Fund       string // code of the fund
	Appeal     string // id
	Fundraiser string // id of the supporter's page
	Team       string // id
	Channel    string // online or peer_to_peer
}

// Posting moves one account in one currency: debit positive, credit negative.
type Posting struct {
	Account Account
	Amount  money.Amount
	Dimensions
	// Item is the Stripe object whose clearing this posting waits for, on the
	// accounts that must return to zero item by item; empty elsewhere.
	Item string
}

// Rule names what made an entry. The version rises when the rule books
// differently, so that old entries stay explainable.
type Rule struct {
	Name    string
	Version int
}

// Header is what an entry says about itself besides its postings.
type Header struct {
	OrganizationID string
	// Key is the business key: one entry has it, for ever, in all books.
	Key         string
	Rule        Rule
	Description string
	AccountID   string   // Stripe account
	StripeIDs   []string // Stripe objects that the entry rests on
	DonationID  string   // opaque; empty if it belongs to no gift
	OccurredAt  time.Time
}

// Draft is an entry that balances but has no number yet. Drafts come from
// NewDraft only, so one in hand can be booked.
type Draft struct {
	header   Header
	postings []Posting
	alert    string
}

// Header returns what the draft says about itself.
func (d Draft) Header() Header { return d.header }

// Postings returns the lines. The slice must not be changed.
func (d Draft) Postings() []Posting { return d.postings }

// Alert says why staff must look at the entry; empty when they need not.
func (d Draft) Alert() string { return d.alert }

// NewDraft makes an entry of a header and its lines. It refuses fewer than two
// lines, a line that moves nothing, an account that the chart does not have, a
// line that names no item where one is needed (or one where none is), and lines that do not sum to zero in each currency (ErrUnbalanced, or
// money.ErrOverflow when the sum cannot be counted).
func NewDraft(header Header, postings ...Posting) (Draft, error) {
	err := header.check()
	if err != nil {
		return Draft{}, fmt.Errorf("draft entry %q: %w", header.Key, err)
	}
	for _, p := range postings {
		if p.Amount.IsZero() {
			return Draft{}, fmt.Errorf("draft entry %q: posting on %s moves nothing", header.Key, p.Account)
		}
		_, err := p.Account.Name(p.Amount.Currency)
		if err != nil {
			return Draft{}, fmt.Errorf("draft entry %q: %w", header.Key, err)
		}
		if p.Account.clearsByItem() != (p.Item != "") {
			return Draft{}, fmt.Errorf("draft entry %q: posting on %s for item %q", header.Key, p.Account, p.Item)
		}
	}
	err = CheckBalance(postings)
	if err != nil {
		return Draft{}, fmt.Errorf("draft entry %q: %w", header.Key, err)
	}
	return Draft{header: header, postings: postings}, nil
}

// alerting returns the draft with a reason for staff to look at it.
func (d Draft) alerting(reason string) Draft {
	d.alert = reason
	return d
}

func (h Header) check() error {
	switch {
	case h.OrganizationID == "":
		return errors.New("it belongs to no organization")
	case h.Key == "":
		return errors.New("it has no business key")
	case h.Rule.Name == "" || h.Rule.Version < 1:
		return errors.New("no rule made it")
	case h.OccurredAt.IsZero() || h.OccurredAt.Unix() <= 0:
		return errors.New("it does not say when it happened")
	}
	for _, id := range h.StripeIDs {
		// The ids are stored and exported as one text with spaces between.
		if id == "" || strings.ContainsAny(id, " \t\r\n") {
			return fmt.Errorf("%q is no Stripe id", id)
		}
	}
	return nil
}

// CheckBalance refuses postings that could not be an entry: fewer than two,
// without a currency, or not zero in sum per currency.
func CheckBalance(postings []Posting) error {
	if len(postings) < 2 {
		return fmt.Errorf("%d postings: %w", len(postings), ErrUnbalanced)
	}
	// Entries have one or two currencies: a slice beats a map and keeps the
	// error message the same from run to run.
	var sums []money.Amount
next:
	for _, p := range postings {
		if p.Amount.Currency.IsZero() {
			return fmt.Errorf("posting on %s has no currency", p.Account)
		}
		for i := range sums {
			if sums[i].Currency != p.Amount.Currency {
				continue
			}
			sum, err := sums[i].Add(p.Amount)
			if err != nil {
				return fmt.Errorf("sum of postings: %w", err)
			}
			sums[i] = sum
			continue next
		}
		sums = append(sums, p.Amount)
	}
	for _, sum := range sums {
		if !sum.IsZero() {
			return fmt.Errorf("%s left over: %w", sum, ErrUnbalanced)
		}
	}
	return nil
}
