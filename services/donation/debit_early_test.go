package donation_test

import (
	"strings"
	"testing"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
)

// early has Stripe move the balance when a debit is begun.
func early(t *testing.T) *world {
	t.Helper()
	w := banks(t)
	w.control("/_sim/knobs", `{"debit_early_transaction": 1}`)
	return w
}

// moved waits for so many transactions, and tells whose they are.
func (w *world) moved(count string) string {
	w.t.Helper()
	w.clock.Advance(10 * time.Second)
	w.eventually("the account's transactions are imported", func() bool { return w.text(`SELECT COUNT(*) FROM balance_transaction`) == count })
	return w.text(`SELECT GROUP_CONCAT(is_foreign || ' ' || donation_id || ' ' || reporting_category, '; ') FROM (SELECT * FROM balance_transaction ORDER BY created_at, id)`)
}

func TestADebitWhoseMoneyIsSeenBeforeItArrives(t *testing.T) {
	t.Parallel()
	w := early(t)
	d := w.debited(debitArrives)
	if got, want := w.moved("1"), "0 "+d.GetDonationId()+" charge"; got != want {
		t.Errorf("the money is recorded as %q, want %q", got, want)
	}
	if sums := w.quiet().GetSums(); len(sums) != 0 {
		t.Errorf("counted before the bank has paid: %v", sums)
	}
	w.toldInAll(d, "DonationProcessing")
	w.days(5)
	got := w.settled(d.GetDonationId())
	w.toldInAll(d, "DonationProcessing", "DonationSucceeded")
	if got.GetFee().GetMinor() != 35 || got.GetPaymentMethod() != "sepa_debit" {
		t.Errorf("fee %v, paid by %q", got.GetFee(), got.GetPaymentMethod())
	}
	if sums := w.quiet().GetSums(); len(sums) != 1 || sums[0].GetGiftMinor() != 100_00 {
		t.Errorf("sums %v", sums)
	}
	if got := w.delayed(); len(got) != 2 || got[0] != got[1] {
		t.Errorf("%v say that the payment takes days, want the gift and its money", got)
	}
}

func TestADebitWhoseMoneyIsSeenAndGoesBack(t *testing.T) {
	t.Parallel()
	w := early(t)
	d := w.debited(debitFails)
	w.moved("1")
	w.days(5)
	w.eventually("the debit has failed", func() bool { return w.donation(d.GetDonationId()).GetState() == donationv1.State_STATE_FAILED })
	mine := "0 " + d.GetDonationId()
	if got, want := w.moved("2"), mine+" charge; "+mine+" charge_failure"; got != want {
		t.Errorf("the money is recorded as %q, want %q", got, want)
	}
	w.toldInAll(d, "DonationProcessing", "DonationFailed")
	if sums := w.quiet().GetSums(); len(sums) != 0 {
		t.Errorf("sums %v", sums)
	}
	if got := w.donation(d.GetDonationId()); got.GetFee() != nil {
		t.Errorf("nothing was given, and %v was kept of it", got.GetFee())
	}
}

// Whoever was away while all of it happened finds the same.
func TestADebitOfWhichNobodyTold(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		iban  string
		state donationv1.State
		money string
	}{
		"it arrives": {debitArrives, donationv1.State_STATE_SUCCEEDED, "1"},
		"it fails":   {debitFails, donationv1.State_STATE_FAILED, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := early(t)
			d := w.debited(story.iban)
			w.kill()
			w.days(5)
			w.start()
			w.eventually("it is found", func() bool { return w.donation(d.GetDonationId()).GetState() == story.state })
			mine := "0 " + d.GetDonationId()
			want := map[string]string{"1": mine + " charge", "2": mine + " charge; " + mine + " charge_failure"}[story.money]
			if got := w.moved(story.money); got != want {
				t.Errorf("the money is recorded as %q, want %q", got, want)
			}
		})
	}
}

// delayed are the events that say that a payment takes days, of both kinds the same
// charge.
func (w *world) delayed() []string {
	w.t.Helper()
	var charges []string
	for _, e := range w.events() {
		gift, money := &donationv1.DonationSucceeded{}, &donationv1.BalanceTransactionRecorded{}
		switch {
		case strings.HasSuffix(e.GetType(), ".DonationSucceeded"):
			mustRead(w, e.GetPayload(), gift)
			if gift.GetDelayed() {
				charges = append(charges, gift.GetChargeId())
			}
		case strings.HasSuffix(e.GetType(), ".BalanceTransactionRecorded"):
			mustRead(w, e.GetPayload(), money)
			if money.GetDelayed() {
				charges = append(charges, money.GetChargeId())
			}
		}
	}
	return charges
}
