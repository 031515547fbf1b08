package payments

import (
	"context"
	"net/url"
	"strconv"

	"github.com/stripe/stripe-go/v76/form"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
)

// payout reads a payout.
type payout struct {
	domain.Payout
}

func (p *payout) read(r *reader, name []byte) {
	switch string(name) {
	case "id":
		p.ID = r.string()
	case "amount":
		p.Minor = r.number()
	case "currency":
		p.Currency = code(r.string())
	case "status":
		p.Status = domain.PayoutStatus(r.string())
	case "arrival_date":
		p.ArrivalAt = r.number() * 1_000_000
	case "created":
		p.CreatedAt = r.number() * 1_000_000
	case "automatic":
		p.Automatic = r.flag()
	case "failure_code":
		p.Failure = r.string()
	case "reconciliation_status":
		p.Complete = r.string() == "completed"
	default:
		r.skip()
	}
}

// Payout fetches a payout.
func (c *Client) Payout(ctx context.Context, id string) (domain.Payout, error) {
	var out payout
	err := c.get(ctx, "/v1/payouts/"+url.PathEscape(id), nil, out.read)
	return out.Payout, err
}

// PayoutsSince pages through payouts made since a time, in unix seconds, the newest
// first; an empty id begins.
func (c *Client) PayoutsSince(ctx context.Context, since int64, after string) (page []domain.Payout, more bool, err error) {
	query := &form.Values{}
	query.Add("created[gte]", strconv.FormatInt(since, 10))
	return pageOf(ctx, c, "/v1/payouts", query, after, func(r *reader) domain.Payout {
		var p payout
		r.object(p.read)
		return p.Payout
	})
}

// PayoutTransactions pages through what is in an automatic payout, its own
// transaction included. Of each source only the id is read.
func (c *Client) PayoutTransactions(ctx context.Context, payoutID, after string) ([]app.Transaction, bool, error) {
	query := &form.Values{}
	query.Add("payout", payoutID)
	if after != "" {
		query.Add("starting_after", after)
	}
	return c.transactionPage(ctx, query)
}
