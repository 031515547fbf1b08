package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/almoner/almoner/services/internal/money"
)

// give plays one story over HTTP and returns the donation's id.
func (d *Demo) give(ctx context.Context, n int, g gift) (donationID string, err error) {
	formPage, err := d.donor.get(ctx, d.baseURL+g.path+"/donate")
	if err != nil {
		return "", err
	}
	form, err := formPage.formWith("intent")
	if err != nil {
		return "", err
	}
	form.fields.Set("amount", money.Decimal(g.amount))
	form.fields.Set("currency", g.amount.Currency.Code())
	form.fields.Set("frequency", "once")
	if g.monthly {
		form.fields.Set("frequency", "monthly")
	}
	form.fields.Set("name", fmt.Sprintf("Demo Donor %d", n))
	form.fields.Set("email", fmt.Sprintf("donor%d@example.org", n))
	form.fields.Set("visibility", g.visibility)
	form.fields.Set("message", "For those who had to leave.")
	form.fields.Del("cover_fees")
	if g.cover {
		form.fields.Set("cover_fees", "1")
	}
	if g.fund != "" {
		form.fields.Set("fund", g.fund)
	}
	sent, err := d.donor.post(ctx, form.action, form.fields)
	if err != nil {
		return "", err
	}
	if sent.status != http.StatusSeeOther || sent.location == nil {
		return "", fmt.Errorf("the donate form answered %d instead of sending the donor to Stripe", sent.status)
	}
	checkout, err := d.donor.get(ctx, sent.location.String())
	if err != nil {
		return "", err
	}
	if checkout.status != http.StatusOK {
		return "", fmt.Errorf("the checkout page answered %d", checkout.status)
	}
	donationID, err = d.pay(ctx, checkout, g)
	if err != nil {
		return "", err
	}
	if donationID != "" {
		return donationID, nil
	}
	// Nobody was sent back with an id, so ask by the session, as Stripe's page
	// names it in its address.
	session := sent.location.Path[strings.LastIndexByte(sent.location.Path, '/')+1:]
	return d.donationOf(ctx, session)
}

// pay tries the cards one after the other, and returns the donation's id from
// the thanks page once one is accepted.
func (d *Demo) pay(ctx context.Context, checkout *page, g gift) (donationID string, err error) {
	if g.iban != "" {
		return d.payFromBank(ctx, checkout, g.iban)
	}
	for i, card := range g.cards {
		form, err := checkout.formWith("card_number")
		if err != nil {
			return "", err
		}
		for field, value := range map[string]string{
			"card_number": card, "exp": "12/34", "cvc": "1234"[:cvcDigits(card)], "name": "Demo Donor", "email": "donor@example.org",
			"country": "US", "postal_code": "10001",
		} {
			form.fields.Set(field, value)
		}
		answer, err := d.donor.post(ctx, form.action, form.fields)
		if err != nil {
			return "", err
		}
		accepted := answer.location != nil
		expected := g.paid && i == len(g.cards)-1
		switch {
		case accepted != expected:
			return "", fmt.Errorf("card %s…%s: accepted is %t, expected %t", card[:4], card[len(card)-4:], accepted, expected)
		case !accepted:
			checkout = answer
			continue
		}
		thanks, err := d.donor.get(ctx, answer.location.String())
		if err != nil {
			return "", err
		}
		if thanks.status != http.StatusOK {
			return "", fmt.Errorf("the thanks page answered %d", thanks.status)
		}
		elements := strings.Split(thanks.address.Path, "/")
		if len(elements) != 4 || elements[1] != "donations" {
			return "", errors.New("Stripe sent the donor to " + thanks.address.Path + ", which is no thanks page")
		}
		return elements[2], nil
	}
	return "", nil
}

// cvcDigits is 4 for American Express, whose numbers have 15 digits, else 3.
func cvcDigits(card string) int {
	if len(card) == 15 {
		return 4
	}
	return 3
}
