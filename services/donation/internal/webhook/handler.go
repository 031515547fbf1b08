package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/platform/config"
)

// maxBody is far above what Stripe sends for one gift.
const maxBody = 1 << 20

// Receiver stores an event; it returns when that is durable.
type Receiver interface {
	Receive(ctx context.Context, event app.StripeEvent, body []byte) error
}

// Config says how deliveries are checked.
type Config struct {
	// Secrets of the endpoint: one, or two while it is being rolled.
	Secrets []config.Secret
	// Livemode is what an event must be to be processed.
	Livemode bool
	Now      func() time.Time
	Logger   *slog.Logger
}

// Handler answers POST /webhooks/stripe.
type Handler struct {
	receiver Receiver
	secrets  [][]byte
	livemode bool
	now      func() time.Time
	logger   *slog.Logger
}

// New makes the handler. Without a secret, or with an empty one, it fails:
// anybody can sign with nothing.
func New(cfg Config, receiver Receiver) (*Handler, error) {
	h := &Handler{receiver: receiver, livemode: cfg.Livemode, now: cfg.Now, logger: cfg.Logger}
	for _, secret := range cfg.Secrets {
		if !secret.IsSet() {
			return nil, errors.New("webhook: an empty signing secret would accept forgeries")
		}
		h.secrets = append(h.secrets, []byte(secret.Reveal()))
	}
	if len(h.secrets) == 0 {
		return nil, errors.New("webhook: no signing secret")
	}
	return h, nil
}

// Register puts the handler on its route; other methods are answered with 405.
func (h *Handler) Register(mux *http.ServeMux) {
	// Without a method in the pattern: the site's own catch-all would take the
	// others and say that there is no such page.
	mux.Handle("/webhooks/stripe", h)
}

// ServeHTTP checks, stores, answers.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "webhooks are posted", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	err = verify(body, r.Header.Get("Stripe-Signature"), h.secrets, h.now())
	if err != nil {
		h.logger.WarnContext(r.Context(), "a webhook was refused", "reason", err.Error())
		http.Error(w, "signature not accepted", http.StatusBadRequest)
		return
	}
	err = h.receiver.Receive(r.Context(), h.envelope(body), body)
	if err != nil {
		h.logger.ErrorContext(r.Context(), "a webhook could not be stored", "error", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// envelope reads the few fields that decide where an event goes. What was
// signed by Stripe and cannot be read is kept for staff, under the hash of what
// it is, so that its repetitions are one.
func (h *Handler) envelope(body []byte) app.StripeEvent {
	var e struct {
		ID         string `json:"id"`
		Type       string `json:"type"`
		Account    string `json:"account"`
		APIVersion string `json:"api_version"`
		Livemode   bool   `json:"livemode"`
		Created    int64  `json:"created"`
		Data       struct {
			Object struct {
				ID string `json:"id"`
			} `json:"object"`
		} `json:"data"`
	}
	err := json.Unmarshal(body, &e)
	if err != nil || !identifier(e.ID) || !identifier(e.Type) ||
		!identifier(e.Account+e.APIVersion+e.Data.Object.ID+"-") {
		sum := sha256.Sum256(body)
		return app.StripeEvent{
			EventID: "unreadable:" + hex.EncodeToString(sum[:]), Livemode: h.livemode,
			State: app.EventParked, Reason: domain.NotDecodable,
		}
	}
	event := app.StripeEvent{
		AccountID: e.Account, EventID: e.ID, Type: e.Type, ObjectID: e.Data.Object.ID, APIVersion: e.APIVersion,
		Livemode: e.Livemode, CreatedAt: e.Created, State: app.EventPending,
	}
	switch {
	case e.Livemode != h.livemode:
		event.State, event.Reason = app.EventParked, domain.LivemodeDiffers
	case !app.Relevant(e.Type):
		event.State = app.EventIgnored
	}
	return event
}

// longestIdentifier is more than Stripe's ids have, and what an index bears.
const longestIdentifier = 500

// identifier tells whether text can be one of Stripe's ids or words: visible
// ASCII. PostgreSQL, for one, cannot hold a NUL, and a body that no database
// takes would be refused and sent again for days.
func identifier(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != "" && len(text) <= longestIdentifier
}
