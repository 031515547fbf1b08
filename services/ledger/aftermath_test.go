package ledger_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

func reduction(gift, cover, excess int64) *donationv1.Reduction {
	return &donationv1.Reduction{Gift: amount(gift, "EUR"), Cover: amount(cover, "EUR"), Excess: amount(excess, "EUR")}
}

func refunded(p payment, id string, all int64, r *donationv1.Reduction) *donationv1.DonationRefunded {
	return &donationv1.DonationRefunded{
		DonationId: p.gift.GetDonationId(), AccountId: "acct_relief", RefundId: id, Amount: amount(all, "EUR"), Reduction: r,
		Attribution: p.gift.GetAttribution(), ChargeId: p.gift.GetChargeId(), PaymentIntentId: p.gift.GetPaymentIntentId(),
		RefundedAt: moment.Add(time.Hour).UnixMicro(),
	}
}

// moved is a balance transaction about a payment's charge.
func moved(p payment, id, category, source string, all, fee int64) *donationv1.BalanceTransactionRecorded {
	t := pay(1, 0, 0, 0, "EUR").transaction
	t.TransactionId, t.ReportingCategory, t.SourceId, t.ChargeId = id, category, source, p.gift.GetChargeId()
	t.PaymentIntentId, t.DonationId, t.Attribution = p.gift.GetPaymentIntentId(), p.gift.GetDonationId(), p.gift.GetAttribution()
	t.Amount, t.Fee, t.Net, t.FeeDetails = amount(all, "EUR"), amount(fee, "EUR"), amount(all-fee, "EUR"), nil
	t.SourceAmount = amount(max(all, -all), "EUR")
	return t
}

// april is what happens to three gifts after they were paid, told in no order: a
// refund that fails and one that does not, a dispute that is lost after a part
// had been given back, one that is won, an instalment, a payout and a fee.
func (w *world) april(t *testing.T) {
	t.Helper()
	w.organization(t, relief, "relief", "REL", "Europe/Zurich")
	w.caughtUp(t)
	first, second, monthly := pay(1, 100_00, 3_30, 3_30, "EUR"), pay(2, 50_00, 0, 1_75, "EUR"), pay(3, 25_00, 0, 1_00, "EUR")
	monthly.gift.RecurringPlanId, monthly.gift.InvoiceId = "plan-1", "in_3"
	w.donation.publish(t, "event-txn_re_2", "txn_re_2", moved(first, "txn_re_2", "refund", "re_2", -40_00, 0))
	for _, p := range []payment{first, second, monthly} {
		w.tell(t, p)
	}
	w.donation.publish(t, "event-re_1", first.gift.GetDonationId(), refunded(first, "re_1", 103_30, reduction(100_00, 3_30, 0)))
	w.donation.publish(t, "event-re_1-failed", first.gift.GetDonationId(), &donationv1.DonationRefundFailed{
		DonationId: first.gift.GetDonationId(), AccountId: "acct_relief", RefundId: "re_1", Amount: amount(103_30, "EUR"),
		Reduction: reduction(-100_00, -3_30, 0), Attribution: first.gift.GetAttribution(), ChargeId: "ch_1", PaymentIntentId: "pi_1",
		FailedAt: moment.Add(48 * time.Hour).UnixMicro(),
	})
	w.donation.publish(t, "event-re_2", first.gift.GetDonationId(), refunded(first, "re_2", 40_00, reduction(40_00, 0, 0)))
	w.donation.publish(t, "event-txn_re_1b", "txn_re_1b", moved(first, "txn_re_1b", "refund_failure", "re_1", 103_30, 0))
	w.donation.publish(t, "event-txn_re_1", "txn_re_1", moved(first, "txn_re_1", "refund", "re_1", -103_30, 0))

	closed := func(p payment, id string, all int64, outcome donationv1.DisputeOutcome, r *donationv1.Reduction) {
		w.donation.publish(t, envelope.NewID(moment), p.gift.GetDonationId(), &donationv1.DonationDisputeClosed{
			DonationId: p.gift.GetDonationId(), AccountId: "acct_relief", DisputeId: id, Amount: amount(all, "EUR"), Outcome: outcome,
			Reduction: r, Attribution: p.gift.GetAttribution(), ChargeId: p.gift.GetChargeId(), ClosedAt: moment.Add(72 * time.Hour).UnixMicro(),
		})
	}
	closed(second, "dp_1", 50_00, donationv1.DisputeOutcome_DISPUTE_OUTCOME_LOST, reduction(50_00, 0, 0))
	w.donation.publish(t, "event-txn_dp_1", "txn_dp_1", moved(second, "txn_dp_1", "dispute", "dp_1", -50_00, 15_00))
	w.donation.publish(t, "event-txn_dp_2", "txn_dp_2", moved(monthly, "txn_dp_2", "dispute", "dp_2", -25_00, 15_00))
	w.donation.publish(t, "event-txn_dp_2b", "txn_dp_2b", moved(monthly, "txn_dp_2b", "dispute_reversal", "dp_2", 25_00, 0))
	closed(monthly, "dp_2", 25_00, donationv1.DisputeOutcome_DISPUTE_OUTCOME_WON, nil)

	own := func(id, category, source string, all int64) {
		x := moved(first, id, category, source, all, 0)
		x.Foreign, x.DonationId, x.Attribution, x.ChargeId, x.PaymentIntentId = true, "", nil, "", ""
		w.donation.publish(t, "event-"+id, id, x)
	}
	own("txn_po_1", "payout", "po_1", -30_00)
	own("txn_fee", "fee", "", -2_00)
	own("txn_hold", "risk_reserved_funds", "", -5_00)
}

