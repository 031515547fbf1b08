package domain

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/internal/money"
)

// succeeded is a gift of 100.00 with 3.30 for the fee.
func succeeded() Donation {
	return Derive(open(), Snapshot{Payment: paid("pi_1")}).Donation
}

func refundOf(id string, minor int64, status RefundStatus) Refund {
	r := Refund{ID: id, ChargeID: "ch_pi_1", PaymentID: "pi_1", Amount: money.Amount{Minor: minor, Currency: eur}, Status: status, MadeAt: 10}
	if status == RefundFailed {
		r.Failure = "expired_or_canceled_card"
	}
	return r
}

func disputeOf(id string, minor int64, status DisputeStatus) Dispute {
	return Dispute{
		ID: id, ChargeID: "ch_pi_1", PaymentID: "pi_1", Amount: money.Amount{Minor: minor, Currency: eur}, Status: status,
		Reason: "fraudulent", CreatedAt: 20, EvidenceDueAt: 30,
	}
}

func (r Reduction) plus(more Reduction) Reduction {
	return Reduction{Gift: r.Gift + more.Gift, Cover: r.Cover + more.Cover, Excess: r.Excess + more.Excess}
}

func TestWhatGoesBackTakesTheGiftFirstAndTheCoverLast(t *testing.T) {
	t.Parallel()
	for returned, want := range map[int64]Reduction{
		0:      {},
		40_00:  {Gift: 40_00},
		100_00: {Gift: 100_00},
		100_01: {Gift: 100_00, Cover: 1},
		103_30: {Gift: 100_00, Cover: 3_30},
		143_30: {Gift: 100_00, Cover: 3_30, Excess: 40_00},
	} {
		if got := succeeded().Returned(returned); got != want {
			t.Errorf("of %d returned %+v, want %+v", returned, got, want)
		}
	}
}

func TestReductionsAddUpAndLeaveNothingNegative(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := Donation{
			Gift:  money.Amount{Minor: rapid.Int64Range(1, 1_000_00).Draw(t, "gift"), Currency: eur},
			Cover: money.Amount{Minor: rapid.Int64Range(0, 50_00).Draw(t, "cover"), Currency: eur},
		}
		returned := rapid.Int64Range(0, 3_000_00).Draw(t, "returned")
		r := d.Returned(returned)
		if r.Gift+r.Cover+r.Excess != returned {
			t.Fatalf("%+v is not %d", r, returned)
		}
		if r.Gift > d.Gift.Minor || r.Cover > d.Cover.Minor || min(r.Gift, r.Cover, r.Excess) < 0 {
			t.Fatalf("%+v of %d + %d", r, d.Gift.Minor, d.Cover.Minor)
		}
		if r.Cover > 0 && r.Gift < d.Gift.Minor || r.Excess > 0 && r.Cover < d.Cover.Minor {
			t.Fatalf("%+v takes the cover before the gift", r)
		}
	})
}

// fact is one thing that Stripe says about a gift that was paid.
type fact struct {
	refund  *Refund
	dispute *Dispute
}

// life draws how far refunds and disputes of one gift have come, and all that Stripe
// says on the way there. Refunds that stand are never more than was paid.
func life(t *rapid.T) (facts, last []fact) {
	left := int64(103_30)
	for i := range rapid.IntRange(0, 4).Draw(t, "refunds") {
		steps := rapid.SampledFrom([][]RefundStatus{
			{RefundPending}, {RefundSucceeded}, {RefundPending, RefundSucceeded}, {RefundRequiresAction, RefundPending, RefundSucceeded},
			{RefundSucceeded, RefundFailed}, {RefundPending, RefundFailed}, {RefundPending, RefundCanceled}, {RefundFailed},
		}).Draw(t, "refund")
		most := left
		if steps[len(steps)-1].Failed() {
			most = 103_30
		}
		if most == 0 {
			continue
		}
		minor := rapid.Int64Range(1, most).Draw(t, "amount")
		if !steps[len(steps)-1].Failed() {
			left -= minor
		}
		for j, s := range steps {
			r := refundOf(fmt.Sprint("re_", i), minor, s)
			facts = append(facts, fact{refund: &r})
			if j == len(steps)-1 {
				last = append(last, fact{refund: &r})
			}
		}
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "disputes") {
		steps := rapid.SampledFrom([][]DisputeStatus{
			{WarningNeedsResponse}, {WarningNeedsResponse, WarningUnderReview, WarningClosed}, {WarningNeedsResponse, NeedsResponse, UnderReview, DisputeWon},
			{NeedsResponse}, {NeedsResponse, UnderReview, DisputeLost}, {NeedsResponse, DisputeLost}, {UnderReview, DisputeWon},
		}).Draw(t, "dispute")
		minor := rapid.Int64Range(1, 103_30).Draw(t, "disputed")
		for j, s := range steps {
			d := disputeOf(fmt.Sprint("dp_", i), minor, s)
			d.EvidenceDueAt += int64(j)
			facts = append(facts, fact{dispute: &d})
			if j == len(steps)-1 {
				last = append(last, fact{dispute: &d})
			}
		}
	}
	return facts, last
}

