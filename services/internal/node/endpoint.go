package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/almoner/almoner/services/donation"
	"github.com/almoner/almoner/services/internal/platform/config"
)

// StripeSetup is what was found at Stripe, or made there.
type StripeSetup struct {
	Checkup
	// Secret is that of an endpoint that was just made: Stripe shows it once. It is
	// empty for one that was there.
	Secret config.Secret
}

// permissions are what a restricted key has to be allowed, each with a question
// that a key without it is refused. That a key may write no question finds out
// without writing.
var permissions = []struct{ name, need, path string }{
	{"Account", "read", "/v1/account"},
	{"Balance", "read", "/v1/balance"},
	{"Balance transactions", "read", "/v1/balance_transactions?limit=1"},
	{"Charges", "read", "/v1/charges?limit=1"},
	{"Checkout sessions", "write", "/v1/checkout/sessions?limit=1"},
	{"Customers", "read", "/v1/customers?limit=1"},
	{"Customer portal", "write", "/v1/billing_portal/configurations?limit=1"},
	{"Disputes", "read", "/v1/disputes?limit=1"},
	{"Events", "read", "/v1/events?limit=1"},
	{"Invoices", "read", "/v1/invoices?limit=1"},
	{"Payment intents", "read", "/v1/payment_intents?limit=1"},
	{"Payouts", "read", "/v1/payouts?limit=1"},
	{"Refunds", "write", "/v1/refunds?limit=1"},
	{"Subscriptions", "write", "/v1/subscriptions?limit=1"},
	{"Webhook endpoints", "write, for this command only", "/v1/webhook_endpoints?limit=1"},
}

// SetUpStripe makes the webhook endpoint that the configured account needs, or brings
// the one of that address in line, and tries what the key may do. An empty address
// is that of the site. keep is given a new endpoint's secret before anything else
// can fail.
func SetUpStripe(ctx context.Context, environ []string, address string, keep func(config.Secret) error) (StripeSetup, error) {
	account, address, err := accountToSetUp(environ, address)
	if err != nil {
		return StripeSetup{}, err
	}
	setup := StripeSetup{}
	found, err := account.endpointAt(ctx, address)
	if err != nil {
		return StripeSetup{}, err
	}
	switch {
	case found == nil:
		found, err = account.makeEndpoint(ctx, address)
		if err == nil {
			setup.Secret = config.NewSecret(found.Secret)
			err = keep(setup.Secret)
		}
	case found.APIVersion != StripeAPIVersion:
		// Stripe has no way to change it; the findings say so.
	case found.Status != "enabled" || len(found.lacks()) > 0:
		found, err = account.mendEndpoint(ctx, *found)
	}
	if err != nil {
		return StripeSetup{}, err
	}
	setup.endpoint(found, address)
	setup.permissions(ctx, account)
	setup.portal(ctx, account)
	return setup, nil
}

// CheckStripe looks at the same, and changes nothing.
func CheckStripe(ctx context.Context, environ []string, address string) (Checkup, error) {
	account, address, err := accountToSetUp(environ, address)
	if err != nil {
		return Checkup{}, err
	}
	found, err := account.endpointAt(ctx, address)
	if err != nil {
		return Checkup{}, err
	}
	var c Checkup
	c.endpoint(found, address)
	c.permissions(ctx, account)
	c.portal(ctx, account)
	return c, nil
}

// accountToSetUp reads what is needed to speak to Stripe, and no more: before there is
// an endpoint there is no signing secret, without which nothing else starts.
func accountToSetUp(environ []string, address string) (stripeAccount, string, error) {
	// What is configured for the secret may be a file that this is to write.
	environ = slices.DeleteFunc(slices.Clone(environ), func(set string) bool { return strings.HasPrefix(set, "STRIPE_WEBHOOK_SECRETS") })
	cfg := Config{Target: []string{"donation"}}
	_, err := cfg.table().Read(environ)
	if err != nil {
		return stripeAccount{}, "", ConfigError{err}
	}
	live := strings.Contains(cfg.StripeKey.Reveal(), "_live_")
	switch {
	case !cfg.StripeKey.IsSet():
		err = errors.New("STRIPE_SECRET_KEY: is empty; the embedded simulator's endpoint is set up by the process itself")
	case live && cfg.StripeURL != "":
		err = errors.New("ALMONER_STRIPE_URL: is for test keys only")
	case live && cfg.Environment != production:
		err = errors.New("STRIPE_SECRET_KEY: is a live key; development refuses real money (set ALMONER_ENV=production)")
	}
	if err != nil {
		return stripeAccount{}, "", ConfigError{err}
	}
	if address == "" {
		base := cfg.BaseURL
		if base == "" {
			base = "http://" + cfg.HTTPAddr
		}
		address = strings.TrimSuffix(base, "/") + webhookPath
	}
	return configuredAccount(cfg), address, nil
}

// endpoint is a webhook endpoint as Stripe shows it.
type endpoint struct {
	ID            string   `json:"id"`
	URL           string   `json:"url"`
	Status        string   `json:"status"`
	APIVersion    string   `json:"api_version"`
	EnabledEvents []string `json:"enabled_events"`
	Secret        string   `json:"secret"`
}

// lacks are the events that are needed and would never come.
func (e endpoint) lacks() []string {
	if slices.Contains(e.EnabledEvents, "*") {
		return nil
	}
	return slices.DeleteFunc(donation.WebhookEvents(), func(event string) bool { return slices.Contains(e.EnabledEvents, event) })
}

