package payments

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"

	"github.com/stripe/stripe-go/v76"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
)

// Metadata that we set on every object that Stripe lets us set it on: Stripe
// copies it from none to another, except from a payment intent to its charge.
const (
	metaMark         = "almoner"
	metaMarkValue    = "1"
	metaDonation     = "donation_id"
	metaOrganization = "organization_id"
	metaRefund       = "refund_request"
	metaRecord       = "gift"
	metaProof        = "gift_proof"
	// Of a monthly plan: which it is, and how what it charges is split.
	metaPlan  = "plan_id"
	metaGift  = "gift_minor"
	metaCover = "cover_minor"
)

// CreateSession asks for a hosted checkout page. The request is made of nothing
// but the stored gift and attempt, so that it is the same each time.
func (c *Client) CreateSession(ctx context.Context, r app.SessionRequest) (id, address string, err error) {
	d := r.Donation
	item := func(name string, minor int64) *stripe.CheckoutSessionLineItemParams {
		return &stripe.CheckoutSessionLineItemParams{
			Quantity: stripe.Int64(1),
			PriceData: &stripe.CheckoutSessionLineItemPriceDataParams{
				Currency:    stripe.String(d.Gift.Currency.StripeCode()),
				UnitAmount:  stripe.Int64(minor),
				ProductData: &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripe.String(name)},
				Recurring:   monthly(d),
			},
		}
	}
	metadata := map[string]string{
		metaMark: metaMarkValue, metaDonation: d.ID, metaOrganization: d.Attribution.OrganizationID,
	}
	// What the gift is goes where the money is and nowhere else: a payment, or a
	// subscription, is all that is left of a gift that was lost here.
	payment := maps.Clone(metadata)
	if r.Record != "" {
		payment[metaRecord], payment[metaProof] = r.Record, r.Proof
	}
	back := r.BaseURL + "/donations/" + d.ID
	params := &stripe.CheckoutSessionParams{
		Mode:               stripe.String(string(stripe.CheckoutSessionModePayment)),
		SubmitType:         stripe.String(string(stripe.CheckoutSessionSubmitTypeDonate)),
		PaymentMethodTypes: stripe.StringSlice(r.Methods),
		ClientReferenceID:  stripe.String(d.ID),
		CustomerEmail:      stripe.String(r.Email),
		ExpiresAt:          stripe.Int64(r.ExpiresAt),
		// The braces are Stripe's and must not be encoded.
		SuccessURL: stripe.String(back + "/thanks?session_id={CHECKOUT_SESSION_ID}"),
		CancelURL:  stripe.String(back + "/cancelled"),
		LineItems:  []*stripe.CheckoutSessionLineItemParams{item(d.ProductName, d.Gift.Minor)},
		Metadata:   metadata,
		PaymentIntentData: &stripe.CheckoutSessionPaymentIntentDataParams{
			Description: stripe.String(d.ProductName),
			Metadata:    payment,
		},
	}
	if d.PlanID != "" {
		subscribe(params, d)
	}
	if d.Cover.Minor > 0 {
		params.LineItems = append(params.LineItems, item("Towards the payment fee", d.Cover.Minor))
	}
	var out object
	err = c.post(ctx, "/v1/checkout/sessions", "cs:"+d.ID+":"+strconv.FormatInt(r.Attempt, 10), params, out.read)
	return out.ID, out.URL, err
}

// monthly is nil for a single gift.
func monthly(d domain.Donation) *stripe.CheckoutSessionLineItemPriceDataRecurringParams {
	if d.PlanID == "" {
		return nil
	}
	return &stripe.CheckoutSessionLineItemPriceDataRecurringParams{Interval: stripe.String("month")}
}

// subscribe turns the request for a payment into one for a subscription. The metadata
// of the subscription are copied onto each invoice, as they are when it is made.
func subscribe(params *stripe.CheckoutSessionParams, d domain.Donation) {
	params.Mode, params.SubmitType = stripe.String(string(stripe.CheckoutSessionModeSubscription)), nil
	params.Metadata[metaPlan] = d.PlanID
	metadata := maps.Clone(params.PaymentIntentData.Metadata)
	metadata[metaPlan] = d.PlanID
	metadata[metaGift] = strconv.FormatInt(d.Gift.Minor, 10)
	metadata[metaCover] = strconv.FormatInt(d.Cover.Minor, 10)
	params.PaymentIntentData = nil
	params.SubscriptionData = &stripe.CheckoutSessionSubscriptionDataParams{
		Description: stripe.String(d.ProductName),
		Metadata:    metadata,
	}
}

// ExpireSession makes an open session unpayable, however often it is asked.
func (c *Client) ExpireSession(ctx context.Context, id string) error {
	err := c.expire(ctx, id, "exp:"+id)
	if !errors.Is(err, app.ErrKeyUsedUp) {
		return err
	}
	// Whether it was done before the failure is for the second answer to tell: a
	// session that has expired is not open any more.
	return c.expire(ctx, id, "exp:"+id+":again")
}

func (c *Client) expire(ctx context.Context, id, key string) error {
	var out object
	err := c.post(ctx, "/v1/checkout/sessions/"+url.PathEscape(id)+"/expire", key, &stripe.CheckoutSessionExpireParams{}, out.read)
	var refused *app.RefusedError
	if errors.As(err, &refused) {
		// The request has no parameters that could be wrong: it is the status.
		return app.ErrNotOpen
	}
	return err
}

// Session fetches a session with its payment and charge, or with its subscription and
// that one's newest invoice.
func (c *Client) Session(ctx context.Context, id string) (app.Found, error) {
	return c.find(ctx, "/v1/checkout/sessions/"+url.PathEscape(id), "payment_intent.latest_charge", "subscription.latest_invoice.payment_intent")
}

// PaymentIntent fetches a payment with its charge.
func (c *Client) PaymentIntent(ctx context.Context, id string) (app.Found, error) {
	return c.find(ctx, "/v1/payment_intents/"+url.PathEscape(id), "latest_charge")
}

func (c *Client) find(ctx context.Context, path string, expand ...string) (app.Found, error) {
	var out object
	err := c.get(ctx, path, expand, out.read)
	if err != nil {
		return app.Found{}, err
	}
	found, says := out.found(0)
	if !says {
		return app.Found{}, fmt.Errorf("GET %s: %w: the answer is about something else", path, app.ErrStripeAway)
	}
	return found, nil
}

// AccountID asks whose key it is.
func (c *Client) AccountID(ctx context.Context) (string, error) {
	var out object
	err := c.get(ctx, "/v1/account", nil, out.read)
	if err == nil && out.ID == "" {
		err = errors.New("stripe named no account")
	}
	return out.ID, err
}
