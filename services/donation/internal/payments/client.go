package payments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/form"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/internal/platform/config"
)

// APIVersion is the version that requests are made in, and the only one whose
// webhook bodies are read without asking again.
const APIVersion = stripe.APIVersion

const (
	defaultTimeout = 20 * time.Second
	// tries bounds how often one request is sent, the first time included.
	tries       = 4
	firstPause  = 250 * time.Millisecond
	idleClients = 16
	// largestGuess bounds how much memory an answer gets for saying how long it is.
	largestGuess = 1 << 20
)

// Config says which account is spoken to, and where.
type Config struct {
	// Key is the account's secret or restricted key.
	Key config.Secret
	// URL is Stripe's address or a simulator's; empty means Stripe's.
	URL string
	// HTTPClient replaces the default one, whose time-out is 20 s a request.
	HTTPClient *http.Client
	// Tracer and Metrics may be nil.
	Tracer  trace.TracerProvider
	Metrics prometheus.Registerer
}

// Client is the app's Stripe. It is safe for concurrent use.
type Client struct {
	backend *stripe.BackendImplementation
	http    *http.Client
	key     config.Secret
	tracer  trace.Tracer
	metrics metrics
}

// New makes a client. It sends nothing yet.
func New(cfg Config) (*Client, error) {
	if !cfg.Key.IsSet() {
		return nil, errors.New("stripe client: no key")
	}
	client := cfg.HTTPClient
	if client == nil {
		client = &http.Client{Timeout: defaultTimeout, Transport: pooled()}
	}
	options := &stripe.BackendConfig{EnableTelemetry: stripe.Bool(false), HTTPClient: client, LeveledLogger: silent{}}
	if cfg.URL != "" {
		options.URL = stripe.String(strings.TrimSuffix(cfg.URL, "/"))
	}
	backend, ok := stripe.GetBackendWithConfig(stripe.APIBackend, options).(*stripe.BackendImplementation)
	if !ok {
		return nil, errors.New("stripe client: the library's backend is not the one that is known")
	}
	if cfg.Tracer == nil {
		cfg.Tracer = noop.NewTracerProvider()
	}
	return &Client{
		backend: backend, http: client, key: cfg.Key,
		tracer: cfg.Tracer.Tracer("almoner/donation/payments"), metrics: newMetrics(cfg.Metrics),
	}, nil
}

// Livemode tells whether a key moves real money.
func Livemode(key config.Secret) bool {
	return strings.HasPrefix(key.Reveal(), "sk_live_") || strings.HasPrefix(key.Reveal(), "rk_live_")
}

func pooled() http.RoundTripper {
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	transport := base.Clone()
	transport.MaxIdleConnsPerHost = idleClients
	return transport
}

// silent drops the library's log: it prints bodies, and every error is returned.
type silent struct{}

func (silent) Debugf(string, ...any) {}
func (silent) Infof(string, ...any)  {}
func (silent) Warnf(string, ...any)  {}
func (silent) Errorf(string, ...any) {}

// get reads an object, with what hangs on it in place of ids. member is called for
// each member of the answer, and again from the first on if the answer broke off:
// it must set what it reads, not add to it.
func (c *Client) get(ctx context.Context, path string, expand []string, member func(*reader, []byte)) error {
	query := &form.Values{}
	for i, e := range expand {
		query.Add(fmt.Sprintf("expand[%d]", i), e)
	}
	return c.call(ctx, http.MethodGet, path, query, "", member)
}

// post sends params under an idempotency key.
func (c *Client) post(ctx context.Context, path, key string, params any, member func(*reader, []byte)) error {
	body := &form.Values{}
	form.AppendTo(body, params)
	return c.call(ctx, http.MethodPost, path, body, key, member)
}

// call sends a request until there is an answer to go by, and translates what
// went wrong into the app's words. The values are written once, so every try
// sends the same bytes. (The library's own retries sleep through a caller's
// deadline and leave out POSTs that failed with 500 or 429.)
func (c *Client) call(ctx context.Context, method, path string, values *form.Values, key string, member func(*reader, []byte)) error {
	what, began := operation(method, path), time.Now()
	ctx, span := c.tracer.Start(ctx, "stripe "+what, trace.WithSpanKind(trace.SpanKindClient))
	defer span.End()
	err := c.insist(ctx, method, path, values, key, member)
	if err != nil {
		span.SetStatus(codes.Error, outcome(err))
	}
	c.metrics.took.WithLabelValues(what, outcome(err)).Observe(time.Since(began).Seconds())
	return err
}

