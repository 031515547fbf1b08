package domain

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/internal/money"
)

func euros(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: eur} }

// monthly is a plan of 20 euros and 88 cents for the fee, whose donor is about to
// confirm it.
func monthly() Plan {
	first := Donation{
		ID: "first", IntentID: "intent", InputHash: "9f86d081", Gift: euros(20_00), Cover: euros(88), CoverFees: true, PlanID: "plan",
		Attribution: Attribution{OrganizationID: "org", FundCode: "SYRIA", FundClass: Restricted}, Visibility: FirstName, State: CheckoutOpen,
	}
	return Plan{ID: "plan", First: first, Status: PlanCreated, Gift: first.Gift, Cover: first.Cover}
}

func subscription(status PlanStatus) Subscription {
	return Subscription{
		ID: "sub_1", CustomerID: "cus_1", Status: status, Currency: eur, Total: 20_88, Agreed: Parts{Gift: 20_00, Cover: 88},
		Items: []Item{{ID: "si_1", Minor: 20_00}, {ID: "si_2", Minor: 88}}, PeriodEnd: 5_000,
	}
}

func renewal(id string) Invoice {
	return Invoice{
		ID: id, SubscriptionID: "sub_1", Status: InvoicePaid, BillingReason: "subscription_cycle", Paid: euros(20_88), PaidAt: 4_000,
		PaymentID: "pi_" + id, ChargeID: "ch_" + id, Agreed: Parts{Gift: 20_00, Cover: 88}, Lines: []int64{20_00, 88},
	}
}

// A life of a subscription as Stripe would show it at one look after the other: once
// it is over it stays so.
func looks(t *rapid.T) []Subscription {
	statuses := rapid.SliceOfN(rapid.SampledFrom([]PlanStatus{PlanIncomplete, PlanActive, PlanPastDue, PlanUnpaid, PlanPaused}), 1, 6).Draw(t, "statuses")
	if rapid.Bool().Draw(t, "ends") {
		statuses = append(statuses, PlanCanceled)
	}
	list := make([]Subscription, len(statuses))
	for i, status := range statuses {
		list[i] = subscription(status)
		list[i].Total = rapid.Int64Range(1, 90_00).Draw(t, "total")
		list[i].Paused = rapid.Bool().Draw(t, "paused")
		list[i].PeriodEnd = int64(i) * 1_000
		if rapid.Bool().Draw(t, "failed") {
			list[i].Latest = &Invoice{Status: InvoiceOpen, Attempts: 2, NextAttemptAt: 77}
		}
	}
	return list
}

func TestTheNewestLookCountsInWhateverOrderLooksArrive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := looks(t)
		inTurn := monthly()
		for i, s := range list {
			inTurn, _ = inTurn.Follow(s, int64(i+1))
		}
		order := rapid.Permutation(numbers(len(list))).Draw(t, "order")
		order = append(order, rapid.SliceOfN(rapid.SampledFrom(numbers(len(list))), 0, 4).Draw(t, "again")...)
		shuffled := monthly()
		for _, i := range order {
			next, reason := shuffled.Follow(list[i], int64(i+1))
			if reason != "" {
				t.Fatalf("look %d was refused: %s", i, reason)
			}
			if shuffled.Status.Over() && !next.Status.Over() {
				t.Fatalf("what is over went on: %s", next.Status)
			}
			shuffled = next
		}
		if shuffled != inTurn {
			t.Errorf("order %v came to %+v\nwant %+v", order, shuffled, inTurn)
		}
	})
}

func numbers(count int) []int {
	list := make([]int, count)
	for i := range list {
		list[i] = i
	}
	return list
}