// taken is what others were told that refunds took from a gift, and what losses did.
type taken struct{ refunds, losses Reduction }

func (t taken) plus(h Happening) taken {
	if h.Kind == RefundAccepted || h.Kind == RefundFailedLater {
		return taken{refunds: t.refunds.plus(h.Reduction), losses: t.losses.plus(h.LossShift)}
	}
	return taken{refunds: t.refunds, losses: t.losses.plus(h.Reduction)}
}

// hear takes facts in as the service does: what is too much for now is looked at
// again with all that Stripe says about the gift's refunds, what failed first.
func hear(t *rapid.T, facts, last []fact) (Aftermath, taken, map[string]int) {
	a := Aftermath{Donation: succeeded()}
	sum, told := taken{}, map[string]int{}
	version := a.Donation.Version
	var take func(f fact, again bool)
	take = func(f fact, again bool) {
		var happened []Happening
		var reason Reason
		if f.refund != nil {
			happened, reason = a.HearRefund(*f.refund)
		} else {
			happened, reason = a.HearDispute(*f.dispute)
		}
		for _, h := range happened {
			sum = sum.plus(h)
			if s := h.LossShift; s.Gift+s.Cover+s.Excess != 0 {
				t.Fatalf("a refund changes how much was lost: %+v", h)
			}
			version++
			if h.Version != version {
				t.Fatalf("version %d comes after %d", h.Version, version-1)
			}
			told[fmt.Sprint(h.Kind, h.Refund.ID, h.Dispute.ID)]++
		}
		if reason == "" {
			return
		}
		if reason != RefundsExceed || again {
			t.Fatalf("%s: %+v", reason, f)
		}
		for _, failed := range []bool{true, false} {
			for _, l := range last {
				if l.refund != nil && l.refund.Status.Failed() == failed {
					take(l, true)
				}
			}
		}
	}
	for _, f := range facts {
		take(f, false)
	}
	slices.SortFunc(a.Refunds, func(x, y Refund) int { return strings.Compare(x.ID, y.ID) })
	slices.SortFunc(a.Disputes, func(x, y Dispute) int { return strings.Compare(x.ID, y.ID) })
	return a, sum, told
}

// Stripe promises no order here either. Whatever it says of refunds that succeed and
// fail, of disputes that are won and lost, in any other order and any number of
// times, ends in one state, and what others were told adds up to the same.
func TestAnyOrderOfRefundsAndDisputesEndsInOneState(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		facts, last := life(t)
		if len(facts) == 0 {
			return
		}
		again := append(slices.Clone(facts), rapid.SliceOf(rapid.SampledFrom(facts)).Draw(t, "repeated")...)
		again = rapid.Permutation(again).Draw(t, "order")

		first, firstSum, firstTold := hear(t, facts, last)
		second, secondSum, secondTold := hear(t, again, last)

		// How often it was told depends on whether an inquiry was heard of in time.
		first.Donation.Version, second.Donation.Version = 0, 0
		if first.Donation != second.Donation || !slices.Equal(first.Refunds, second.Refunds) || !slices.Equal(first.Disputes, second.Disputes) {
			t.Fatalf("order mattered:\n%+v\n%+v", first, second)
		}
		refunded := first.Donation.Returned(first.refunded())
		want := taken{refunds: refunded, losses: first.Donation.Returned(first.Donation.ReturnedMinor).Minus(refunded)}
		if firstSum != want || secondSum != want {
			t.Fatalf("told %+v and %+v of %d, want %+v", firstSum, secondSum, first.Donation.ReturnedMinor, want)
		}
		if returned := first.refunded() + first.lost(); returned != first.Donation.ReturnedMinor {
			t.Fatalf("%d went back, %d is noted", returned, first.Donation.ReturnedMinor)
		}
		for _, told := range []map[string]int{firstTold, secondTold} {
			for what, times := range told {
				if times != 1 {
					t.Fatalf("%s was told %d times", what, times)
				}
			}
		}
	})
}

