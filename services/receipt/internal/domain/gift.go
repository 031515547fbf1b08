package domain

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/money"
)

// Gift is a donation that has succeeded, as far as a receipt needs it. It
// carries no personal data.
type Gift struct {
	DonationID       string
	Fund             FundKey
	Amount           money.Amount // what the donor gave
	Cover            money.Amount // what the donor added for the fee, may be zero
	PaidAt           time.Time
	PaymentReference string
	Monthly          bool      // an instalment of a monthly plan
	Traceparent      string    // of the donor's submission
	SucceededAt      time.Time // when donation committed the success
}

// Total is what the receipt is about. The cover belongs to it: the donor gave
// the whole, whatever Stripe then kept of it.
func (g Gift) Total() (money.Amount, error) {
	total, err := g.Amount.Add(g.Cover)
	if err != nil {
		return money.Amount{}, fmt.Errorf("add cover to gift: %w", err)
	}
	return total, nil
}

// Validate reports what makes it impossible to ever issue a receipt for the
// gift.
func (g Gift) Validate() error {
	var wrong []error
	if g.DonationID == "" {
		wrong = append(wrong, errors.New("gift has no donation id"))
	}
	if g.Fund.OrganizationID == "" || g.Fund.Code == "" {
		wrong = append(wrong, errors.New("gift is not attributed to an organization and a fund"))
	}
	if g.PaidAt.UnixMicro() <= 0 {
		wrong = append(wrong, errors.New("gift has no time of payment"))
	}
	if g.Amount.Minor <= 0 || g.Cover.Minor < 0 {
		wrong = append(wrong, fmt.Errorf("gift of %s with cover of %s is not an amount to receipt", g.Amount, g.Cover))
	}
	_, err := g.Total()
	if err != nil {
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}

// Donor is who gave. Personal data: it is shown on the receipt and in its
// mail, and nowhere else.
type Donor struct {
	Name     string
	Email    string
	Language string // BCP 47, as the donor's page was; may be empty
}

// storable keeps a name as it was given but for the one character that a
// PostgreSQL text cannot hold. A single such name would otherwise keep its
// whole batch from ever being issued.
func storable(text string) string {
	return strings.ReplaceAll(text, "\x00", "\uFFFD")
}
