package donation_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/almoner/almoner/services/donation"
	"github.com/almoner/almoner/services/internal/platform/config"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
)

// BenchmarkWebhookIntake is one signed delivery of 3 kB, from the handler to a
// durable row, with 64 of them on their way at a time.
func BenchmarkWebhookIntake(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { intake(b, testkit.SQLite(b, "donation", donation.Migrations()...)) })
	b.Run("postgres", func(b *testing.B) { intake(b, testkit.PostgreSQL(b, "donation", donation.Migrations()...)) })
}

func intake(b *testing.B, db *database.DB) {
	service, err := donation.New(donation.Config{
		BaseURL: "https://give.example.org", SecretKey: config.NewSecret("secret"), StripeKey: config.NewSecret("sk_test_x"),
		WebhookSecrets: []config.Secret{config.NewSecret(webhookSecret)},
	}, donation.Deps{DB: db, Mail: &mailbox{}, Logger: slog.New(slog.DiscardHandler), Tracer: noTraces(), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	mux := http.NewServeMux()
	service.RegisterHTTP(mux)
	filler := bytes.Repeat([]byte("x"), 3000)
	var next atomic.Int64
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			body := fmt.Appendf(nil, `{"id":"evt_%d","type":"payment_intent.succeeded","api_version":"2023-10-16","created":1793000000,
				"data":{"object":{"id":"pi_1","object":"payment_intent","description":%q}}}`, next.Add(1), filler)
			stamp := strconv.FormatInt(time.Now().Unix(), 10)
			mac := hmac.New(sha256.New, []byte(webhookSecret))
			_, _ = io.WriteString(mac, stamp+".")
			_, _ = mac.Write(body)
			request := httptest.NewRequest(http.MethodPost, "/webhooks/stripe", bytes.NewReader(body))
			request.Header.Set("Stripe-Signature", "t="+stamp+",v1="+hex.EncodeToString(mac.Sum(nil)))
			answer := httptest.NewRecorder()
			mux.ServeHTTP(answer, request)
			if answer.Code != http.StatusOK {
				b.Errorf("answered %d", answer.Code)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "webhooks/s")
}