func TestTheBooksFollowWhatHappensAfterwards(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.april(t)
	sums := w.caughtUp(t)
	if parked := w.parked(t); len(parked) != 0 {
		t.Fatalf("parked: %v", parked)
	}
	balance, err := w.web.TrialBalance(t.Context(), &ledgerv1.TrialBalanceRequest{To: "2026-04-30"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range balance.GetRows() {
		if row.GetClosingMinor() != 0 {
			got = append(got, fmt.Sprintf("%s %d", row.GetAccountName(), row.GetClosingMinor()))
		}
	}
	want := []string{
		"Assets:Stripe:Balance:EUR 1525", // 178.30 − 6.05 − 40.00 − 50.00 − 2 × 15.00 − 30.00 − 2.00 − 5.00
		"Assets:Stripe:Reserve:EUR 500",
		"Assets:Stripe:InTransit:EUR 3000",
		"Income:Contributions:WithoutRestrictions:Online -15000",
		"Income:Contributions:WithoutRestrictions:Recurring -2500",
		"Income:Contributions:WithoutRestrictions:FeeCover -330",
		"Income:Refunds:WithoutRestrictions 4000",
		"Income:DisputesLost:WithoutRestrictions 5000",
		"Expenses:Fees:StripeProcessing 605",
		"Expenses:Fees:StripeDispute 3000",
		"Expenses:Fees:StripeOther 200",
	}
	if !slices.Equal(got, want) {
		t.Errorf("trial balance\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(sums.GetSums()) != 1 || sums.GetSums()[0].GetGiftMinor() != 85_00 || sums.GetSums()[0].GetCoverMinor() != 3_30 {
		t.Errorf("sums of gifts %v, want 85.00 left of 175.00", sums.GetSums())
	}
	if len(sums.GetOpenItems()) != 0 {
		t.Errorf("open after all has ended: %v", sums.GetOpenItems())
	}
	if c := sums.GetClearing(); len(c) != 1 || c[0].GetBalanceMinor() != 15_25 || c[0].GetReservedMinor() != 5_00 {
		t.Errorf("clearing %v", c)
	}
}

func TestWhatHappenedIsFoundByItsId(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.april(t)
	w.caughtUp(t)
	for reference, want := range map[string][]string{
		"re_1":      {"refund", "refund_failed", "refund_paid", "refund_returned"},
		"dp_1":      {"dispute", "dispute_lost"},
		"dp_2":      {"dispute", "dispute_reversal"},
		"po_1":      {"payout"},
		"txn_fee":   {"account_fee"},
		"ch_2":      {"dispute", "dispute_lost", "fee", "gift"},
		"txn_dp_2b": {"dispute_reversal"},
	} {
		response, err := w.web.ListEntries(t.Context(), &ledgerv1.ListEntriesRequest{Filter: &ledgerv1.EntryFilter{Reference: reference}})
		if err != nil {
			t.Fatal(err)
		}
		var rules []string
		for _, entry := range response.GetEntries() {
			rules = append(rules, entry.GetRule())
			if entry.GetDescription() == "" || entry.GetTraceId() != traceID {
				t.Errorf("entry %v", entry)
			}
		}
		slices.Sort(rules)
		if !slices.Equal(rules, want) {
			t.Errorf("%s is found in %v, want %v", reference, rules, want)
		}
	}
	stream, err := w.web.ExportJournal(t.Context(), &ledgerv1.ExportJournalRequest{Format: "hledger", To: "2026-04-30"})
	checkedByHledger(t, download(t, stream, err))
}

func TestADisputeThatEndsInNoKnownWayIsParked(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.organization(t, relief, "relief", "REL", "Europe/Zurich")
	w.caughtUp(t)
	p := pay(1, 100_00, 0, 0, "EUR")
	w.tell(t, p)
	w.donation.publish(t, "event-dp_9", p.gift.GetDonationId(), &donationv1.DonationDisputeClosed{
		DonationId: p.gift.GetDonationId(), AccountId: "acct_relief", DisputeId: "dp_9", Amount: amount(100_00, "EUR"),
		Attribution: p.gift.GetAttribution(), ClosedAt: moment.UnixMicro(),
	})
	w.caughtUp(t)
	if parked := w.parked(t); len(parked) != 1 || !strings.Contains(parked[0].GetReason(), "dp_9") {
		t.Errorf("parked %v, want the dispute", parked)
	}
}
