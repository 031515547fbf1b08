package node

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/almoner/almoner/services/donation"
	"github.com/almoner/almoner/services/internal/platform/config"
	"github.com/almoner/almoner/tools/stripesim"
)

const (
	webhookPath  = "/webhooks/stripe"
	stripeURL    = "https://api.stripe.com"
	checkoutURL  = "https://checkout.stripe.com"
	dashboardURL = "https://dashboard.stripe.com"
	simulatorKey = "sk_test_simulator"
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