func TestAPlanIsWhatItsSubscriptionIs(t *testing.T) {
	t.Parallel()
	paused, forGood, failing, ended := subscription(PlanActive), subscription(PlanActive), subscription(PlanPastDue), subscription(PlanCanceled)
	paused.Paused, paused.ResumesAt = true, 9_000
	forGood.Paused = true
	failing.Latest = &Invoice{Status: InvoiceOpen, Attempts: 1, NextAttemptAt: 6_000}
	ended.EndsAt, ended.Paused, ended.Latest = 4_500, true, failing.Latest
	for name, c := range map[string]struct {
		seen Subscription
		want func(*Plan)
	}{
		"active":                  {subscription(PlanActive), func(*Plan) {}},
		"a word of tomorrow":      {subscription("hibernating"), func(p *Plan) { p.Status = "hibernating" }},
		"paused":                  {paused, func(p *Plan) { p.PausedUntil = 9_000 }},
		"paused until told":       {forGood, func(p *Plan) { p.PausedUntil = UntilResumed }},
		"failing":                 {failing, func(p *Plan) { p.Status, p.Failed, p.RetryAt = PlanPastDue, true, 6_000 }},
		"unpaid after every try":  {subscription(PlanUnpaid), func(p *Plan) { p.Status, p.Failed = PlanUnpaid, true }},
		"ended while it was both": {ended, func(p *Plan) { p.Status, p.NextAt, p.EndsAt = PlanCanceled, 0, 4_500 }},
	} {
		want := monthly()
		want.SubscriptionID, want.CustomerID, want.Status, want.NextAt, want.LookedAt = "sub_1", "cus_1", PlanActive, 5_000, 1
		c.want(&want)
		got, reason := monthly().Follow(c.seen, 1)
		if got != want || reason != "" {
			t.Errorf("%s: %+v, %q\nwant %+v", name, got, reason, want)
		}
	}
}

func TestASubscriptionThatCannotBeThePlans(t *testing.T) {
	t.Parallel()
	linked := monthly()
	linked.SubscriptionID = "sub_before"
	live, yen := subscription(PlanActive), subscription(PlanActive)
	live.Livemode, yen.Currency = true, money.MustCurrency("JPY")
	for name, c := range map[string]struct {
		plan Plan
		seen Subscription
		want Reason
	}{
		"a second one":   {linked, subscription(PlanActive), SecondSubscription},
		"of real money":  {monthly(), live, LivemodeDiffers},
		"other currency": {monthly(), yen, CurrencyDiffers},
	} {
		got, reason := c.plan.Follow(c.seen, 1)
		if reason != c.want || got != c.plan {
			t.Errorf("%s: %q, %+v", name, reason, got)
		}
	}
}

func TestThePlanBeginsOnce(t *testing.T) {
	t.Parallel()
	p := monthly().Started(1)
	if p.StartedAt != 0 {
		t.Error("it has begun before it was paid")
	}
	p.Status = PlanActive
	if p = p.Started(2).Started(3); p.StartedAt != 2 {
		t.Errorf("it began at %d", p.StartedAt)
	}
	if p.CancelAskedAt = 4; !p.Ending() {
		t.Error("an end was asked for")
	}
	if p.Status = PlanCanceled; p.Ending() {
		t.Error("it has ended and is still ending")
	}
}

// Stripe's clock is ahead, by seconds or by a month: what was known to be charged came
// before the end, and what is charged next after it.
func TestWhatWasKnownCameBeforeTheEnd(t *testing.T) {
	t.Parallel()
	const asked = 1_793_000_000_700_000
	for name, c := range map[string]struct {
		lastPaid, end int64
	}{
		"nothing was paid":        {0, asked},
		"paid a month before":     {asked - 31*24*3600*second, asked},
		"paid in the same second": {1_793_000_000 * second, 1_793_000_001 * second},
		"three seconds ahead":     {1_793_000_003 * second, 1_793_000_004 * second},
		"a month ahead":           {1_795_678_400 * second, 1_795_678_401 * second},
	} {
		p := monthly().EndAsked(asked, c.lastPaid, ByDonor)
		if p.CancelAskedAt != c.end || p.CancelBy != ByDonor {
			t.Errorf("%s: the end is dated %d, by %q", name, p.CancelAskedAt, p.CancelBy)
		}
		if c.lastPaid > 0 && p.ChargedAfterEnd(c.lastPaid) {
			t.Errorf("%s: what was known counts as charged after the end", name)
		}
		if !p.ChargedAfterEnd(p.CancelAskedAt / second * second) {
			t.Errorf("%s: what was charged next counts as charged before the end", name)
		}
		if again := p.EndAsked(asked+second, p.CancelAskedAt+second, ByStaff); again != p {
			t.Errorf("%s: asked again, the end is dated %d, by %q", name, again.CancelAskedAt, again.CancelBy)
		}
	}
	if never := monthly(); never.ChargedAfterEnd(asked) {
		t.Error("nobody asked for an end, and something was charged after it")
	}
}

