package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
)

// The simulator's bank accounts, by what becomes of a debit.
const (
	ibanPays    = "AT611904300234573201"
	ibanRefuses = "AT861904300235473202"
)

// debits plays gifts from a bank account whose money Stripe shows at once: one that
// the bank pays and one that it refuses. They wait for the bank, which here is asked
// to hurry: nothing else at Stripe grows older. There are none where the instance
// offers cards alone.
func (d *Demo) debits(ctx context.Context, base gift) (cases []Case, err error) {
	_, err = d.control(ctx, "/_sim/knobs", map[string]any{"debit_early_transaction": true})
	if err != nil {
		return nil, err
	}
	defer func() {
		_, knobErr := d.control(context.WithoutCancel(ctx), "/_sim/knobs", map[string]any{"debit_early_transaction": nil})
		err = errors.Join(err, knobErr)
	}()
	for _, s := range []struct {
		story, iban string
		ends        donationv1.State
		rules       []string
	}{
		{"debited: the money is seen, and the bank pays days later", ibanPays, donationv1.State_STATE_SUCCEEDED, []string{"arrival", "fee", "gift"}},
		{"debited: the money is seen, and the bank refuses days later", ibanRefuses, donationv1.State_STATE_FAILED, []string{"arrival", "debit_failed", "fee"}},
	} {
		told, offered, err := d.debited(ctx, base, s.iban, s.ends, s.rules)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.story, err)
		}
		if offered {
			told.Story = s.story
			cases = append(cases, told)
		}
	}
	return cases, nil
}

func (d *Demo) debited(ctx context.Context, base gift, iban string, ends donationv1.State, rules []string) (told Case, offered bool, err error) {
	base.iban = iban
	id, err := d.give(ctx, firstAfter, base)
	if errors.Is(err, errNotOffered) {
		return Case{}, false, nil
	}
	if err != nil {
		return Case{}, false, err
	}
	told = Case{Donations: []string{id}, Entries: []Entry{}}
	told.StripeID, err = d.paymentOf(ctx, id)
	if err != nil {
		return Case{}, false, err
	}
	fault := func(state donationv1.State, rules []string) string {
		err := d.until(ctx, func() error {
			err := d.is(ctx, id, state)
			if err != nil {
				return err
			}
			return d.booked(ctx, &told, rules, &ledgerv1.ListEntriesRequest{DonationId: id})
		})
		if err != nil {
			return err.Error()
		}
		return ""
	}
	told.Fault = fault(donationv1.State_STATE_PROCESSING, []string{"arrival", "fee"})
	if told.Fault != "" {
		return told, true, nil
	}
	_, err = d.control(ctx, "/_sim/debit", map[string]any{"payment_intent": told.StripeID})
	if err != nil {
		return Case{}, false, err
	}
	told.Fault = fault(ends, rules)
	return told, true, nil
}

// is complains about a gift that is in another state.
func (d *Demo) is(ctx context.Context, id string, state donationv1.State) error {
	found, err := d.donation.GetDonation(ctx, &donationv1.GetDonationRequest{DonationId: id})
	if err != nil {
		return err
	}
	if got := found.GetDonation().GetState(); got != state {
		return fmt.Errorf("the gift is %s, not %s: %w", got, state, errNotThere)
	}
	return nil
}

// paymentOf is the payment intent of a gift that is no money yet.
func (d *Demo) paymentOf(ctx context.Context, donationID string) (string, error) {
	var list struct {
		Data []struct {
			ID       string            `json:"id"`
			Metadata map[string]string `json:"metadata"`
		} `json:"data"`
	}
	err := d.ask(ctx, http.MethodGet, "/v1/payment_intents?limit=100", "", nil, &list)
	if err != nil {
		return "", err
	}
	for _, p := range list.Data {
		if p.Metadata["donation_id"] == donationID {
			return p.ID, nil
		}
	}
	return "", fmt.Errorf("there is no payment at Stripe for gift %s", donationID)
}

// errNotOffered means that the checkout page lets nobody pay from a bank account.
var errNotOffered = errors.New("bank debits are not offered")

// payFromBank enters a bank account on the checkout page.
func (d *Demo) payFromBank(ctx context.Context, checkout *page, iban string) (donationID string, err error) {
	if !strings.Contains(checkout.body, "?method=sepa_debit") {
		return "", errNotOffered
	}
	page, err := d.donor.get(ctx, checkout.address.String()+"?method=sepa_debit")
	if err != nil {
		return "", err
	}
	form, err := page.formWith("iban")
	if err != nil {
		return "", err
	}
	for field, value := range map[string]string{"iban": iban, "name": "Demo Donor", "email": "donor@example.org"} {
		form.fields.Set(field, value)
	}
	answer, err := d.donor.post(ctx, form.action, form.fields)
	if err != nil {
		return "", err
	}
	if answer.location == nil {
		return "", fmt.Errorf("the bank account was answered with %d", answer.status)
	}
	elements := strings.Split(answer.location.Path, "/")
	if len(elements) != 4 || !slices.Contains(elements, "donations") {
		return "", errors.New("Stripe sent the donor to " + answer.location.Path + ", which is no thanks page")
	}
	return elements[2], nil
}