func TestARefundThatFailsAfterItSucceeded(t *testing.T) {
	t.Parallel()
	a := Aftermath{Donation: succeeded()}
	accepted, reason := a.HearRefund(refundOf("re_1", 103_30, RefundSucceeded))
	if reason != "" || len(accepted) != 1 || accepted[0].Reduction != (Reduction{Gift: 100_00, Cover: 3_30}) || a.Left() != 0 {
		t.Fatalf("accepted %+v, %s, left %d", accepted, reason, a.Left())
	}
	failed, _ := a.HearRefund(refundOf("re_1", 103_30, RefundFailed))
	if len(failed) != 1 || failed[0].Reduction != (Reduction{Gift: -100_00, Cover: -3_30}) || a.Left() != 103_30 {
		t.Fatalf("failed %+v, left %d", failed, a.Left())
	}
	late, _ := a.HearRefund(refundOf("re_1", 103_30, RefundSucceeded))
	if len(late) != 0 || a.Refunds[0].Status != RefundFailed || a.Refunds[0].Failure != "expired_or_canceled_card" {
		t.Errorf("a late success: %+v, %+v", late, a.Refunds)
	}
}

// The donor got 40 back and disputed all of it all the same, and won.
func TestLostAfterARefundExceedsTheGift(t *testing.T) {
	t.Parallel()
	a := Aftermath{Donation: succeeded()}
	_, _ = a.HearRefund(refundOf("re_1", 40_00, RefundSucceeded))
	opened, _ := a.HearDispute(disputeOf("dp_1", 103_30, NeedsResponse))
	if len(opened) != 1 || opened[0].Reduction != (Reduction{}) || a.Donation.Dispute != Disputed {
		t.Fatalf("opened %+v, the gift is %q", opened, a.Donation.Dispute)
	}
	lost, _ := a.HearDispute(disputeOf("dp_1", 103_30, DisputeLost))
	if len(lost) != 1 || lost[0].Reduction != (Reduction{Gift: 60_00, Cover: 3_30, Excess: 40_00}) || a.Donation.Dispute != LostDispute {
		t.Errorf("lost %+v, the gift is %q", lost, a.Donation.Dispute)
	}
	won, reason := a.HearDispute(disputeOf("dp_1", 103_30, DisputeWon))
	if len(won) != 0 || reason != EndedOtherwise {
		t.Errorf("won after it was lost: %+v, %q", won, reason)
	}
}

// The bank's word about all of the gift came before that on a refund made earlier, and
// later the refund failed.
func TestARefundHeardAfterALossTakesTheGiftFromIt(t *testing.T) {
	t.Parallel()
	a := Aftermath{Donation: succeeded()}
	lost, _ := a.HearDispute(disputeOf("dp_1", 103_30, DisputeLost))
	if len(lost) != 2 || lost[1].Reduction != (Reduction{Gift: 100_00, Cover: 3_30}) {
		t.Fatalf("lost %+v", lost)
	}
	late, reason := a.HearRefund(refundOf("re_1", 40_00, RefundSucceeded))
	if reason != "" || len(late) != 1 || late[0].Reduction != (Reduction{Gift: 40_00}) || late[0].LossShift != (Reduction{Gift: -40_00, Excess: 40_00}) {
		t.Fatalf("the refund %+v, %s", late, reason)
	}
	failed, _ := a.HearRefund(refundOf("re_1", 40_00, RefundFailed))
	if len(failed) != 1 || failed[0].Reduction != (Reduction{Gift: -40_00}) || failed[0].LossShift != (Reduction{Gift: 40_00, Excess: -40_00}) {
		t.Errorf("its failure %+v", failed)
	}
}

