package domain

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/internal/money"
)

var eur = money.MustCurrency("EUR")

func open() Donation {
	return Donation{
		ID: "b9d6f3a2", Gift: money.Amount{Minor: 100_00, Currency: eur}, Cover: money.Amount{Minor: 3_30, Currency: eur},
		State: CheckoutOpen, Attempt: 1, SessionID: "cs_test_1",
	}
}

func paid(intent string) *Payment {
	return &Payment{
		ID: intent, ChargeID: "ch_" + intent, Status: PaymentSucceeded,
		Received: money.Amount{Minor: 103_30, Currency: eur}, PaidAt: 1_750_000_000_000_000,
	}
}

// settled is a donation without the one field that tells about the order.
func settled(d Donation) Donation {
	d.Late = false
	return d
}

func apply(d Donation, facts []Snapshot) (Donation, int, []Reason) {
	payments := 0
	var parked []Reason
	for _, f := range facts {
		out := Derive(d, f)
		d = out.Donation
		if out.Paid {
			payments++
		}
		if out.Parked != "" {
			parked = append(parked, out.Parked)
		}
	}
	return d, payments, parked
}

// everyFact is all that Stripe may ever say about the two sessions and the one
// payment of a gift, contradictions included.
func everyFact() []Snapshot {
	otherCurrency := paid("pi_usd")
	otherCurrency.Received.Currency = money.MustCurrency("USD")
	short := paid("pi_short")
	short.Received.Minor = 103_29
	live := paid("pi_live")
	live.Livemode = true
	complete := &Session{ID: "cs_test_1", Status: SessionComplete}
	return []Snapshot{
		{},
		{Session: &Session{ID: "cs_test_1", Status: SessionOpen}},
		{Session: &Session{ID: "cs_test_1", Status: SessionExpired}},
		{Session: &Session{ID: "cs_test_0", Status: SessionExpired}},
		{Session: &Session{ID: "cs_test_1", Status: "new_word"}},
		{Session: complete},
		{Session: &Session{ID: "cs_test_1", Status: SessionComplete, PaymentID: "pi_1"}},
		{Session: &Session{ID: "cs_test_0", Status: SessionComplete, PaymentID: "pi_0"}},
		{Session: &Session{ID: "cs_test_0", Status: SessionComplete, PaymentID: "pi_0"}, Payment: &Payment{ID: "pi_0", Status: PaymentMethodMissing}},
		{Session: complete, Payment: &Payment{ID: "pi_1", Status: PaymentProcessing}},
		{Session: &Session{ID: "cs_test_1", Status: SessionComplete, PaymentID: "pi_1"}, Payment: &Payment{ID: "pi_1", Status: "requires_action"}},
		{Session: complete, Payment: &Payment{ID: "pi_1", Status: PaymentMethodMissing, DeclineCode: "insufficient_funds", DeclinedAt: 30}},
		{Session: complete, Payment: &Payment{ID: "pi_1", Status: PaymentCanceled}},
		{Session: &Session{ID: "cs_test_1", Status: SessionComplete, Paid: true}, Payment: paid("pi_1")},
		{Payment: paid("pi_1")},
		{Payment: &Payment{ID: "pi_1", Status: PaymentProcessing}},
		{Payment: &Payment{ID: "pi_1", Status: PaymentMethodMissing, DeclineCode: "generic_decline", DeclinedAt: 10}},
		{Payment: &Payment{ID: "pi_1", Status: PaymentMethodMissing, DeclineCode: "lost_card", DeclinedAt: 20}},
		{Payment: &Payment{ID: "pi_1", Status: PaymentMethodMissing, DeclineCode: "stolen_card", DeclinedAt: 20}},
		{Payment: &Payment{ID: "pi_1", Status: "requires_capture"}},
		{Payment: otherCurrency},
		{Payment: short},
		{Payment: live},
	}
}

// Stripe promises no order and repeats itself. Whatever it says, said in any
// other order and any number of times, must lead to the same state.
func TestAnyOrderAndRepetitionEndInOneState(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := open()
		start.State = rapid.SampledFrom([]State{Created, CheckoutOpen, Expired, Failed, Abandoned, Processing}).Draw(t, "start")
		facts := rapid.SliceOfN(rapid.SampledFrom(everyFact()), 1, 8).Draw(t, "facts")
		again := append(append([]Snapshot{}, facts...), rapid.SliceOf(rapid.SampledFrom(facts)).Draw(t, "repeated")...)
		again = rapid.Permutation(again).Draw(t, "order")

		first, firstPaid, _ := apply(start, facts)
		second, secondPaid, _ := apply(start, again)

		if settled(first) != settled(second) {
			t.Fatalf("order mattered:\n%+v\n%+v", first, second)
		}
		if firstPaid != secondPaid || firstPaid > 1 {
			t.Fatalf("paid %d and %d times", firstPaid, secondPaid)
		}
		if (first.State == Succeeded) != (firstPaid == 1) {
			t.Fatalf("state %s after %d payments", first.State, firstPaid)
		}
	})
}

