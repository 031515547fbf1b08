package payments

import (
	"errors"
	"testing"

	"github.com/almoner/almoner/services/donation/internal/app"
)

// What is left at Stripe of a gift: what was sent with it, and who paid.
func TestAPaymentKeepsWhatItsGiftWas(t *testing.T) {
	t.Parallel()
	a := open(t)
	r := request()
	r.Record, r.Proof = `{"g":10000,"cur":"EUR"}`, "proof-of-harbour-relief"
	id, _, err := a.client.CreateSession(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	a.pay(id)
	found, err := a.client.Session(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := a.client.Keepsake(t.Context(), found.Snapshot.Payment.ID)
	if err != nil || kept.CreatedAt == 0 {
		t.Fatalf("%+v, %v", kept, err)
	}
	want := app.Keepsake{
		SessionID: id, CreatedAt: kept.CreatedAt, Name: kept.Name, Email: "amina@example.org", ProductName: r.Donation.ProductName,
		Organization: "org-harbour", Record: r.Record, Proof: r.Proof,
	}
	if kept != want || kept.Name == "" {
		t.Errorf("kept is %+v, want %+v", kept, want)
	}
	_, err = a.client.Keepsake(t.Context(), "pi_of_no_session")
	if !errors.Is(err, app.ErrStripeUnknown) {
		t.Errorf("a payment without a session: %v", err)
	}
}

// What is left at Stripe of a monthly plan, with its subscription.
func TestASubscriptionKeepsWhatItsPlanWas(t *testing.T) {
	t.Parallel()
	a := open(t)
	r := request()
	r.Donation.PlanID = "plan-1"
	r.Record, r.Proof = `{"pl":"plan-1","g":10000,"cur":"EUR"}`, "proof-of-harbour-relief"
	id, _, err := a.client.CreateSession(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	a.pay(id)
	found, err := a.client.Session(t.Context(), id)
	if err != nil || found.Subscription == nil {
		t.Fatalf("%+v, %v", found, err)
	}
	kept, err := a.client.PlanKeepsake(t.Context(), found.Subscription.ID)
	want := app.Keepsake{
		SessionID: id, CreatedAt: kept.CreatedAt, Name: kept.Name, Email: "amina@example.org", ProductName: r.Donation.ProductName,
		Organization: "org-harbour", Record: r.Record, Proof: r.Proof,
	}
	if err != nil || kept != want || kept.Name == "" || kept.CreatedAt == 0 {
		t.Errorf("kept is %+v (%v), want %+v", kept, err, want)
	}
	_, err = a.client.PlanKeepsake(t.Context(), "sub_of_no_session")
	if !errors.Is(err, app.ErrStripeUnknown) {
		t.Errorf("a subscription without a session: %v", err)
	}
}
