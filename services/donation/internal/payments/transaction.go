package payments

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/form"

	"github.com/almoner/almoner/services/donation/internal/app"
)

// pageSize is the most that Stripe gives at a time.
const pageSize = 100

// transaction is what we read of a balance transaction. The rate is kept as
// Stripe wrote it: as a number it would lose digits.
type transaction struct {
	ID           string          `json:"id"`
	Type         string          `json:"type"`
	Category     string          `json:"reporting_category"`
	Amount       int64           `json:"amount"`
	Fee          int64           `json:"fee"`
	Net          int64           `json:"net"`
	Currency     string          `json:"currency"`
	Created      int64           `json:"created"`
	ExchangeRate json.RawMessage `json:"exchange_rate"`
	Source       chargeRef       `json:"source"`
	FeeDetails   []struct {
		Type        string `json:"type"`
		Amount      int64  `json:"amount"`
		Currency    string `json:"currency"`
		Description string `json:"description"`
	} `json:"fee_details"`
}

// TransactionsBefore answers the page that comes right before id in Stripe's
// list, which is newest first: the next newer ones. It turns the page around.
func (c *Client) TransactionsBefore(ctx context.Context, id string) ([]app.Transaction, bool, error) {
	page, more, err := c.transactions(ctx, "ending_before", id)
	slices.Reverse(page)
	return page, more, err
}

// TransactionsAfter answers the page behind id, newest first, or the newest.
func (c *Client) TransactionsAfter(ctx context.Context, id string) ([]app.Transaction, bool, error) {
	return c.transactions(ctx, "starting_after", id)
}

func (c *Client) transactions(ctx context.Context, side, id string) ([]app.Transaction, bool, error) {
	query := &form.Values{}
	query.Add("expand[0]", "data.source")
	query.Add("limit", strconv.Itoa(pageSize))
	if id != "" {
		query.Add(side, id)
	}
	var out struct {
		stripe.APIResource
		Data    []transaction `json:"data"`
		HasMore bool          `json:"has_more"`
	}
	err := c.call(ctx, http.MethodGet, "/v1/balance_transactions", query, "", &out)
	if err != nil {
		return nil, false, err
	}
	page := make([]app.Transaction, len(out.Data))
	for i := range out.Data {
		page[i] = out.Data[i].read()
	}
	return page, out.HasMore, nil
}

func (t *transaction) read() app.Transaction {
	in := func(minor int64) app.Money { return app.Money{Minor: minor, Currency: code(t.Currency)} }
	out := app.Transaction{
		ID: t.ID, Type: t.Type, Category: t.Category, Amount: in(t.Amount), Fee: in(t.Fee), Net: in(t.Net),
		SourceID: t.Source.ID, CreatedAt: t.Created * 1_000_000,
	}
	if rate := string(t.ExchangeRate); rate != "null" {
		out.ExchangeRate = rate
	}
	for _, f := range t.FeeDetails {
		out.FeeDetails = append(out.FeeDetails, app.FeeDetail{
			Type: f.Type, Amount: app.Money{Minor: f.Amount, Currency: code(f.Currency)}, Description: f.Description,
		})
	}
	if source := t.Source.Object; source != nil {
		out.PaymentIntentID = source.Intent.ID
		out.Ours = source.Object == "charge" && source.Metadata[metaMark] != ""
		if source.Currency != "" {
			out.SourceAmount = app.Money{Minor: source.Amount, Currency: code(source.Currency)}
		}
	}
	return out
}

// Balance answers what the account holds, ordered by currency.
func (c *Client) Balance(ctx context.Context) ([]app.Balance, error) {
	type part struct {
		Amount   int64  `json:"amount"`
		Currency string `json:"currency"`
	}
	var out struct {
		stripe.APIResource
		Available []part `json:"available"`
		Pending   []part `json:"pending"`
		Reserved  []part `json:"connect_reserved"`
	}
	err := c.get(ctx, "/v1/balance", nil, &out)
	if err != nil {
		return nil, err
	}
	sums := map[string]*app.Balance{}
	of := func(currency string) *app.Balance {
		name := code(currency)
		if sums[name] == nil {
			sums[name] = &app.Balance{Currency: name}
		}
		return sums[name]
	}
	for _, p := range slices.Concat(out.Available, out.Pending) {
		of(p.Currency).Minor += p.Amount
	}
	for _, p := range out.Reserved {
		of(p.Currency).Reserved += p.Amount
	}
	list := make([]app.Balance, 0, len(sums))
	for _, b := range sums {
		list = append(list, *b)
	}
	slices.SortFunc(list, func(a, b app.Balance) int { return strings.Compare(a.Currency, b.Currency) })
	return list, nil
}