// An account that is to be proven by small deposits: whether the session is told of with
// its payment, as when it is asked for, or without, as in its webhook, is no matter. A
// donor who looks at 3-D Secure is not done.
func TestAGiftWhoseBankAccountIsBeingProvenIsUnderWay(t *testing.T) {
	t.Parallel()
	proving := &Payment{ID: "pi_1", Status: "requires_action"}
	for _, c := range []struct {
		heard Snapshot
		want  State
	}{
		{Snapshot{Session: &Session{ID: "cs_test_1", Status: SessionComplete, PaymentID: "pi_1"}}, Processing},
		{Snapshot{Session: &Session{ID: "cs_test_1", Status: SessionComplete, PaymentID: "pi_1"}, Payment: proving}, Processing},
		{Snapshot{Session: &Session{ID: "cs_test_1", Status: SessionOpen, PaymentID: "pi_1"}, Payment: proving}, CheckoutOpen},
		{Snapshot{Payment: proving}, CheckoutOpen},
	} {
		if got := Derive(open(), c.heard).Donation.State; got != c.want {
			t.Errorf("after %+v it is %s, want %s", c.heard, got, c.want)
		}
	}
	// An earlier attempt's debit failed long ago, or has not: its payment tells.
	earlier := &Session{ID: "cs_test_0", Status: SessionComplete, PaymentID: "pi_0"}
	for _, c := range []struct {
		payment *Payment
		want    State
	}{
		{nil, CheckoutOpen}, {&Payment{ID: "pi_0", Status: PaymentMethodMissing}, CheckoutOpen}, {&Payment{ID: "pi_0", Status: PaymentProcessing}, Processing},
	} {
		if got := Derive(open(), Snapshot{Session: earlier, Payment: c.payment}).Donation.State; got != c.want {
			t.Errorf("after an earlier session with %+v it is %s, want %s", c.payment, got, c.want)
		}
	}
	// Nobody proved it in time.
	failed := Derive(Derive(open(), Snapshot{Session: &Session{ID: "cs_test_1", Status: SessionComplete, PaymentID: "pi_1"}, Payment: proving}).Donation,
		Snapshot{Session: &Session{ID: "cs_test_1", Status: SessionComplete, PaymentID: "pi_1"}, Payment: &Payment{ID: "pi_1", Status: PaymentMethodMissing}})
	if failed.Donation.State != Failed {
		t.Errorf("never proven, it is %s", failed.Donation.State)
	}
}

// Whatever is heard, a donation only moves along the table.
func TestFactsMoveAlongTheTable(t *testing.T) {
	t.Parallel()
	for _, from := range States() {
		for i, fact := range everyFact() {
			d := open()
			d.State = from
			if from == Succeeded {
				d.PaymentIntentID = "pi_1"
			}
			got := Derive(d, fact).Donation.State
			if got != from && !from.CanBecome(got) {
				t.Errorf("fact %d moves %s to %s, which the table does not have", i, from, got)
			}
		}
	}
}

func TestMoneyWinsAndIsMarkedLate(t *testing.T) {
	t.Parallel()
	for _, from := range []State{Created, CheckoutOpen, Processing, Expired, Failed, Abandoned} {
		d := open()
		d.State = from
		out := Derive(d, Snapshot{Payment: paid("pi_1")})
		if !out.Paid || out.Donation.State != Succeeded {
			t.Errorf("%s: a payment left it %s", from, out.Donation.State)
		}
		if out.Donation.Late != from.GivenUp() {
			t.Errorf("%s: late is %v", from, out.Donation.Late)
		}
	}
}

// A donor who pays in two tabs has given twice. The gift counts once; the other
// payment is for staff to return, whichever is heard of first.
func TestSecondPaymentIsParked(t *testing.T) {
	t.Parallel()
	for _, facts := range [][]Snapshot{
		{{Payment: paid("pi_1")}, {Payment: paid("pi_2")}, {Payment: paid("pi_1")}},
		{{Payment: paid("pi_2")}, {Payment: paid("pi_2")}, {Payment: paid("pi_1")}},
	} {
		d, payments, parked := apply(open(), facts)
		if d.State != Succeeded || payments != 1 {
			t.Errorf("state %s after %d payments", d.State, payments)
		}
		if len(parked) != 1 || parked[0] != SecondPayment {
			t.Errorf("parked %v", parked)
		}
	}
}