// insist tries.
func (c *Client) insist(ctx context.Context, method, path string, values *form.Values, key string, member func(*reader, []byte)) error {
	content, address := values.Encode(), path
	if method == http.MethodGet && content != "" {
		content, address = "", path+"?"+content
	}
	for try := 1; ; try++ {
		err := c.send(ctx, method, address, key, content, member)
		if err == nil {
			return nil
		}
		answer, again := judge(method, err)
		if !again || try == tries || ctx.Err() != nil {
			return fmt.Errorf("%s %s: %w", method, path, answer)
		}
		// Half of the pause is chance, so that many clients do not come back at once.
		pause := firstPause << (try - 1)
		timer := time.NewTimer(pause/2 + rand.N(pause/2)) //nolint:gosec // jitter, not a secret
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%s %s: %w", method, path, answer)
		case <-timer.C:
		}
	}
}

// send is one try. The library writes the request and reads what is an error; what
// is not, it would decode three times over, and we want little of it.
func (c *Client) send(ctx context.Context, method, address, key, content string, member func(*reader, []byte)) error {
	params := &stripe.Params{Context: ctx}
	if key != "" {
		params.IdempotencyKey = stripe.String(key)
	}
	request, err := c.backend.NewRequest(method, address, c.key.Reveal(), "application/x-www-form-urlencoded", params)
	if err != nil {
		return err
	}
	// In it the library tells Stripe our host's name and kernel.
	request.Header.Del("X-Stripe-Client-User-Agent")
	if content != "" {
		request.ContentLength = int64(len(content))
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }
		request.Body, _ = request.GetBody()
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	c.metrics.told(response.Header, time.Now())
	answer := bytes.NewBuffer(make([]byte, 0, min(max(response.ContentLength, 0), largestGuess)+bytes.MinRead))
	_, err = answer.ReadFrom(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return c.backend.ResponseToError(response, answer.Bytes())
	}
	return whole(answer.Bytes(), member)
}

// judge translates an error and tells whether the same request may be sent
// again. Stripe's message is left out: it can quote the donor's address.
func judge(method string, err error) (answer error, again bool) {
	var failure *stripe.Error
	if !errors.As(err, &failure) {
		// No answer, half an answer, or one that is not Stripe's (a proxy's page).
		return fmt.Errorf("%w: %s", app.ErrStripeAway, kindOf(err)), true
	}
	what := fmt.Sprintf("status %d, type %s, code %s, param %s, request %s",
		failure.HTTPStatusCode, failure.Type, failure.Code, failure.Param, failure.RequestID)
	status := failure.HTTPStatusCode
	switch {
	case status == http.StatusConflict:
		// The same request is still being worked on, perhaps one that we gave up waiting
		// for: it is no answer yet. Stripe gives it either type, and under a new key the
		// money would go out twice.
		return fmt.Errorf("%w: %s", app.ErrStripeAway, what), true
	case failure.Type == stripe.ErrorTypeIdempotency:
		return fmt.Errorf("%w: %s", app.ErrKeyUsedUp, what), false
	case status >= 500 && method == http.MethodPost && replayed(failure):
		// The first answer is kept under the key, failures too: it will never
		// change.
		return fmt.Errorf("%w: %s", app.ErrKeyUsedUp, what), false
	case status >= 500, status == http.StatusTooManyRequests:
		return fmt.Errorf("%w: %s", app.ErrStripeAway, what), true
	case status == http.StatusNotFound, failure.Code == stripe.ErrorCodeResourceMissing:
		return fmt.Errorf("%w: %s", app.ErrStripeUnknown, what), false
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		// A wrong key is for the operator to mend; the same may work afterwards.
		return fmt.Errorf("%w: %s", app.ErrStripeAway, what), false
	}
	return &app.RefusedError{Code: string(failure.Code), Param: failure.Param}, false
}

func replayed(failure *stripe.Error) bool {
	return failure.LastResponse != nil && failure.LastResponse.Header.Get("Idempotent-Replayed") == "true"
}

// kindOf names an error of the transport without its text, which may hold a
// sample of the body.
func kindOf(err error) string {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, context.Canceled):
		return "the caller went away"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	}
	return fmt.Sprintf("no readable answer (%T)", err)
}
