package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
)

// demoKey is that of somebody who uses Stripe's own tools; the simulator takes any
// test key.
const demoKey = "sk_test_demo"

// control has the simulator do something, and answers the id of what came of it.
func (d *Demo) control(ctx context.Context, path string, asked map[string]any) (id string, err error) {
	document, err := json.Marshal(asked)
	if err != nil {
		return "", fmt.Errorf("ask the simulator: %w", err)
	}
	var made struct {
		ID      string `json:"id"`
		Payouts []struct {
			ID string `json:"id"`
		} `json:"payouts"`
	}
	err = d.ask(ctx, http.MethodPost, path, "application/json", document, &made)
	if err == nil && len(made.Payouts) > 0 {
		return made.Payouts[0].ID, nil
	}
	return made.ID, err
}

// ask sends a request to the simulator and reads its answer.
func (d *Demo) ask(ctx context.Context, method, path, kind string, body []byte, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, d.simulatorURL+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask the simulator: %w", err)
	}
	req.Header.Set("Content-Type", kind)
	req.SetBasicAuth(demoKey, "")
	got, err := d.donor.do(req)
	if err != nil {
		return fmt.Errorf("ask the simulator: %w", err)
	}
	if got.status != http.StatusOK {
		return fmt.Errorf("the simulator answers %s with %d: %.300s", path, got.status, got.body)
	}
	if answer == nil {
		return nil
	}
	err = json.Unmarshal([]byte(got.body), answer)
	if err != nil {
		return fmt.Errorf("read the simulator's answer to %s: %w", path, err)
	}
	return nil
}

// subscription is what Stripe has of a monthly plan.
type subscription struct {
	ID       string            `json:"id"`
	Customer string            `json:"customer"`
	Metadata map[string]string `json:"metadata"`
}

type invoice struct {
	ID            string `json:"id"`
	Status        string `json:"status"`
	PaymentIntent string `json:"payment_intent"`
}

// months plays a monthly plan: begun, renewed, a month for which there is no money,
// and another card that is charged for it. The months are the plan's own: nothing
// else at Stripe grows older.
func (d *Demo) months(ctx context.Context, base gift) (Case, error) {
	base.monthly = true
	given, err := d.paid(ctx, firstAfter, base)
	if err != nil {
		return Case{}, err
	}
	plan, err := d.subscriptionOf(ctx, given.id)
	if err != nil {
		return Case{}, err
	}
	told := Case{Story: "every month: begun, renewed, declined, paid with another card", StripeID: plan.ID}
	at := "/_sim/subscriptions/" + plan.ID
	for _, step := range []struct {
		path  string
		asked map[string]any
	}{
		{at + "/renew", map[string]any{}},
		{at + "/fail_next", map[string]any{"attempts": 1}},
		{at + "/renew", map[string]any{}},
	} {
		// Nothing is charged for a month that has just begun, in this second.
		err = d.until(ctx, func() error {
			_, err := d.control(ctx, step.path, step.asked)
			return err
		})
		if err != nil {
			return Case{}, err
		}
	}
	err = d.anotherCard(ctx, plan)
	if err != nil {
		return Case{}, err
	}
	err = d.until(ctx, func() error { return d.instalments(ctx, &told, plan.ID) })
	if err != nil {
		told.Fault = err.Error()
	}
	return told, nil
}

func (d *Demo) subscriptionOf(ctx context.Context, donationID string) (subscription, error) {
	var list struct {
		Data []subscription `json:"data"`
	}
	err := d.ask(ctx, http.MethodGet, "/v1/subscriptions?limit=20", "", nil, &list)
	if err != nil {
		return subscription{}, err
	}
	for _, plan := range list.Data {
		if plan.Metadata["donation_id"] == donationID {
			return plan, nil
		}
	}
	return subscription{}, fmt.Errorf("there is no subscription at Stripe for gift %s", donationID)
}

func (d *Demo) invoices(ctx context.Context, subscriptionID string) ([]invoice, error) {
	var list struct {
		Data []invoice `json:"data"`
	}
	err := d.ask(ctx, http.MethodGet, "/v1/invoices?limit=20&subscription="+url.QueryEscape(subscriptionID), "", nil, &list)
	return list.Data, err
}

// anotherCard is put in by the donor, and charged for what is open.
func (d *Demo) anotherCard(ctx context.Context, plan subscription) error {
	var card struct {
		ID string `json:"id"`
	}
	err := d.post(ctx, "/v1/payment_methods/pm_card_mastercard/attach", url.Values{"customer": {plan.Customer}}, &card)
	if err != nil {
		return err
	}
	err = d.post(ctx, "/v1/subscriptions/"+plan.ID, url.Values{"default_payment_method": {card.ID}}, nil)
	if err != nil {
		return err
	}
	list, err := d.invoices(ctx, plan.ID)
	if err != nil {
		return err
	}
	for _, i := range list {
		if i.Status == "open" {
			return d.post(ctx, "/v1/invoices/"+i.ID+"/pay", nil, nil)
		}
	}
	return errors.New("there was money for every month")
}

func (d *Demo) post(ctx context.Context, path string, form url.Values, answer any) error {
	return d.ask(ctx, http.MethodPost, path, "application/x-www-form-urlencoded", []byte(form.Encode()), answer)
}

// instalments are the gifts of a plan's paid invoices: three, each with its fee.
func (d *Demo) instalments(ctx context.Context, told *Case, subscriptionID string) error {
	list, err := d.invoices(ctx, subscriptionID)
	if err != nil {
		return err
	}
	told.Entries, told.Donations = []Entry{}, nil
	for _, i := range list {
		if i.Status != "paid" {
			continue
		}
		month := Case{}
		err = d.booked(ctx, &month, []string{"fee", "gift"}, &ledgerv1.ListEntriesRequest{Filter: &ledgerv1.EntryFilter{Reference: i.PaymentIntent}})
		if err != nil {
			return fmt.Errorf("instalment %s: %w", i.ID, err)
		}
		told.Entries, told.Donations = append(month.Entries, told.Entries...), append(month.Donations, told.Donations...)
	}
	const months = 3
	if got := len(told.Entries) / 2; got != months {
		return fmt.Errorf("%d months are booked, not %d: %w", got, months, errNotThere)
	}
	return nil
}

// payouts pays out what there is, and once more, which the bank refuses.
func (d *Demo) payouts(ctx context.Context, base gift) ([]Case, error) {
	var cases []Case
	for _, p := range []struct {
		story, status string
		rules         []string
	}{
		{"paid out to the bank", "paid", []string{"payout"}},
		{"paid out, and the bank sends it back", "failed", []string{"payout", "payout_reversal"}},
	} {
		given, err := d.paid(ctx, firstAfter, base) // so that there is something
		if err != nil {
			return nil, err
		}
		told := Case{Story: p.story, Donations: []string{given.id}}
		told.StripeID, err = d.control(ctx, "/_sim/payout", map[string]any{
			"currency": strings.ToLower(base.amount.Currency.Code()), "include_pending": true,
		})
		if err != nil {
			return nil, err
		}
		_, err = d.control(ctx, "/_sim/payout/"+told.StripeID, map[string]any{"status": p.status})
		if err != nil {
			return nil, err
		}
		err = d.until(ctx, func() error {
			return d.booked(ctx, &told, p.rules, &ledgerv1.ListEntriesRequest{Filter: &ledgerv1.EntryFilter{Reference: told.StripeID}})
		})
		if err != nil {
			told.Fault = err.Error()
		}
		cases = append(cases, told)
	}
	return cases, nil
}
