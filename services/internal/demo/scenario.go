package demo

import (
	"context"
	"fmt"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"

	"github.com/almoner/almoner/services/internal/money"
)

// gift is one donor's story.
type gift struct {
	story string
	// path of the page whose donate form is used.
	path       string
	amount     money.Amount
	cover      bool
	visibility string
	fund       string
	monthly    bool
	// cards are tried one after the other until one is accepted; none means that
	// the donor leaves Stripe's page.
	cards []string
	// iban is the bank account that is entered instead; empty for none.
	iban string
	// paid says how the story ends.
	paid bool
	// declined is Stripe's code for the last card that was refused.
	declined string
}

// Stripe's published test numbers.
const (
	visa       = "4242424242424242"
	mastercard = "5555555555554444"
	amex       = "378282246310005"
)

// declines are the published numbers that are refused, with the code that
// Stripe gives: the decline code where there is one, the error code otherwise.
func declines() []struct{ card, code string } {
	return []struct{ card, code string }{
		{"4000000000000002", "generic_decline"},
		{"4000000000009995", "insufficient_funds"},
		{"4000000000009987", "lost_card"},
		{"4000000000009979", "stolen_card"},
		{"4000000000006975", "card_velocity_exceeded"},
		{"4000000000000069", "expired_card"},
		{"4000000000000127", "incorrect_cvc"},
		{"4000000000000119", "processing_error"},
	}
}

// scenario makes the stories from what the running instance offers: every live
// appeal and every page under it, so that it works with any organization's data.
func (d *Demo) scenario(ctx context.Context) ([]gift, error) {
	list, err := d.fundraiser.ListAppeals(ctx, &fundraiserv1.ListAppealsRequest{})
	if err != nil {
		return nil, fmt.Errorf("list appeals: %w", err)
	}
	var gifts []gift
	for _, appeal := range list.GetAppeals() {
		if appeal.GetClosed() {
			continue
		}
		currency, err := money.ParseCurrency(appeal.GetCurrency())
		if err != nil {
			return nil, fmt.Errorf("appeal %s: %w", appeal.GetSlug(), err)
		}
		amount := func(times int64) money.Amount {
			base := appeal.GetMinimumMinor()
			if suggested := appeal.GetSuggestedMinor(); len(suggested) > 0 {
				base = suggested[0]
			}
			return money.Amount{Minor: base * times, Currency: currency}
		}
		path := "/appeals/" + appeal.GetSlug()
		gifts = append(gifts,
			gift{story: "direct, public", path: path, amount: amount(1), visibility: "public", cards: []string{visa}, paid: true},
			gift{story: "direct, anonymous, covers the fee", path: path, amount: amount(2), cover: true, visibility: "anonymous", cards: []string{mastercard}, paid: true},
		)
		for _, fund := range appeal.GetFunds() {
			gifts = append(gifts, gift{story: "to the fund " + fund.GetCode(), path: path, amount: amount(3), visibility: "first_name", fund: fund.GetCode(), cards: []string{amex}, paid: true})
		}
		detail, err := d.fundraiser.GetAppeal(ctx, &fundraiserv1.GetAppealRequest{Slug: appeal.GetSlug()})
		if err != nil {
			return nil, fmt.Errorf("look at appeal %s: %w", appeal.GetSlug(), err)
		}
		for _, fundraiser := range detail.GetFundraisers() {
			if fundraiser.GetClosed() {
				continue
			}
			through := "/f/" + fundraiser.GetSlug()
			gifts = append(gifts,
				gift{story: "through a page, public", path: through, amount: amount(1), visibility: "public", cards: []string{visa}, paid: true},
				gift{story: "through a page, anonymous, covers the fee", path: through, amount: amount(2), cover: true, visibility: "anonymous", cards: []string{mastercard}, paid: true},
			)
		}
		if len(list.GetAppeals()) == 0 || appeal.GetSlug() != list.GetAppeals()[0].GetSlug() {
			continue
		}
		// The unhappy stories are told once, at the first appeal.
		for _, decline := range declines() {
			gifts = append(gifts, gift{story: "declined: " + decline.code, path: path, amount: amount(1), visibility: "public", cards: []string{decline.card}, declined: decline.code})
		}
		gifts = append(gifts,
			gift{story: "declined, then another card", path: path, amount: amount(1), visibility: "public", cards: []string{declines()[0].card, visa}, paid: true, declined: declines()[0].code},
			gift{story: "leaves Stripe's page", path: path, amount: amount(4), visibility: "public"},
		)
	}
	if len(gifts) == 0 {
		return nil, fmt.Errorf("nothing to give to: no live appeal; load some with `almoner load FILE`")
	}
	return gifts, nil
}

// unpaid are the states in which a gift may be that nobody paid.
func unpaid(state donationv1.State) bool {
	return state == donationv1.State_STATE_CHECKOUT_OPEN || state == donationv1.State_STATE_EXPIRED || state == donationv1.State_STATE_FAILED
}
