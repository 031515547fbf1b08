package front

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A browser lets a form lead only where the page says, also by way of a redirect: the
// button for another card would seem dead.
func TestPagesOfMonthlyGiftsMayLeadToThePortal(t *testing.T) {
	t.Parallel()
	const checkout, portal = "https://pay.example.org", "https://billing.stripe.com"
	f, err := New(Config{BaseURL: "https://give.example.org", CheckoutOrigin: checkout, PortalOrigin: portal},
		Deps{Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if f.Portal() != portal || f.Checkout() != checkout {
		t.Errorf("portal %s, checkout %s", f.Portal(), f.Checkout())
	}
	for privacy, want := range map[Privacy]string{
		SecretForm: "form-action 'self' " + checkout + " " + portal + ";", Form: "form-action 'self' " + checkout + ";",
	} {
		answer := httptest.NewRecorder()
		f.setHeaders(answer.Header(), privacy)
		if policy := answer.Header().Get("Content-Security-Policy"); !strings.Contains(policy, want) {
			t.Errorf("privacy %d: %q lacks %q", privacy, policy, want)
		}
	}
	if same := here(t); same.Portal() != same.Checkout() {
		t.Errorf("without an origin of its own the portal is at %s", same.Portal())
	}
}
