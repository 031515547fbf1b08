package node

import (
	"testing"

	"github.com/almoner/almoner/services/internal/platform/config"
)

// Stripe has its pages for donors and for staff at addresses of their own; what stands
// in for it has them where its API is.
func TestWhereStripesPagesAre(t *testing.T) {
	t.Parallel()
	key := config.NewSecret("sk_test_pages")
	atStripe := configuredAccount(Config{StripeKey: key})
	standIn := configuredAccount(Config{StripeKey: key, StripeURL: "http://localhost:12111"})
	for got, want := range map[string]string{
		atStripe.checkoutOrigin(): "https://checkout.stripe.com", atStripe.portalOrigin(): "https://billing.stripe.com",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if standIn.checkoutOrigin() != "http://localhost:12111" || standIn.portalOrigin() != "http://localhost:12111" {
		t.Errorf("%s, %s", standIn.checkoutOrigin(), standIn.portalOrigin())
	}
}
