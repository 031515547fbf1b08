package donation_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

func TestAGiftIsFoundByEveryIdOfIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	started := w.checkout(form())
	unpaid := w.checkout(form())
	w.pay(started.GetSessionId(), visa)
	want := w.settled(started.GetDonationId())
	if want.GetChargeId() == "" || want.GetBalanceTransactionId() == "" {
		t.Fatalf("the gift has not all of its ids: %v", want)
	}
	find := func(reference string) []*donationv1.Donation {
		t.Helper()
		found, err := w.web.FindDonations(t.Context(), &donationv1.FindDonationsRequest{Reference: reference})
		if err != nil {
			t.Fatal(err)
		}
		return found.GetDonations()
	}
	for _, reference := range []string{
		want.GetDonationId(), started.GetSessionId(), want.GetPaymentIntentId(), want.GetChargeId(), want.GetBalanceTransactionId(),
	} {
		found := find(reference)
		if len(found) != 1 || !proto.Equal(found[0], want) {
			t.Errorf("%s leads to %v, want %v", reference, found, want)
		}
	}
	// The id of an unpaid gift leads to the donor's name, which a viewer may not know.
	for _, reference := range []string{unpaid.GetSessionId(), unpaid.GetDonationId()} {
		if found := find(reference); len(found) > 0 {
			t.Errorf("a viewer is told of an unpaid gift: %v", found)
		}
	}
	accountant := rpc.WithPerson(t.Context(), rpc.Person{ID: "an accountant", Roles: []string{"accountant"}})
	answer, err := w.web.FindDonations(accountant, &donationv1.FindDonationsRequest{Reference: unpaid.GetSessionId()})
	if err != nil {
		t.Fatal(err)
	}
	found := answer.GetDonations()
	if len(found) != 1 || found[0].GetDonationId() != unpaid.GetDonationId() || found[0].GetState() != donationv1.State_STATE_CHECKOUT_OPEN {
		t.Errorf("the unpaid session leads to %v", found)
	}
	for _, nonsense := range []string{
		"", " ", "%", want.GetChargeId()[:len(want.GetChargeId())-1], "'; DROP TABLE donation; --", "\x00", "amina@example.org",
		strings.Repeat("pi_", 3_000),
	} {
		if found := find(nonsense); len(found) > 0 {
			t.Errorf("%.20q leads to %v", nonsense, found)
		}
	}
	_, err = w.web.FindDonations(rpc.WithPerson(t.Context(), rpc.Person{ID: "a supporter", Roles: []string{"supporter"}}), &donationv1.FindDonationsRequest{Reference: want.GetDonationId()})
	if apperr.CodeOf(err) != apperr.PermissionDenied {
		t.Errorf("a supporter looked a gift up: %v", err)
	}
}
