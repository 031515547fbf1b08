package anyorder

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/apperr"
)

// settle waits until Stripe has said all that it has to say.
func (w *world) settle() error {
	err := w.pass(10 * time.Second)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), *patience)
	defer cancel()
	err = w.sim.Settle(ctx)
	if err != nil {
		return fmt.Errorf("webhooks are still on their way: %w", err)
	}
	return w.post.sort()
}

// read tells what became of a story in words that are the same for every playing of
// its script: no ids, no numbers, no times.
func (w *world) read(s *story, truths map[string]stripes) (string, error) {
	gifts := []string{s.donation}
	var out strings.Builder
	if s.script.monthly {
		plan, more, err := w.plan(s)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "plan %s, %d instalments, failed %v\n", plan.GetStatus(), plan.GetInstalments(), plan.GetPaymentFailed())
		gifts = append(gifts, more...)
	}
	for _, id := range gifts {
		err := w.readGift(&out, id, truths)
		if err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

// plan finds a story's monthly plan and the gifts that followed the first.
func (w *world) plan(s *story) (*donationv1.Plan, []string, error) {
	first, err := w.web.GetDonation(w.t.Context(), &donationv1.GetDonationRequest{DonationId: s.donation})
	if err != nil {
		return nil, nil, err
	}
	list, err := w.web.ListPlans(w.t.Context(), &donationv1.ListPlansRequest{Reference: first.GetDonation().GetRecurringPlanId()})
	if err != nil || len(list.GetPlans()) != 1 {
		return nil, nil, fmt.Errorf("the plan of %s: %v, %w", s.donation, list, err)
	}
	var more []string
	for _, payment := range s.payments {
		found, err := w.web.FindDonations(w.t.Context(), &donationv1.FindDonationsRequest{Reference: payment})
		if err != nil && apperr.CodeOf(err) != apperr.NotFound {
			return nil, nil, err
		}
		for _, d := range found.GetDonations() {
			if d.GetDonationId() != s.donation {
				more = append(more, d.GetDonationId())
			}
		}
	}
	return list.GetPlans()[0], more, nil
}

func (w *world) readGift(out *strings.Builder, id string, truths map[string]stripes) error {
	answer, err := w.web.GetDonation(w.t.Context(), &donationv1.GetDonationRequest{DonationId: id})
	if err != nil {
		return err
	}
	d := answer.GetDonation()
	fmt.Fprintf(out, "%s %d+%d, returned %d, charged %v, fee %v\n", d.GetState(), d.GetGift().GetMinor(), d.GetCover().GetMinor(),
		d.GetReturned().GetMinor(), d.GetChargeId() != "", d.GetFee())
	var after []string
	for _, r := range d.GetRefunds() {
		after = append(after, fmt.Sprintf("refund %d %s %s", r.GetAmount().GetMinor(), r.GetStatus(), r.GetFailureReason()))
	}
	for _, r := range d.GetDisputes() {
		after = append(after, fmt.Sprintf("dispute %d %s %s", r.GetAmount().GetMinor(), r.GetStatus(), r.GetReason()))
	}
	slices.Sort(after)
	fmt.Fprintln(out, strings.Join(after, "; "))

	counted, err := w.totals.GetGift(w.t.Context(), &fundraiserv1.GetGiftRequest{DonationId: id})
	if err != nil && apperr.CodeOf(err) != apperr.NotFound {
		return err
	}
	fmt.Fprintf(out, "totals: %d less %d\n", counted.GetGift().GetGiftMinor(), counted.GetGift().GetReturnedMinor())
	paper, err := w.receipts.GetReceiptLink(w.t.Context(), &receiptv1.GetReceiptLinkRequest{DonationId: id})
	if err != nil && apperr.CodeOf(err) != apperr.NotFound {
		return err
	}
	fmt.Fprintf(out, "receipt: %s, held %v\n", paper.GetState(), paper.GetHeld())

	entries, err := w.books.ListEntries(w.t.Context(), &ledgerv1.ListEntriesRequest{DonationId: id})
	if err != nil {
		return err
	}
	balances, rules := map[string]int64{}, map[string]int{}
	for _, e := range entries.GetEntries() {
		rules[e.GetRule()]++
		for _, p := range e.GetPostings() {
			balances[p.GetAccountCode()+" "+p.GetFundCode()+" "+p.GetAmount().GetCurrency()] += p.GetAmount().GetMinor()
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(rules)) {
		fmt.Fprintf(out, "%d× %s; ", rules[rule], rule)
	}
	given := d.GetState() == donationv1.State_STATE_SUCCEEDED
	for _, name := range slices.Sorted(maps.Keys(balances)) {
		if !given && balances[name] != 0 {
			return fmt.Errorf("%s is not paid, and %d is on %s", id, balances[name], name)
		}
		// An account that was touched and left as it was is one that was not touched:
		// refunds that are heard of before others failed are too much for a moment.
		if balances[name] != 0 {
			fmt.Fprintf(out, "\n  %s %d", name, balances[name])
		}
	}
	fmt.Fprintln(out)
	return fits(d, truths[d.GetPaymentIntentId()], entries.GetEntries())
}

// fits compares a gift with its payment at Stripe, which knows nothing of our rules:
// paid there is given here, and what went back there is gone from the income here.
func fits(d *donationv1.Donation, truth stripes, entries []*ledgerv1.Entry) error {
	income := int64(0)
	for _, e := range entries {
		for _, p := range e.GetPostings() {
			if strings.HasPrefix(p.GetAccountCode(), "4") {
				income -= p.GetAmount().GetMinor()
			}
		}
	}
	total := d.GetGift().GetMinor() + d.GetCover().GetMinor()
	back := min(truth.refunded+truth.lost, total)
	given := d.GetState() == donationv1.State_STATE_SUCCEEDED
	switch {
	case truth.refunded > truth.received:
		return fmt.Errorf("of %d that were paid, %d are given back", truth.received, truth.refunded)
	case given != (truth.received > 0):
		return fmt.Errorf("Stripe received %d for %s, which is %s here", truth.received, d.GetDonationId(), d.GetState())
	case given && (truth.received != total || d.GetReturned().GetMinor() != back || income != total-back):
		return fmt.Errorf("%s is %d less %d here, with an income of %d; at Stripe %+v", d.GetDonationId(), total, d.GetReturned().GetMinor(), income, truth)
	}
	return nil
}

// stripes is what the simulator knows of a payment.
type stripes struct {
	received, refunded, lost int64
}

// truths are the payments at Stripe, by their ids.
func (w *world) truths() map[string]stripes {
	truth := w.sim.Truth()
	found, ofCharge, latest := map[string]stripes{}, map[string]string{}, map[string]string{}
	for _, p := range truth.PaymentIntents {
		latest[p.ID] = p.LatestCharge
		if p.Status == "succeeded" {
			found[p.ID] = stripes{received: p.AmountReceived}
		}
	}
	for _, c := range truth.Charges {
		ofCharge[c.ID] = c.PaymentIntent
		if p, paid := found[c.PaymentIntent]; paid && c.FailureTransaction != "" && latest[c.PaymentIntent] == c.ID {
			p.lost += c.Amount
			found[c.PaymentIntent] = p
		}
	}
	for _, r := range truth.Refunds {
		if r.Status == "succeeded" || r.Status == "pending" || r.Status == "requires_action" {
			p := found[ofCharge[r.Charge]]
			p.refunded += r.Amount
			found[ofCharge[r.Charge]] = p
		}
	}
	for _, d := range truth.Disputes {
		if d.Status == "lost" {
			p := found[ofCharge[d.Charge]]
			p.lost += d.Amount
			found[ofCharge[d.Charge]] = p
		}
	}
	return found
}
