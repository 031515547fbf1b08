package payments

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/config"
)

// Stripe is slower than we wait: the same refund is asked for again while the first
// is still being made. It answers that with a conflict, of either type. Taken for a
// key that is used up, another would be used, and the donor be paid twice.
func TestARefundThatIsStillBeingMadeIsWaitedForUnderItsOwnKey(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"idempotency_error", "invalid_request_error"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var keys []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				keys = append(keys, r.Header.Get("Idempotency-Key"))
				first := len(keys) == 1
				mu.Unlock()
				if first {
					w.WriteHeader(http.StatusConflict)
					_, _ = io.WriteString(w, `{"error": {"type": "`+kind+`", "code": "idempotency_key_in_use",
						"message": "There is another request in progress with this key."}}`)
					return
				}
				_, _ = io.WriteString(w, `{"id": "re_1", "object": "refund", "amount": 3000, "currency": "eur", "status": "pending"}`)
			}))
			t.Cleanup(server.Close)
			client, err := New(Config{Key: config.NewSecret("sk_test_x"), URL: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			made, err := client.CreateRefund(t.Context(), domain.Refund{
				RequestID: "0d6f5f0a-9d0e-4b6e-8f35-6a3f1b2c4d5e", PaymentID: "pi_1", Donation: "7b2f8a52-7d4c-4b4e-9d2f-0a1b2c3d4e5f",
				Amount: money.Amount{Minor: 30_00, Currency: money.MustCurrency("EUR")}, Reason: "requested_by_customer",
			})
			if err != nil || made.ObjectID != "re_1" {
				t.Fatalf("%+v, %v", made, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if len(keys) != 2 || keys[0] != keys[1] || keys[0] == "" {
				t.Errorf("it was asked for under %q", keys)
			}
		})
	}
}
