package stripesim

import (
	"log/slog"
	"time"
)

// APIVersion is the only Stripe API version that the simulator speaks.
const APIVersion = "2023-10-16"

// Config says where the simulator keeps its state and how it meets the world.
// The zero value works: memory only, a random seed, the wall clock.
type Config struct {
	// Dir holds the log. Empty means memory only.
	Dir string
	// Seed makes ids and probabilities repeatable. Zero means a random seed. A
	// store remembers the seed it was made with; a later one is ignored.
	Seed uint64
	// BaseURL is where browsers reach the hosted pages, without a final slash.
	BaseURL string
	// Now is the base clock. POST /_sim/clock adds an offset to it.
	Now func() time.Time
	// Logger gets what an operator should know; never personal data or cards.
	Logger *slog.Logger
	// CheckoutWait is how long the redirect to success_url waits for the answer
	// to checkout.session.completed. Stripe waits up to ten seconds. A negative
	// value means not at all.
	CheckoutWait time.Duration
	// WebhookSecret is the signing secret that EnsureWebhookEndpoint gives its
	// endpoint. Empty means one is made.
	WebhookSecret string
	// WebhookTimeout bounds one delivery attempt, in wall time.
	WebhookTimeout time.Duration
	// WebhookConcurrency is how many deliveries may be under way at once.
	WebhookConcurrency int
	// RetrySchedule is the pause after each failed attempt; its last entry
	// repeats until RetryFor has passed since the event.
	RetrySchedule []time.Duration
	// RetryFor is how long delivery of an event is tried.
	RetryFor time.Duration
	// Country of the account, for GET /v1/account.
	Country string
	// Settlement maps a charge currency (lower case) to the currency it settles
	// in. A currency that is not named settles in itself.
	Settlement map[string]Settlement
	// PayoutSchedule is "daily" or "manual". Empty means manual: money stays in
	// the balance until somebody pays it out.
	PayoutSchedule string
}

// Settlement is a conversion at a fixed rate: one major unit of the charge
// currency gives RateMicros millionths of a major unit of To.
type Settlement struct {
	To         string `json:"to"`
	RateMicros int64  `json:"rate_micros"`
}

// embeddedRetries suits a receiver on the same machine that restarts in
// seconds; Stripe publishes no intervals, only that it tries for three days.
func embeddedRetries() []time.Duration {
	return []time.Duration{
		time.Second, 5 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute,
		30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 12 * time.Hour,
	}
}

func (c Config) withDefaults() Config {
	if c.BaseURL == "" {
		c.BaseURL = "http://127.0.0.1:12111"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.CheckoutWait == 0 {
		c.CheckoutWait = 10 * time.Second
	}
	if c.WebhookTimeout <= 0 {
		c.WebhookTimeout = 10 * time.Second
	}
	if c.WebhookConcurrency <= 0 {
		c.WebhookConcurrency = 16
	}
	if len(c.RetrySchedule) == 0 {
		c.RetrySchedule = embeddedRetries()
	}
	if c.RetryFor <= 0 {
		c.RetryFor = 72 * time.Hour
	}
	if c.Country == "" {
		c.Country = "US"
	}
	return c
}
