package conformance

import (
	"errors"
	"testing"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/almoner/almoner/tools/stripesim"
)

const aSociety = "type=standard&country=AT&email=office@society.example.org&business_type=non_profit" +
	"&business_profile[name]=Society of Austria&business_profile[url]=https://society.example.org&metadata[society]=at"

// connectedAccounts tells of gifts to two societies with an account each. Their
// events reach the same receiver, through an endpoint of the platform's.
func connectedAccounts(s *story) {
	austria := s.post("/v1/accounts", aSociety).text("id")
	left := s.post("/v1/accounts", "type=standard").text("id")
	s.get("/v1/accounts/"+austria, "")
	endpoint := s.post("/v1/webhook_endpoints", "connect=true&enabled_events[0]=*&url="+s.hook.url).text("id")
	s.acting = austria
	s.get("/v1/account", "")
	s.give("4242424242424242")
	s.get("/v1/events", "limit=3")
	s.get("/v1/balance", "")
	s.refused("GET", "/v1/accounts/"+left, "")
	s.refused("POST", "/v1/accounts", aSociety)
	s.acting = left
	s.give("4000000000009995")
	if s.err == nil {
		s.err = s.settle()
	}
	s.acting = ""
	s.delete("/v1/webhook_endpoints/" + endpoint)
	s.delete("/v1/accounts/" + left)
	s.refused("GET", "/v1/accounts/"+left, "")
}

// What stripe-go does in the name of a connected account happens there and nowhere
// else, and what it may not do is the error that it has a name for.
func TestActingForAnAccountInGo(t *testing.T) {
	t.Parallel()
	a := open(t, func(c *stripesim.Config) { c.Seed = 81 })
	api := stripeGo(a, 0)
	made, err := api.Accounts.New(&stripe.AccountParams{
		Type: stripe.String(string(stripe.AccountTypeStandard)), Country: stripe.String("AT"),
		BusinessProfile: &stripe.AccountBusinessProfileParams{Name: stripe.String("Society of Austria")},
	})
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := api.WebhookEndpoints.New(&stripe.WebhookEndpointParams{
		URL: stripe.String(a.hook.url), EnabledEvents: stripe.StringSlice([]string{"payment_intent.succeeded"}), Connect: stripe.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	params := &stripe.PaymentIntentParams{
		Amount: stripe.Int64(2500), Currency: stripe.String("eur"), Confirm: stripe.Bool(true), PaymentMethod: stripe.String("pm_card_visa"),
		ReturnURL: stripe.String("https://give.example.org/back"),
	}
	params.SetStripeAccount(made.ID)
	paid, err := api.PaymentIntents.New(params)
	if err != nil || paid.Status != stripe.PaymentIntentStatusSucceeded {
		t.Fatalf("pay: %v %v", paid, err)
	}
	var failure *stripe.Error
	_, err = api.PaymentIntents.Get(paid.ID, nil)
	if !errors.As(err, &failure) || failure.Code != stripe.ErrorCodeResourceMissing {
		t.Errorf("the platform sees it: %v", err)
	}
	look := &stripe.PaymentIntentParams{}
	look.SetStripeAccount("acct_1nobody")
	_, err = api.PaymentIntents.Get(paid.ID, look)
	if !errors.As(err, &failure) || failure.Code != stripe.ErrorCodeAccountInvalid || failure.HTTPStatusCode != 403 {
		t.Errorf("acting for nobody: %v", err)
	}
	list := &stripe.AccountListParams{}
	var listed []string
	for rows := api.Accounts.List(list); rows.Next(); {
		listed = append(listed, rows.Account().ID)
	}
	if len(listed) != 1 || listed[0] != made.ID {
		t.Errorf("listed %v", listed)
	}
	err = a.settle()
	if err != nil {
		t.Fatal(err)
	}
	got := a.hook.deliveries()
	if len(got) != 1 {
		t.Fatalf("%d webhooks", len(got))
	}
	event, err := webhook.ConstructEvent(got[0].raw, got[0].signature, endpoint.Secret)
	if err != nil || event.Account != made.ID || event.Type != "payment_intent.succeeded" {
		t.Errorf("the event %s of %q: %v", event.Type, event.Account, err)
	}
	gone, err := api.Accounts.Del(made.ID, nil)
	if err != nil || !gone.Deleted {
		t.Errorf("delete: %v", err)
	}
	_, err = api.Accounts.GetByID(made.ID, nil)
	if !errors.As(err, &failure) || failure.Code != stripe.ErrorCodeAccountInvalid {
		t.Errorf("a deleted account: %v", err)
	}
}

// The same through stripe-node.
func TestActingForAnAccountInNode(t *testing.T) {
	t.Parallel()
	runNode(t, open(t, func(c *stripesim.Config) { c.Seed = 82 }), "accounts.mjs")
}