// endpointAt finds the endpoint of an address; nil if there is none.
func (a stripeAccount) endpointAt(ctx context.Context, address string) (*endpoint, error) {
	var list struct {
		Data []endpoint `json:"data"`
	}
	// An account has sixteen at most.
	err := a.exchange(ctx, http.MethodGet, "/v1/webhook_endpoints?limit=100", nil, &list)
	if err != nil {
		return nil, fmt.Errorf("look for the webhook endpoint: %w", err)
	}
	for _, e := range list.Data {
		if e.URL == address {
			return &e, nil
		}
	}
	return nil, nil
}

// makeEndpoint sends no idempotency key: the answer that Stripe would keep under it
// is no use once the endpoint has been deleted.
func (a stripeAccount) makeEndpoint(ctx context.Context, address string) (*endpoint, error) {
	form := url.Values{"url": {address}, "api_version": {StripeAPIVersion}, "description": {"Almoner"}, "enabled_events[]": donation.WebhookEvents()}
	var made endpoint
	err := a.exchange(ctx, http.MethodPost, "/v1/webhook_endpoints", form, &made)
	if err != nil {
		return nil, fmt.Errorf("make the webhook endpoint: %w", err)
	}
	if made.Secret == "" {
		return nil, fmt.Errorf("make the webhook endpoint: Stripe showed no secret of %s", made.ID)
	}
	return &made, nil
}

// mendEndpoint turns it on and adds what it lacks. What it has beyond that stays:
// somebody asked for it.
func (a stripeAccount) mendEndpoint(ctx context.Context, e endpoint) (*endpoint, error) {
	form := url.Values{"disabled": {"false"}, "enabled_events[]": append(slices.Clone(e.EnabledEvents), e.lacks()...)}
	var mended endpoint
	err := a.exchange(ctx, http.MethodPost, "/v1/webhook_endpoints/"+url.PathEscape(e.ID), form, &mended)
	if err != nil {
		return nil, fmt.Errorf("bring the webhook endpoint in line: %w", err)
	}
	return &mended, nil
}

// exchange sends a request and reads its answer. What Stripe says in words is left
// out: it may quote the key.
func (a stripeAccount) exchange(ctx context.Context, method, path string, form url.Values, into any) error {
	answer, err := a.send(ctx, method, path, form)
	switch {
	case err != nil:
		return err
	case answer.status == http.StatusUnauthorized:
		return errors.New("STRIPE_SECRET_KEY: Stripe does not know this key")
	case answer.status == http.StatusForbidden:
		return errors.New("STRIPE_SECRET_KEY: this key may not do that")
	case answer.status != http.StatusOK:
		var refusal struct {
			Error struct{ Code, Param string } `json:"error"`
		}
		_ = json.Unmarshal(answer.body, &refusal) // a proxy's page has neither
		return fmt.Errorf("ask Stripe: it answers %d %s %s", answer.status, refusal.Error.Code, refusal.Error.Param)
	}
	return json.Unmarshal(answer.body, into)
}

// endpoint adds what is to be said about it.
func (c *Checkup) endpoint(e *endpoint, address string) {
	const about = "webhook endpoint"
	if e == nil {
		c.add(about, "", fmt.Errorf("there is none at %s; `almoner stripe setup` makes it", address))
		return
	}
	c.add(about, e.ID+" at "+address, nil)
	var err error
	if e.APIVersion != StripeAPIVersion {
		err = fmt.Errorf("%q instead of %s, which Stripe cannot change; delete the endpoint in the Dashboard and set it up again", e.APIVersion, StripeAPIVersion)
	}
	c.add("its API version", StripeAPIVersion, err)
	err = nil
	if e.Status != "enabled" {
		err = fmt.Errorf("%s; `almoner stripe setup` turns it on", e.Status)
	}
	c.add("its status", e.Status, err)
	err = nil
	if lacks := e.lacks(); len(lacks) > 0 {
		err = fmt.Errorf("never sends %s; `almoner stripe setup` adds them", strings.Join(lacks, ", "))
	}
	c.add("its events", fmt.Sprintf("all %d that are read", len(donation.WebhookEvents())), err)
}

// permissions adds a line for each.
func (c *Checkup) permissions(ctx context.Context, account stripeAccount) {
	for _, p := range permissions {
		answer, err := account.ask(ctx, http.MethodGet, p.path)
		switch {
		case err != nil:
		case answer.status == http.StatusForbidden, answer.status == http.StatusUnauthorized:
			err = fmt.Errorf("the key may not; it needs: %s", p.need)
		case answer.status != http.StatusOK:
			err = fmt.Errorf("ask Stripe: it answers %d", answer.status)
		}
		c.add(p.name, "can be read (needed: "+p.need+")", err)
	}
}

// portal adds whether donors get to Stripe's page for another card. Stripe opens it for
// nobody before its settings were saved once, in each mode, and shows what they allow.
func (c *Checkup) portal(ctx context.Context, account stripeAccount) {
	var list struct {
		Data []struct {
			Features struct {
				Card struct {
					Enabled bool `json:"enabled"`
				} `json:"payment_method_update"`
			} `json:"features"`
		} `json:"data"`
	}
	err := account.exchange(ctx, http.MethodGet, "/v1/billing_portal/configurations?active=true&is_default=true&limit=1", nil, &list)
	switch {
	case err != nil:
		err = fmt.Errorf("look for the customer portal's settings: %w", err)
	case len(list.Data) == 0:
		err = errors.New("were never saved, so nobody can change the card of a monthly gift; save them once in the Dashboard (Settings, Billing, Customer portal)")
	case !list.Data[0].Features.Card.Enabled:
		err = errors.New("do not let customers update payment methods, so nobody can change the card of a monthly gift; turn it on in the Dashboard")
	}
	c.add("customer portal's settings", "cards of monthly gifts can be changed", err)
}
