package webhook

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/internal/platform/config"
)

const (
	// maxBody is far above what Stripe sends for one gift.
	maxBody = 1 << 20
	// usualBody bounds the memory that a request gets for saying how long it is,
	// before it is known who sent it.
	usualBody = 16 << 10
)

// Receiver stores what Stripe signed; it returns when that is durable.
type Receiver interface {
	Receive(ctx context.Context, body []byte) error
}

// Config says how deliveries are checked.
type Config struct {
	// Secrets of the endpoint: one, or two while it is being rolled.
	Secrets []config.Secret
	Now     func() time.Time
	Logger  *slog.Logger
	Metrics *app.Metrics
}

// Handler answers POST /webhooks/stripe.
type Handler struct {
	receiver Receiver
	secrets  [][]byte
	now      func() time.Time
	logger   *slog.Logger
	metrics  *app.Metrics
}

// New makes the handler. Without a secret, or with an empty one, it fails:
// anybody can sign with nothing.
func New(cfg Config, receiver Receiver) (*Handler, error) {
	h := &Handler{receiver: receiver, now: cfg.Now, logger: cfg.Logger, metrics: cfg.Metrics}
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
	content := bytes.NewBuffer(make([]byte, 0, min(max(r.ContentLength, 0), usualBody)+bytes.MinRead))
	_, err := content.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	body := content.Bytes()
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		h.metrics.Webhook("", app.WebhookRefused)
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		h.metrics.Webhook("", app.WebhookRefused)
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	err = verify(body, r.Header.Get("Stripe-Signature"), h.secrets, h.now())
	if err != nil {
		h.logger.WarnContext(r.Context(), "a webhook was refused", "reason", err.Error())
		h.metrics.Webhook("", app.WebhookRefused)
		http.Error(w, "signature not accepted", http.StatusBadRequest)
		return
	}
	err = h.receiver.Receive(r.Context(), body)
	if err != nil {
		h.logger.ErrorContext(r.Context(), "a webhook could not be stored", "error", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusOK)
}
