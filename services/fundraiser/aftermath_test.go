package fundraiser_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"github.com/almoner/almoner/services/internal/testkit"
)

// tell appends what happens to one donation, from a version on.
func (w world) tell(t *testing.T, donation string, version int64, events ...proto.Message) {
	t.Helper()
	err := w.donorsDB.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		for i, message := range events {
			event, err := envelope.New(uuid.NewString(), donation, version+int64(i), w.clock.Now(), "", message)
			if err != nil {
				return err
			}
			err = w.donations.Append(ctx, tx, event)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTotalsFollowWhatHappensAfterwards(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.NATS(t))
	terms := w.resolve(t, toPage("salma-walks-the-coast"))
	to := terms.GetAttribution()
	euros := func(minor int64) *moneyv1.Money { return &moneyv1.Money{Minor: minor, Currency: "EUR"} }
	taken := func(gift, cover int64) *donationv1.Reduction {
		return &donationv1.Reduction{Gift: euros(gift), Cover: euros(cover), Excess: euros(0)}
	}
	watch, err := w.web.WatchTotals(t.Context(), &fundraiserv1.WatchTotalsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	// told waits until watchers of the page were told these totals.
	told := func(what string, want *fundraiserv1.Totals) {
		t.Helper()
		var last *fundraiserv1.Totals
		for {
			update, err := watch.Recv()
			if err != nil {
				t.Fatalf("%s: %v; the last was %v", what, err, last)
			}
			for _, line := range update.GetChanged() {
				if line.GetFundraiserSlug() != "salma-walks-the-coast" {
					continue
				}
				last = line.GetTotals()
				if last.GetAsOf() == want.GetAsOf() {
					if !proto.Equal(last, want) {
						t.Errorf("%s: told %v, want %v", what, last, want)
					}
					return
				}
			}
		}
	}

	debit := w.succeed(to, 50_00, "EUR")
	id := debit.GetDonationId()
	w.tell(t, id, 1, &donationv1.DonationProcessing{DonationId: id, Gift: euros(50_00), Cover: euros(3_30), Attribution: to})
	told("a debit is on its way", &fundraiserv1.Totals{ProcessingMinor: 50_00, AsOf: 1})
	w.tell(t, id, 2, debit)
	told("it has come", &fundraiserv1.Totals{SettledMinor: 50_00, Gifts: 1, AsOf: 2})
	w.tell(t, id, 3, &donationv1.DonationRefunded{DonationId: id, RefundId: "re_1", Amount: euros(20_00), Reduction: taken(20_00, 0), Attribution: to})
	told("a part went back", &fundraiserv1.Totals{SettledMinor: 30_00, Gifts: 1, RefundedMinor: 20_00, AsOf: 3})
	w.tell(t, id, 4, &donationv1.DonationRefunded{DonationId: id, RefundId: "re_2", Amount: euros(33_30), Reduction: taken(30_00, 3_30), Attribution: to})
	told("all of it went back", &fundraiserv1.Totals{RefundedMinor: 50_00, AsOf: 4})
	page, err := w.web.GetFundraiser(t.Context(), &fundraiserv1.GetFundraiserRequest{Slug: "salma-walks-the-coast"})
	if err != nil || len(page.GetRecent()) != 0 {
		t.Errorf("a gift of which nothing is left is shown: %v, %v", page.GetRecent(), err)
	}
	w.tell(t, id, 5, &donationv1.DonationRefundFailed{DonationId: id, RefundId: "re_2", Amount: euros(33_30), Reduction: taken(-30_00, -3_30), Attribution: to})
	told("the second refund failed", &fundraiserv1.Totals{SettledMinor: 30_00, Gifts: 1, RefundedMinor: 20_00, AsOf: 5})
	w.tell(t, id, 6,
		&donationv1.DonationDisputed{DonationId: id, DisputeId: "dp_1", Amount: euros(33_30), Inquiry: true, Attribution: to},
		&donationv1.DonationDisputed{DonationId: id, DisputeId: "dp_1", Amount: euros(33_30), Attribution: to})
	told("the rest is disputed", &fundraiserv1.Totals{SettledMinor: 30_00, Gifts: 1, RefundedMinor: 20_00, DisputedMinor: 30_00, AsOf: 7})
	w.tell(t, id, 8, &donationv1.DonationDisputeClosed{
		DonationId: id, DisputeId: "dp_1", Amount: euros(33_30), Outcome: donationv1.DisputeOutcome_DISPUTE_OUTCOME_LOST,
		Reduction: taken(30_00, 3_30), Attribution: to,
	})
	told("and lost", &fundraiserv1.Totals{RefundedMinor: 20_00, LostMinor: 30_00, AsOf: 8})
	w.tell(t, id, 9, &donationv1.DonationRefunded{
		DonationId: id, RefundId: "re_3", Amount: euros(10_00), Reduction: taken(10_00, 0), LossShift: taken(-10_00, 0), Attribution: to,
	})
	told("a refund made before that was heard of late", &fundraiserv1.Totals{RefundedMinor: 30_00, LostMinor: 20_00, AsOf: 9})
	w.tell(t, id, 10, &donationv1.DonationRefundFailed{
		DonationId: id, RefundId: "re_3", Amount: euros(10_00), Reduction: taken(-10_00, 0), LossShift: taken(10_00, 0), Attribution: to,
	})
	told("it failed", &fundraiserv1.Totals{RefundedMinor: 20_00, LostMinor: 30_00, AsOf: 10})
	other := w.succeed(to, 5_00, "EUR")
	w.tell(t, other.GetDonationId(), 1, other)
	told("another gift", &fundraiserv1.Totals{SettledMinor: 5_00, Gifts: 1, RefundedMinor: 20_00, LostMinor: 30_00, AsOf: 11})
	failing := w.succeed(to, 7_00, "EUR").GetDonationId()
	w.tell(t, failing, 1, &donationv1.DonationProcessing{DonationId: failing, Gift: euros(7_00), Cover: euros(0), Attribution: to})
	told("another debit", &fundraiserv1.Totals{SettledMinor: 5_00, Gifts: 1, ProcessingMinor: 7_00, RefundedMinor: 20_00, LostMinor: 30_00, AsOf: 12})
	w.tell(t, failing, 2, &donationv1.DonationFailed{DonationId: failing, Gift: euros(7_00), Cover: euros(0), Attribution: to})
	told("that fails", &fundraiserv1.Totals{SettledMinor: 5_00, Gifts: 1, RefundedMinor: 20_00, LostMinor: 30_00, AsOf: 13})

	w.applied(t, 13)
	rebuilt, err := w.service.Rebuild(t.Context(), false)
	if err != nil || !reflect.DeepEqual(rebuilt.Before, rebuilt.After) {
		t.Errorf("folded again: %+v, %v", rebuilt, err)
	}
}
