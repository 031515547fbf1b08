package payments

import (
	"context"
	"slices"
	"strings"

	"github.com/stripe/stripe-go/v76/form"

	"github.com/almoner/almoner/services/donation/internal/app"
)

// transaction reads a balance transaction.
type transaction struct {
	app.Transaction
	currency string
	source   ref
}

func (t *transaction) read(r *reader, name []byte) {
	switch string(name) {
	case "id":
		t.ID = r.string()
	case "type":
		t.Type = r.string()
	case "reporting_category":
		t.Category = r.string()
	case "amount":
		t.Amount.Minor = r.number()
	case "fee":
		t.Fee.Minor = r.number()
	case "net":
		t.Net.Minor = r.number()
	case "currency":
		t.currency = code(r.string())
	case "created":
		t.CreatedAt = r.number() * 1_000_000
	case "exchange_rate":
		// As Stripe wrote it: as a number it would lose digits.
		t.ExchangeRate = r.raw()
	case "source":
		t.source = r.ref()
	case "fee_details":
		r.list(func(r *reader) {
			var f app.FeeDetail
			r.object(func(r *reader, name []byte) {
				switch string(name) {
				case "type":
					f.Type = r.string()
				case "amount":
					f.Amount.Minor = r.number()
				case "currency":
					f.Amount.Currency = code(r.string())
				case "description":
					f.Description = r.string()
				default:
					r.skip()
				}
			})
			t.FeeDetails = append(t.FeeDetails, f)
		})
	default:
		r.skip()
	}
}

// whole is the transaction once everything of it has been read.
func (t *transaction) whole() app.Transaction {
	out := t.Transaction
	out.Amount.Currency, out.Fee.Currency, out.Net.Currency = t.currency, t.currency, t.currency
	out.SourceID = t.source.ID
	if source := t.source.Object; source != nil {
		out.PaymentIntentID = source.Intent.ID
		switch source.Kind {
		case "charge":
			out.InvoiceID = source.billing.Invoice.ID
			out.Ours = source.Ours && out.InvoiceID == ""
			out.ChargeID, out.PaymentMethod = source.ID, source.Method
		case "refund", "dispute":
			out.ChargeID, out.Return = source.Charge.ID, source.returned()
		}
		if source.Currency != "" {
			out.SourceAmount = app.Money{Minor: source.Amount, Currency: code(source.Currency)}
		}
	}
	return out
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
	if id != "" {
		query.Add(side, id)
	}
	return c.transactionPage(ctx, query)
}

func (c *Client) transactionPage(ctx context.Context, query *form.Values) ([]app.Transaction, bool, error) {
	return pageOf(ctx, c, "/v1/balance_transactions", query, "", func(r *reader) app.Transaction {
		var t transaction
		r.object(t.read)
		return t.whole()
	})
}

// Balance answers what the account holds, ordered by currency.
func (c *Client) Balance(ctx context.Context) ([]app.Balance, error) {
	var available, pending, reserved []object
	err := c.get(ctx, "/v1/balance", nil, func(r *reader, name []byte) {
		switch string(name) {
		case "available":
			available = r.objects()
		case "pending":
			pending = r.objects()
		case "connect_reserved":
			reserved = r.objects()
		default:
			r.skip()
		}
	})
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
	for _, p := range slices.Concat(available, pending) {
		of(p.Currency).Minor += p.Amount
	}
	for _, p := range reserved {
		of(p.Currency).Reserved += p.Amount
	}
	list := make([]app.Balance, 0, len(sums))
	for _, b := range sums {
		list = append(list, *b)
	}
	slices.SortFunc(list, func(a, b app.Balance) int { return strings.Compare(a.Currency, b.Currency) })
	return list, nil
}
