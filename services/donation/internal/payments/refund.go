package payments

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/form"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
)

// returned reads what a refund, a dispute or a charge says about money that goes back.
func (o *object) returned() *app.Return {
	// A currency we don't know stays the zero value: it is no gift's currency.
	currency, _ := money.ParseCurrency(o.Currency)
	out := &app.Return{ObjectID: o.ID, PaymentID: o.Intent.ID, ChargeID: o.Charge.ID}
	amount := money.Amount{Minor: o.Amount, Currency: currency}
	switch o.Kind {
	case "refund":
		out.Refunds = []domain.Refund{{
			ID: o.ID, RequestID: o.Request, ChargeID: o.Charge.ID, PaymentID: o.Intent.ID, Amount: amount,
			Status: domain.RefundStatus(o.Status), Reason: o.Reason, Failure: o.FailureReason, MadeAt: o.Created * 1_000_000,
		}}
	case "dispute":
		out.Dispute = &domain.Dispute{
			ID: o.ID, ChargeID: o.Charge.ID, PaymentID: o.Intent.ID, Amount: amount, Status: domain.DisputeStatus(o.Status),
			Reason: o.Reason, EvidenceDueAt: o.EvidenceDue, CreatedAt: o.Created * 1_000_000,
		}
	case "charge":
		out.ChargeID, out.Sum = o.ID, &amount
		out.Sum.Minor = o.AmountRefunded
	}
	return out
}

// CreateRefund gives back. The request is made of nothing but what is stored, so
// that it is the same each time.
func (c *Client) CreateRefund(ctx context.Context, r domain.Refund) (app.Return, error) {
	key := "re:" + r.RequestID
	if r.Request.Attempt > 1 {
		key += ":" + strconv.FormatInt(r.Request.Attempt, 10)
	}
	params := &stripe.RefundParams{
		PaymentIntent: stripe.String(r.PaymentID), Amount: stripe.Int64(r.Amount.Minor), Reason: stripe.String(r.Reason),
		Metadata: map[string]string{metaMark: metaMarkValue, metaDonation: r.Donation, metaRefund: r.RequestID},
	}
	var out object
	err := c.post(ctx, "/v1/refunds", key, params, out.read)
	if err != nil {
		return app.Return{}, err
	}
	return *out.returned(), nil
}

// Return fetches a refund, a dispute or a charge.
func (c *Client) Return(ctx context.Context, id string) (app.Return, error) {
	paths := map[string]string{
		"re": "/v1/refunds/", "pyr": "/v1/refunds/", "dp": "/v1/disputes/", "du": "/v1/disputes/", "ch": "/v1/charges/", "py": "/v1/charges/",
	}
	prefix, _, _ := strings.Cut(id, "_")
	path, known := paths[prefix]
	if !known {
		return app.Return{}, fmt.Errorf("fetch %s: %w", id, app.ErrStripeUnknown)
	}
	var out object
	err := c.get(ctx, path+url.PathEscape(id), nil, out.read)
	if err != nil {
		return app.Return{}, err
	}
	return *out.returned(), nil
}

// RefundsOf answers all refunds of a payment.
func (c *Client) RefundsOf(ctx context.Context, paymentID string) ([]domain.Refund, error) {
	var list []domain.Refund
	for more, after := true, ""; more; {
		query := &form.Values{}
		query.Add("payment_intent", paymentID)
		page, again, err := c.page(ctx, "/v1/refunds", query, after)
		if err != nil {
			return nil, err
		}
		for i := range page {
			list = append(list, page[i].returned().Refunds...)
			after = page[i].ID
		}
		more = again && len(page) > 0
	}
	return list, nil
}

// RefundsSince and DisputesSince page through what was made since a time, in unix
// seconds, the newest first; an empty id begins.
func (c *Client) RefundsSince(ctx context.Context, since int64, after string) ([]app.Return, bool, error) {
	return c.returnsSince(ctx, "/v1/refunds", since, after)
}

// DisputesSince is RefundsSince for disputes.
func (c *Client) DisputesSince(ctx context.Context, since int64, after string) ([]app.Return, bool, error) {
	return c.returnsSince(ctx, "/v1/disputes", since, after)
}

func (c *Client) returnsSince(ctx context.Context, path string, since int64, after string) ([]app.Return, bool, error) {
	query := &form.Values{}
	query.Add("created[gte]", strconv.FormatInt(since, 10))
	page, more, err := c.page(ctx, path, query, after)
	list := make([]app.Return, len(page))
	for i := range page {
		list[i] = *page[i].returned()
	}
	return list, more, err
}

// page reads one page of a list.
func (c *Client) page(ctx context.Context, path string, query *form.Values, after string) (page []object, more bool, err error) {
	return pageOf(ctx, c, path, query, after, func(r *reader) (o object) {
		r.object(o.read)
		return o
	})
}

// UndeliveredEvents pages through events made since a time, in unix seconds, that
// Stripe could not deliver, the newest first. Of their objects the id alone is read:
// Stripe shows them in whichever version the account has.
func (c *Client) UndeliveredEvents(ctx context.Context, since int64, after string) (page []app.StripeEvent, more bool, err error) {
	query := &form.Values{}
	query.Add("delivery_success", "false")
	query.Add("created[gte]", strconv.FormatInt(since, 10))
	return pageOf(ctx, c, "/v1/events", query, after, func(r *reader) app.StripeEvent {
		var e event
		r.object(e.read)
		e.ObjectID = e.object.ID
		return e.StripeEvent
	})
}