func TestWhatDoesNotFitIsParkedAndChangesNothing(t *testing.T) {
	t.Parallel()
	facts := everyFact()
	for reason, fact := range map[Reason]Snapshot{
		CurrencyDiffers: facts[len(facts)-3], AmountDiffers: facts[len(facts)-2], LivemodeDiffers: facts[len(facts)-1],
	} {
		out := Derive(open(), fact)
		if out.Parked != reason {
			t.Errorf("parked as %q, want %q", out.Parked, reason)
		}
		if out.Donation != open() {
			t.Errorf("%s: changed to %+v", reason, out.Donation)
		}
	}
}

func TestDeclinedCardLeavesTheCheckoutOpen(t *testing.T) {
	t.Parallel()
	d, _, _ := apply(open(), []Snapshot{
		{Payment: &Payment{ID: "pi_1", Status: PaymentMethodMissing, DeclineCode: "insufficient_funds", DeclinedAt: 5}},
	})
	if d.State != CheckoutOpen || d.DeclineCode != "insufficient_funds" {
		t.Errorf("got %s, %q", d.State, d.DeclineCode)
	}
}

func TestOurOwnMovesFollowTheTable(t *testing.T) {
	t.Parallel()
	d := open()
	d.State = Created
	d, err := d.Open(1, "cs_test_1")
	if err != nil || d.State != CheckoutOpen {
		t.Fatalf("open: %s, %v", d.State, err)
	}
	again, err := d.Open(1, "cs_test_1")
	if err != nil || again != d {
		t.Fatalf("the same session again: %+v, %v", again, err)
	}
	abandoned, err := d.Abandon()
	if err != nil || abandoned.State != Abandoned {
		t.Fatalf("abandon: %s, %v", abandoned.State, err)
	}
	reopened, err := abandoned.Open(2, "cs_test_2")
	if err != nil || reopened.State != CheckoutOpen || reopened.Attempt != 2 {
		t.Fatalf("open again: %+v, %v", reopened, err)
	}

	paidFor := Derive(reopened, Snapshot{Payment: paid("pi_1")}).Donation
	for name, move := range map[string]func() (Donation, error){
		"abandon": paidFor.Abandon, "refuse": paidFor.Refuse, "expire": paidFor.Expire,
		"open": func() (Donation, error) { return paidFor.Open(3, "cs_test_3") },
	} {
		got, err := move()
		if err == nil || got.State != Succeeded {
			t.Errorf("%s a paid gift: %s, %v", name, got.State, err)
		}
	}
}

// Of a gift that we do not know, only what moves money, or still may, is worth
// somebody's time.
func TestWhatTellsOfNoMoney(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		snapshot  Snapshot
		moneyless bool
	}{
		"an expired session":   {Snapshot{Session: &Session{ID: "cs_1", Status: SessionExpired}}, true},
		"a declined card":      {Snapshot{Payment: &Payment{ID: "pi_1", Status: PaymentMethodMissing}}, true},
		"a canceled payment":   {Snapshot{Payment: &Payment{ID: "pi_1", Status: PaymentCanceled}}, true},
		"an open session":      {Snapshot{Session: &Session{ID: "cs_1", Status: SessionOpen}}, false},
		"a complete session":   {Snapshot{Session: &Session{ID: "cs_1", Status: SessionComplete}}, false},
		"a payment":            {Snapshot{Payment: paid("pi_1")}, false},
		"one on its way":       {Snapshot{Payment: &Payment{ID: "pi_1", Status: PaymentProcessing}}, false},
		"a status of tomorrow": {Snapshot{Payment: &Payment{ID: "pi_1", Status: "held"}}, false},
	} {
		if got := c.snapshot.Moneyless(); got != c.moneyless {
			t.Errorf("%s: moneyless is %t", name, got)
		}
	}
}

func TestWhoPaidIsWhoGave(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ onCard, name string }{
		{" Amina\u202e  Yusuf ", "Amina Yusuf"},
		{"\u200d", "amina@example.org"},
		{"", "amina@example.org"},
	} {
		if donor := RecalledDonor(c.onCard, "amina@example.org"); donor != (Donor{Name: c.name, Email: "amina@example.org"}) {
			t.Errorf("%q became %+v", c.onCard, donor)
		}
	}
}
