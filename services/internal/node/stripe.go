package node

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/almoner/almoner/services/donation"
	"github.com/almoner/almoner/services/internal/platform/config"
	"github.com/almoner/almoner/tools/stripesim"
)

const (
	webhookPath  = "/webhooks/stripe"
	stripeURL    = "https://api.stripe.com"
	checkoutURL  = "https://checkout.stripe.com"
	portalURL    = "https://billing.stripe.com"
	dashboardURL = "https://dashboard.stripe.com"
	simulatorKey = "sk_test_simulator"
	// stripeTimeout bounds one plain question; a start does not wait for longer.
	stripeTimeout = 5 * time.Second
)

// stripeAccount is how Stripe, or what stands in for it, is reached.
type stripeAccount struct {
	key            config.Secret
	url            string
	webhookSecrets []config.Secret
	// live says that the money is real. Where the key is not known, because another
	// process has it, production is live.
	live bool
	// client is nil for the network.
	client *http.Client
}

// checkoutOrigin is where the donor is sent: the only other origin that the
// donate form may lead to.
func (a stripeAccount) checkoutOrigin() string {
	if a.url == stripeURL {
		return checkoutURL
	}
	return a.url
}

// portalOrigin is where a donor changes the card of a monthly gift.
func (a stripeAccount) portalOrigin() string {
	if a.url == stripeURL {
		return portalURL
	}
	return a.url
}

// dashboard is where staff look at objects of Stripe. What stands in for Stripe
// shows them on its own page.
func (a stripeAccount) dashboard() string {
	switch {
	case a.url != stripeURL:
		return a.url + "/_sim"
	case a.live:
		return dashboardURL
	default:
		return dashboardURL + "/test"
	}
}

func configuredAccount(cfg Config) stripeAccount {
	account := stripeAccount{
		key: cfg.StripeKey, url: cfg.StripeURL, webhookSecrets: cfg.WebhookSecrets, live: cfg.Environment == production,
	}
	if account.key.IsSet() {
		account.live = strings.Contains(account.key.Reveal(), "_live_")
	}
	if account.url == "" {
		account.url = stripeURL
	}
	return account
}

// simulatedAccount sets up the endpoint that the simulator sends webhooks to. The
// address of the site may have changed since the last start; the endpoint is then
// another one with a secret of its own.
func simulatedAccount(simulator *stripesim.Server, url, webhookURL string) (stripeAccount, error) {
	secret, err := simulator.EnsureWebhookEndpoint(webhookURL, donation.WebhookEvents(), StripeAPIVersion)
	if err != nil {
		return stripeAccount{}, fmt.Errorf("set up the simulator's webhook endpoint: %w", err)
	}
	if secret == "" {
		return stripeAccount{}, errors.New("the simulator's webhook endpoint has no secret")
	}
	return stripeAccount{key: config.NewSecret(simulatorKey), url: url, webhookSecrets: []config.Secret{config.NewSecret(secret)}}, nil
}

// stripeAnswer is what a plain question to Stripe was answered with.
type stripeAnswer struct {
	status int
	header http.Header
	body   []byte
}

// largestAnswer is far more than all endpoints of an account.
const largestAnswer = 1 << 20

// ask puts a question that changes nothing. The service has a client of its own;
// this one is for finding out, before it is there, what is wrong.
func (a stripeAccount) ask(ctx context.Context, method, path string) (stripeAnswer, error) {
	return a.send(ctx, method, path, nil)
}

func (a stripeAccount) send(ctx context.Context, method, path string, form url.Values) (stripeAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, stripeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(a.url, "/")+path, strings.NewReader(form.Encode()))
	if err != nil {
		return stripeAnswer{}, fmt.Errorf("ask Stripe: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+a.key.Reveal())
	req.Header.Set("Stripe-Version", StripeAPIVersion)
	if len(form) > 0 {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := cmp.Or(a.client, http.DefaultClient).Do(req)
	if err != nil {
		return stripeAnswer{}, fmt.Errorf("ask Stripe: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, largestAnswer))
	if err != nil {
		return stripeAnswer{}, fmt.Errorf("ask Stripe: %w", err)
	}
	return stripeAnswer{resp.StatusCode, resp.Header, body}, nil
}

// date is when it was answered. HTTP cuts it to the second: half of one is added,
// to be as often late as early.
func (a stripeAnswer) date() (time.Time, error) {
	at, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		return time.Time{}, errors.New("the answer has no date")
	}
	return at.Add(wholeSecond / 2), nil
}

// checkKey asks whether Stripe knows the key. A restricted one may not be allowed
// to read the balance, which still shows that it is known.
func (a stripeAccount) checkKey(ctx context.Context) error {
	answer, err := a.ask(ctx, http.MethodGet, "/v1/balance")
	switch {
	case err != nil:
		return err
	case answer.status == http.StatusUnauthorized:
		return errors.New("STRIPE_SECRET_KEY: Stripe does not know this key")
	case answer.status == http.StatusForbidden:
		return errors.New("STRIPE_SECRET_KEY: this key may not read the balance, which the audit needs")
	case answer.status != http.StatusOK:
		return fmt.Errorf("ask Stripe: it answers %d", answer.status)
	}
	return nil
}

// errNoEndpoint says that a secret cannot be this account's.
var errNoEndpoint = errors.New("STRIPE_WEBHOOK_SECRETS: the live account has no webhook endpoint that ends in " + webhookPath +
	", so the secret is that of a test endpoint or of another account, and every webhook would be refused")

// checkEndpoint finds out whether the signing secret can belong to a live key: a
// secret does not tell its mode, but an account in live mode shows only its live
// endpoints. An error other than errNoEndpoint says that it could not be found out.
func (a stripeAccount) checkEndpoint(ctx context.Context) error {
	if !a.live {
		return nil // a test key's webhooks may come by way of Stripe's own command
	}
	answer, err := a.ask(ctx, http.MethodGet, "/v1/webhook_endpoints?limit=100")
	if err != nil {
		return err
	}
	if answer.status != http.StatusOK {
		return fmt.Errorf("look for the webhook endpoint: Stripe answers %d", answer.status)
	}
	var list struct {
		Data []struct {
			URL string `json:"url"`
		} `json:"data"`
	}
	err = json.Unmarshal(answer.body, &list)
	if err != nil {
		return fmt.Errorf("look for the webhook endpoint: %w", err)
	}
	for _, endpoint := range list.Data {
		// A proxy may have another host; the path is ours.
		if strings.HasSuffix(strings.TrimSuffix(endpoint.URL, "/"), webhookPath) {
			return nil
		}
	}
	return errNoEndpoint
}