func TestWhatAnInvoiceBrings(t *testing.T) {
	t.Parallel()
	linked := monthly()
	linked.SubscriptionID = "sub_1"
	with := func(change func(*Invoice)) Invoice {
		i := renewal("in_2")
		change(&i)
		return i
	}
	for name, c := range map[string]struct {
		invoice Invoice
		gift    bool
		reason  Reason
	}{
		"paid":                   {renewal("in_2"), true, ""},
		"open":                   {with(func(i *Invoice) { i.Status = InvoiceOpen }), false, ""},
		"void":                   {with(func(i *Invoice) { i.Status = "void" }), false, ""},
		"nothing was due":        {with(func(i *Invoice) { i.Paid.Minor, i.PaymentID = 0, "" }), false, ""},
		"paid by hand":           {with(func(i *Invoice) { i.OutOfBand, i.PaymentID = true, "" }), false, PaidElsewhere},
		"paid without a payment": {with(func(i *Invoice) { i.PaymentID = "" }), false, PaidElsewhere},
		"of real money":          {with(func(i *Invoice) { i.Livemode = true }), false, LivemodeDiffers},
		"in yen":                 {with(func(i *Invoice) { i.Paid.Currency = money.MustCurrency("JPY") }), false, CurrencyDiffers},
		"of a second one":        {with(func(i *Invoice) { i.SubscriptionID = "sub_2" }), false, SecondSubscription},
	} {
		gift, reason := c.invoice.Brings(linked)
		if gift != c.gift || reason != c.reason {
			t.Errorf("%s: %t, %q", name, gift, reason)
		}
	}
}

func TestAnInstalmentIsAGiftLikeTheFirst(t *testing.T) {
	t.Parallel()
	p := monthly()
	invoice := renewal("in_2")
	d := invoice.Becomes(p, "second", "acct_1")
	if !d.Instalment() || p.First.Instalment() || invoice.First() || d.Attribution != p.First.Attribution || d.Visibility != FirstName ||
		d.PlanID != "plan" || d.Gift != euros(20_00) || d.Cover != euros(88) || d.IntentID != "intent" {
		t.Errorf("%+v", d)
	}
	out := Derive(d, Snapshot{Payment: invoice.Settled()})
	if !out.Paid || out.Donation.InvoiceID != "in_2" || out.Donation.PaymentIntentID != "pi_in_2" || out.Donation.PaidAt != 4_000 {
		t.Errorf("%+v", out)
	}
}

func TestOnlyAFailedRenewalIsWrittenAbout(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		invoice Invoice
		asks    bool
	}{
		"a renewal":       {Invoice{Status: InvoiceOpen, Attempts: 1, BillingReason: "subscription_cycle"}, true},
		"not tried yet":   {Invoice{Status: InvoiceOpen, BillingReason: "subscription_cycle"}, false},
		"paid meanwhile":  {Invoice{Status: InvoicePaid, Attempts: 2, BillingReason: "subscription_cycle"}, false},
		"the first of it": {Invoice{Status: InvoiceOpen, Attempts: 1, BillingReason: "subscription_create"}, false},
	} {
		if got := c.invoice.Asks(); got != c.asks {
			t.Errorf("%s: asks is %t", name, got)
		}
	}
}

func TestWhatIsChargedIsSplitIntoGiftAndCover(t *testing.T) {
	t.Parallel()
	agreed := Parts{Gift: 20_00, Cover: 88}
	for name, c := range map[string]struct {
		total  int64
		agreed Parts
		lines  []int64
		want   Parts
	}{
		"as agreed":                    {20_88, agreed, []int64{20_00, 88}, agreed},
		"as agreed, lines unknown":     {20_88, agreed, nil, agreed},
		"the gift was raised":          {30_88, agreed, []int64{88, 30_00}, Parts{Gift: 30_00, Cover: 88}},
		"both were changed":            {31_00, agreed, []int64{30_00, 1_00}, Parts{Gift: 31_00}},
		"one line is left":             {20_00, agreed, []int64{20_00}, Parts{Gift: 20_00}},
		"nothing was agreed":           {20_88, Parts{}, []int64{20_00, 88}, Parts{Gift: 20_88}},
		"two lines of the cover":       {1_76, agreed, []int64{88, 88}, Parts{Gift: 1_76}},
		"less was paid than lines say": {10_00, agreed, []int64{20_00, 88}, Parts{Gift: 10_00}},
		"metadata of somebody else":    {20_88, Parts{Gift: 20_89, Cover: -1}, nil, Parts{Gift: 20_88}},
	} {
		if got := Share(c.total, c.agreed, c.lines); got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(1, 100_00).Draw(t, "total")
		small := rapid.Int64Range(-5, 100_00)
		got := Share(total, Parts{small.Draw(t, "gift"), small.Draw(t, "cover")}, rapid.SliceOfN(small, 0, 3).Draw(t, "lines"))
		if got.Gift+got.Cover != total || got.Gift <= 0 || got.Cover < 0 {
			t.Errorf("%d became %+v", total, got)
		}
	})
}