func TestWhatDoesNotFitAGiftIsSaid(t *testing.T) {
	t.Parallel()
	dollars := refundOf("re_usd", 5_00, RefundSucceeded)
	dollars.Amount.Currency = money.MustCurrency("USD")
	disputedDollars := disputeOf("dp_usd", 5_00, NeedsResponse)
	disputedDollars.Amount.Currency = dollars.Amount.Currency
	for name, c := range map[string]struct {
		hear func(*Aftermath) ([]Happening, Reason)
		want Reason
	}{
		"dollars": {func(a *Aftermath) ([]Happening, Reason) { return a.HearRefund(dollars) }, CurrencyDiffers},
		"nothing": {func(a *Aftermath) ([]Happening, Reason) { return a.HearRefund(refundOf("re_0", 0, RefundSucceeded)) }, AmountDiffers},
		"another amount": {func(a *Aftermath) ([]Happening, Reason) {
			return a.HearRefund(refundOf("re_1", 41_00, RefundSucceeded))
		}, AmountDiffers},
		"too much": {func(a *Aftermath) ([]Happening, Reason) {
			return a.HearRefund(refundOf("re_2", 63_31, RefundSucceeded))
		}, RefundsExceed},
		"a new word":       {func(a *Aftermath) ([]Happening, Reason) { return a.HearRefund(refundOf("re_2", 1, "paused")) }, NotDecodable},
		"our own word":     {func(a *Aftermath) ([]Happening, Reason) { return a.HearRefund(refundOf("re_2", 1, RefundAsked)) }, NotDecodable},
		"disputed dollars": {func(a *Aftermath) ([]Happening, Reason) { return a.HearDispute(disputedDollars) }, CurrencyDiffers},
		"disputed nothing": {func(a *Aftermath) ([]Happening, Reason) { return a.HearDispute(disputeOf("dp_0", 0, NeedsResponse)) }, AmountDiffers},
		"a new end":        {func(a *Aftermath) ([]Happening, Reason) { return a.HearDispute(disputeOf("dp_0", 1, "prevented")) }, NotDecodable},
	} {
		a := Aftermath{Donation: succeeded()}
		_, _ = a.HearRefund(refundOf("re_1", 40_00, RefundSucceeded))
		before := a.Donation
		told, reason := c.hear(&a)
		if reason != c.want || len(told) != 0 || a.Donation != before || len(a.Refunds) != 1 || len(a.Disputes) != 0 {
			t.Errorf("%s: %q, told %+v, %+v", name, reason, told, a)
		}
	}
}

// What staff asked for becomes the refund that Stripe made of it.
func TestARequestBecomesItsRefund(t *testing.T) {
	t.Parallel()
	asked := Refund{
		RequestID: "request-1", Amount: money.Amount{Minor: 40_00, Currency: eur}, Status: RefundAsked, CreatedAt: 5,
		Request: Request{By: "finance@example.org", Note: "gave twice"},
	}
	a := Aftermath{Donation: succeeded(), Refunds: []Refund{asked}}
	if a.Left() != 63_30 {
		t.Errorf("left %d", a.Left())
	}
	made := refundOf("re_1", 40_00, RefundPending)
	made.RequestID = "request-1"
	told, reason := a.HearRefund(made)
	got := a.Refunds[0]
	if reason != "" || len(told) != 1 || len(a.Refunds) != 1 || got.ID != "re_1" || got.RequestID != "request-1" || got.CreatedAt != 5 ||
		got.MadeAt != 10 || got.Request != asked.Request || a.Left() != 63_30 {
		t.Errorf("%q, told %+v, refunds %+v", reason, told, a.Refunds)
	}
	other := refundOf("re_2", 10_00, RefundSucceeded) // its metadata was copied in the dashboard
	other.RequestID = "request-1"
	_, reason = a.HearRefund(other)
	if reason != "" || len(a.Refunds) != 2 || a.Refunds[0].ID != "re_1" {
		t.Errorf("%q, refunds %+v", reason, a.Refunds)
	}
}

func TestAPaymentThatTakesDays(t *testing.T) {
	t.Parallel()
	complete := &Session{ID: "cs_test_1", Status: SessionComplete, PaymentID: "pi_1"}
	d := Derive(open(), Snapshot{Session: complete}).Donation
	if d.State != Processing {
		t.Fatalf("complete and unpaid, it is %s", d.State)
	}
	failed := Derive(d, Snapshot{Session: complete, Payment: &Payment{ID: "pi_1", Status: PaymentMethodMissing}}).Donation
	if failed.State != Failed {
		t.Errorf("after the debit failed it is %s", failed.State)
	}
	if late := Derive(failed, Snapshot{Session: complete}).Donation; late.State != Failed {
		t.Errorf("the first news again make it %s", late.State)
	}
	if arrived := Derive(d, Snapshot{Payment: paid("pi_1")}); !arrived.Paid || arrived.Donation.State != Succeeded {
		t.Errorf("after the debit succeeded it is %s", arrived.Donation.State)
	}
}
