package payments

import (
	"context"
	"fmt"
	"net/http"

	"github.com/stripe/stripe-go/v76/form"

	"github.com/almoner/almoner/services/donation/internal/app"
)

// Keepsake reads what Stripe still has of a gift: the session that led to a payment,
// with the payment's own metadata. It is read apart from what is read of each
// gift, which has no use for it.
func (c *Client) Keepsake(ctx context.Context, paymentIntentID string) (app.Keepsake, error) {
	return c.keepsake(ctx, "payment_intent", paymentIntentID)
}

// PlanKeepsake reads what Stripe still has of a monthly plan: the session that began a
// subscription, with the subscription's own metadata.
func (c *Client) PlanKeepsake(ctx context.Context, subscriptionID string) (app.Keepsake, error) {
	return c.keepsake(ctx, "subscription", subscriptionID)
}

// keepsake reads the session that led to an object, with that object's metadata.
func (c *Client) keepsake(ctx context.Context, kind, id string) (app.Keepsake, error) {
	query := &form.Values{}
	query.Add(kind, id)
	query.Add("limit", "1")
	query.Add("expand[0]", "data."+kind)
	const path = "/v1/checkout/sessions"
	var kept app.Keepsake
	err := c.call(ctx, http.MethodGet, path, query, "", func(r *reader, name []byte) {
		if string(name) != "data" {
			r.skip()
			return
		}
		kept = app.Keepsake{}
		r.list(func(r *reader) {
			r.object(func(r *reader, name []byte) { readKeepsake(r, name, &kept) })
		})
	})
	if err == nil && kept.SessionID == "" {
		err = fmt.Errorf("%s of a %s: %w", path, kind, app.ErrStripeUnknown)
	}
	return kept, err
}

func readKeepsake(r *reader, name []byte, into *app.Keepsake) {
	switch string(name) {
	case "id":
		into.SessionID = r.string()
	case "created":
		into.CreatedAt = r.number() * 1_000_000
	case "customer_details":
		r.object(func(r *reader, name []byte) {
			switch string(name) {
			case "name":
				into.Name = r.string()
			case "email":
				into.Email = r.string()
			default:
				r.skip()
			}
		})
	case "payment_intent", "subscription": // null, an id, or the one that was asked for
		if r.next() != '{' {
			r.skip()
			return
		}
		r.object(func(r *reader, name []byte) {
			switch string(name) {
			case "description":
				into.ProductName = r.string()
			case "metadata":
				r.object(func(r *reader, name []byte) { readRecord(r, name, into) })
			default:
				r.skip()
			}
		})
	default:
		r.skip()
	}
}

func readRecord(r *reader, name []byte, into *app.Keepsake) {
	switch string(name) {
	case metaOrganization:
		into.Organization = r.string()
	case metaRecord:
		into.Record = r.string()
	case metaProof:
		into.Proof = r.string()
	default:
		r.skip()
	}
}
