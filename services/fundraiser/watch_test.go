package fundraiser_test

import (
	"testing"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/testkit"
)

func TestAGiftIsToldToWhoWatches(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.NATS(t))
	watch, err := w.web.WatchTotals(t.Context(), &fundraiserv1.WatchTotalsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	everything, err := watch.Recv()
	if err != nil || len(everything.GetChanged()) != 5 || everything.GetCatalogueRevision() == 0 {
		t.Fatalf("%v, %v", everything, err)
	}
	terms := w.resolve(t, toPage("salma-walks-the-coast"))
	w.publish(t, w.succeed(terms.GetAttribution(), 25_00, "EUR"))
	update, err := watch.Recv()
	if err != nil || len(update.GetChanged()) != 2 || update.GetCatalogueRevision() != everything.GetCatalogueRevision() {
		t.Fatalf("%v, %v", update, err)
	}
	for _, line := range update.GetChanged() {
		if line.GetAppealSlug() != "shelter-tonight" || line.GetTotals().GetSettledMinor() != 25_00 ||
			line.GetTotals().GetGifts() != 1 || line.GetTotals().GetAsOf() != 1 {
			t.Errorf("told %v", line)
		}
	}
	if update.GetChanged()[0].GetFundraiserSlug()+update.GetChanged()[1].GetFundraiserSlug() != "salma-walks-the-coast" {
		t.Errorf("told %v", update)
	}
}
