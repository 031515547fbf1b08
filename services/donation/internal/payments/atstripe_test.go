//go:build atstripe

package payments

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"
)

// What the app relies on is so at Stripe. It makes two customers, two plans, a refund
// and a dispute in a test account, and ends the plans.
func TestContractWithStripe(t *testing.T) {
	key, address := os.Getenv("STRIPE_TEST_KEY"), os.Getenv("STRIPE_TEST_URL")
	switch {
	case key == "":
		t.Fatal("STRIPE_TEST_KEY is not set: this asks Stripe itself, and needs a secret key of a test account (sk_test_… or rk_test_…), " +
			"whose customer portal has its settings saved, and a way to " + stripe.APIURL)
	case !strings.HasPrefix(key, "sk_test_") && !strings.HasPrefix(key, "rk_test_"):
		t.Fatal("STRIPE_TEST_KEY is no key of a test account: it must begin with sk_test_ or rk_test_, for this moves money")
	case address == "":
		address = stripe.APIURL
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("there is no way to %s from here: %v", address, err)
	}
	_ = answer.Body.Close()
	t.Logf("the contract is held against %s", address)
	newContract(t, address, key).holds(t)
}
