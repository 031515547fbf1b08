package console

import (
	"context"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
)

// mostDuties bounds how many of a kind are counted: more are more than one looks at.
const mostDuties = 200

// Duty is something about gifts that waits for somebody.
type Duty struct {
	Text  string
	URL   string
	Alarm bool
}

// duties are what waits: refunds for a second person, donors who were not paid back,
// disputes to be answered, payouts that failed, plans that cannot be charged. One
// that cannot be asked for is left out, and said to be unknown by known.
func (c *Console) duties(ctx context.Context, v *visit) (found []Duty, known bool) {
	known = true
	add := func(key, url string, alarm bool, count int, err error) {
		if err != nil {
			c.front.Logger().WarnContext(ctx, "what waits for somebody", "what", key, "error", err)
			known = false
			return
		}
		if count > 0 {
			found = append(found, Duty{Text: v.plural("console.duty."+key, int64(count)), URL: url, Alarm: alarm})
		}
	}
	waiting, err := c.donations.ListRefunds(ctx, &donationv1.ListRefundsRequest{Waiting: true, PageSize: mostDuties})
	add("waiting", v.link(refundsPath, showParameter, "waiting"), false, len(waiting.GetRefunds()), err)

	failed, err := c.donations.ListRefunds(ctx, &donationv1.ListRefundsRequest{Failed: true, PageSize: mostDuties})
	add("failed", v.link(refundsPath, showParameter, "failed"), true, recent(c, failed.GetRefunds(), (*donationv1.Refund).GetCreatedAt), err)

	disputes, err := c.donations.ListDisputes(ctx, &donationv1.ListDisputesRequest{Open: true, PageSize: mostDuties})
	answer, due := 0, 0
	for _, d := range disputes.GetDisputes() {
		if d.GetStatus() != "needs_response" && d.GetStatus() != "warning_needs_response" {
			continue
		}
		answer++
		if d.GetEvidenceDueAt() > 0 && -c.since(d.GetEvidenceDueAt()) < soon {
			due++
		}
	}
	add("disputes", v.link(disputesPath, showParameter, "open"), false, answer, err)
	add("due", v.link(disputesPath, showParameter, "open"), true, due, err)

	payouts, err := c.donations.ListPayouts(ctx, &donationv1.ListPayoutsRequest{PageSize: mostDuties})
	var broken []*donationv1.Payout
	for _, p := range payouts.GetPayouts() {
		if p.GetStatus() == "failed" || p.GetDifference().GetMinor() != 0 {
			broken = append(broken, p)
		}
	}
	add("payouts", v.link(payoutsPath), true, recent(c, broken, (*donationv1.Payout).GetCreatedAt), err)

	plans, err := c.donations.ListPlans(ctx, &donationv1.ListPlansRequest{PaymentFailed: true, PageSize: mostDuties})
	add("plans", v.link(plansPath, showParameter, "failing"), false, len(plans.GetPlans()), err)
	return found, known
}

// recent counts those of the last weeks. What went wrong before is in its list and
// is not called to mind for ever.
func recent[T any](c *Console, list []T, at func(T) int64) int {
	count := 0
	for _, one := range list {
		if c.since(at(one)) < lately {
			count++
		}
	}
	return count
}
