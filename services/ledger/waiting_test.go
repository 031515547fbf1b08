package ledger_test

import (
	"fmt"
	"slices"
	"testing"

	attributionv1 "github.com/almoner/almoner/proto/gen/almoner/attribution/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	"github.com/almoner/almoner/services/internal/testkit"
)

// The two feeds know no common order. Gifts that come before their organization
// wait with all that is told of them, a second telling too, and are booked once.
func TestGiftsToldBeforeTheirOrganizationAreBookedOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	first := pay(1, 100_00, 3_30, 3_30, "EUR")
	w.tell(t, first)
	w.tell(t, pay(2, 50_00, 0, 1_75, "EUR"))
	w.donation.publish(t, "again-ch_1", first.gift.GetDonationId(), first.gift)
	w.donation.publish(t, "again-txn_1", first.transaction.GetTransactionId(), first.transaction)
	testkit.Eventually(t, func() bool {
		items := w.parked(t)
		return len(items) == 6 && !slices.ContainsFunc(items, func(i *feedv1.ParkedItem) bool { return !i.GetWaiting() })
	})

	w.organization(t, relief, "relief", "REL", "Europe/Zurich")
	sums := w.caughtUp(t).GetSums()
	if len(sums) != 1 || sums[0].GetGiftMinor() != 150_00 || sums[0].GetCoverMinor() != 3_30 {
		t.Errorf("gifts %v, want 150.00 and 3.30 for fees", sums)
	}
	if items := w.parked(t); len(items) != 0 {
		t.Errorf("still parked: %v", items)
	}
	chains, err := w.web.VerifyChain(t.Context(), &ledgerv1.VerifyChainRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if chain := chains.GetChains(); len(chain) != 1 || chain[0].GetEntries() != 4 || chain[0].GetFault() != "" {
		t.Errorf("chains %v, want two gifts and two fees", chain)
	}
}

func TestAGiftWaitsForItsFundByItself(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.organization(t, relief, "relief", "REL", "Europe/Zurich")
	w.caughtUp(t)
	restricted := pay(1, 50_00, 0, 1_75, "EUR")
	restricted.gift.Attribution.FundCode = "winter"
	restricted.gift.Attribution.FundClass = attributionv1.FundClass_FUND_CLASS_RESTRICTED
	w.tell(t, restricted)
	w.tell(t, pay(2, 20_00, 0, 85, "EUR"))
	testkit.Eventually(t, func() bool {
		items := w.parked(t)
		return len(items) == 1 && items[0].GetWaiting() && items[0].GetAggregateId() == restricted.gift.GetDonationId()
	})
	w.fund(t, relief, "winter")
	testkit.Eventually(t, func() bool { return len(w.parked(t)) == 0 })
	if sums := w.caughtUp(t).GetSums(); len(sums) != 1 || sums[0].GetGiftMinor() != 70_00 {
		t.Fatalf("gifts %v, want 70.00", sums)
	}
}

func TestWhatCannotBeBookedIsParkedAndTheRestFlows(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.organization(t, relief, "relief", "REL", "Europe/Zurich")
	w.caughtUp(t)
	for number, spoil := range map[int]func(*payment){
		1: func(p *payment) { p.gift.Attribution.FundClass = attributionv1.FundClass_FUND_CLASS_UNSPECIFIED },
		2: func(p *payment) { p.gift.Gift.Currency = "ZZZ" },
		3: func(p *payment) { p.gift.Gift = nil },
		4: func(p *payment) { p.gift.ChargeId = "" },
		5: func(p *payment) { p.transaction.Net.Minor++ },
		6: func(p *payment) { p.transaction.FeeDetails[0].Amount = nil },
		7: func(p *payment) { p.transaction.Fee.Currency = "USD" },
	} {
		p := pay(number, 10_00, 0, 44, "EUR")
		spoil(&p)
		w.donation.publish(t, fmt.Sprintf("event-gift-%d", number), fmt.Sprintf("donation-%d", number), p.gift)
		w.donation.publish(t, fmt.Sprintf("event-txn-%d", number), fmt.Sprintf("txn-%d", number), p.transaction)
	}
	w.organization(t, pacific, "pacific-aid", "PAC", "Mars/Olympus")
	w.tell(t, pay(8, 20_00, 0, 85, "EUR"))
	w.caughtUp(t)
	if items := w.parked(t); len(items) != 8 {
		t.Errorf("%d items are parked, want seven facts and one organization: %v", len(items), items)
	}
	chains, err := w.web.VerifyChain(t.Context(), &ledgerv1.VerifyChainRequest{})
	if err != nil {
		t.Fatal(err)
	}
	// Three good gifts (5 to 7), four good fees (1 to 4), and number eight.
	if chain := chains.GetChains(); len(chain) != 1 || chain[0].GetEntries() != 9 || chain[0].GetFault() != "" {
		t.Errorf("chains %v, want nine entries", chain)
	}
}
