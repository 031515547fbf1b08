package payments

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/stripe/stripe-go/v76/form"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
)

const (
	subscriptions = "/v1/subscriptions"
	invoices      = "/v1/invoices"
)

// Subscription fetches a subscription with its newest invoice and that one's payment.
func (c *Client) Subscription(ctx context.Context, id string) (app.Found, error) {
	return c.find(ctx, subscriptions+"/"+url.PathEscape(id), "latest_invoice.payment_intent")
}

// Invoice fetches an invoice with its payment, and its subscription as that one is.
func (c *Client) Invoice(ctx context.Context, id string) (app.Found, error) {
	return c.find(ctx, invoices+"/"+url.PathEscape(id), "payment_intent", "subscription.latest_invoice")
}

// InvoicesOf answers the newest invoices of a subscription.
func (c *Client) InvoicesOf(ctx context.Context, subscriptionID string) ([]app.Found, error) {
	query := &form.Values{}
	query.Add("subscription", subscriptionID)
	page, _, err := c.plans(ctx, invoices, query, "")
	return page, err
}

// Subscriptions pages through those made since, ended ones too.
func (c *Client) Subscriptions(ctx context.Context, since int64, after string) ([]app.Found, bool, error) {
	query := &form.Values{}
	query.Add("created[gte]", strconv.FormatInt(since/1_000_000, 10))
	query.Add("status", "all")
	return c.plans(ctx, subscriptions, query, after)
}

// plans reads a page of a list.
func (c *Client) plans(ctx context.Context, path string, query *form.Values, after string) ([]app.Found, bool, error) {
	return pageOf(ctx, c, path, query, after, func(r *reader) app.Found {
		var o object
		r.object(o.read)
		return o.plan()
	})
}

// ChangeAmount sets the prices of the items, from the next instalment on: nothing is
// charged or given back for the month that is running. The metadata say how the new
// sum is split, as those of the checkout did.
func (c *Client) ChangeAmount(ctx context.Context, key string, change app.AmountChange) error {
	s, values := change.Subscription, &form.Values{}
	gift, cover := giftAndCover(s)
	if gift == nil {
		return &app.RefusedError{Code: "subscription_without_items"}
	}
	price := func(at int, productID string, minor int64) {
		of := fmt.Sprintf("items[%d][price_data]", at)
		values.Add(of+"[currency]", change.Currency.StripeCode())
		values.Add(of+"[product]", productID)
		values.Add(of+"[recurring][interval]", "month")
		values.Add(of+"[unit_amount]", strconv.FormatInt(minor, 10))
		// In the Dashboard somebody may have made it several times the amount.
		values.Add(fmt.Sprintf("items[%d][quantity]", at), "1")
	}
	values.Add("items[0][id]", gift.ID)
	price(0, gift.ProductID, change.Parts.Gift)
	switch {
	case cover != nil && change.Parts.Cover > 0:
		values.Add("items[1][id]", cover.ID)
		price(1, cover.ProductID, change.Parts.Cover)
	case cover != nil:
		values.Add("items[1][id]", cover.ID)
		values.Add("items[1][deleted]", "true")
	case change.Parts.Cover > 0:
		// Stripe makes no product on the way here; the gift's own names what it is for.
		price(1, gift.ProductID, change.Parts.Cover)
	}
	values.Add("proration_behavior", "none")
	values.Add("metadata["+metaGift+"]", strconv.FormatInt(change.Parts.Gift, 10))
	values.Add("metadata["+metaCover+"]", strconv.FormatInt(change.Parts.Cover, 10))
	return c.changeSubscription(ctx, key, s.ID, values)
}

// giftAndCover tells the items apart: the cover is the one that has its amount, and
// of two that do not, the smaller.
func giftAndCover(s domain.Subscription) (gift, cover *domain.Item) {
	switch len(s.Items) {
	case 1:
		return &s.Items[0], nil
	case 2:
		first, second := &s.Items[0], &s.Items[1]
		agreed := s.Agreed.Cover > 0 && first.Minor != second.Minor
		if (agreed && first.Minor == s.Agreed.Cover) || (first.Minor < second.Minor && (!agreed || second.Minor != s.Agreed.Cover)) {
			return second, first
		}
		return first, second
	}
	return nil, nil
}

// PauseUntil voids what would be charged until then; 0 lets it go on.
func (c *Client) PauseUntil(ctx context.Context, key, subscriptionID string, until int64) error {
	values := &form.Values{}
	if until > 0 {
		values.Add("pause_collection[behavior]", "void")
		values.Add("pause_collection[resumes_at]", strconv.FormatInt(until/1_000_000, 10))
	} else {
		values.Add("pause_collection", "")
	}
	return c.changeSubscription(ctx, key, subscriptionID, values)
}

func (c *Client) changeSubscription(ctx context.Context, key, id string, values *form.Values) error {
	var out object
	return c.call(ctx, http.MethodPost, subscriptions+"/"+url.PathEscape(id), values, key, out.read)
}

// CancelSubscription ends a subscription at once. Stripe says of one that has ended
// that there is none; whether that is so is for a look at it to tell.
func (c *Client) CancelSubscription(ctx context.Context, key, subscriptionID string) error {
	var out object
	err := c.call(ctx, http.MethodDelete, subscriptions+"/"+url.PathEscape(subscriptionID), &form.Values{}, key, out.read)
	var refused *app.RefusedError
	if errors.Is(err, app.ErrStripeUnknown) || errors.As(err, &refused) {
		return nil
	}
	return err
}

// VoidInvoice makes an open invoice unpayable.
func (c *Client) VoidInvoice(ctx context.Context, key, id string) error {
	var out object
	err := c.call(ctx, http.MethodPost, invoices+"/"+url.PathEscape(id)+"/void", &form.Values{}, key, out.read)
	var refused *app.RefusedError
	if errors.As(err, &refused) {
		return nil // it is paid, or void already
	}
	return err
}
