package stripesim

const (
	balanceApplied  = "applied_to_invoice"
	balanceTooSmall = "invoice_too_small"
	balanceReturned = "unapplied_from_invoice"
)

// BalanceEntry is one change of a customer's balance: negative is credit for the
// customer, positive is owed. Amounts are in minor units of the customer's currency.
type BalanceEntry struct {
	ID            string `json:"id"`
	Created       int64  `json:"created"`
	Customer      string `json:"customer"`
	Amount        int64  `json:"amount"`
	EndingBalance int64  `json:"ending_balance"`
	Currency      string `json:"currency"`
	Type          string `json:"type"`
	Invoice       string `json:"invoice"`
}

// amountDue is what is to be charged. A draft shows what it would be now; a final
// invoice has used the customer's balance, or left something on it.
func (i *Invoice) amountDue() int64 {
	if i.Status == invoiceDraft {
		return chargeable(i.StartingBalance+i.Total, i.Currency)
	}
	return i.Total + i.StartingBalance - i.EndingBalance
}

// chargeable is nothing when an amount is below what can be charged.
func chargeable(amount int64, currency string) int64 {
	if amount < minimum(currency) {
		return 0
	}
	return amount
}

// useBalance settles a final invoice with the customer's balance: credit is used up
// first, and what cannot be charged waits there for the next invoice.
func (t *tx) useBalance(invoice *Invoice) {
	customer := t.customer(invoice.Customer)
	if customer.Currency != invoice.Currency {
		return
	}
	due := chargeable(customer.Balance+invoice.Total, invoice.Currency)
	invoice.StartingBalance = customer.Balance
	invoice.EndingBalance = customer.Balance + invoice.Total - due
	kind := balanceApplied
	if due == 0 && invoice.EndingBalance > 0 {
		kind = balanceTooSmall
	}
	t.moveBalance(invoice, invoice.EndingBalance-invoice.StartingBalance, kind)
}

// returnBalance undoes what an invoice used that will never be due.
func (t *tx) returnBalance(invoice *Invoice) {
	t.moveBalance(invoice, invoice.StartingBalance-invoice.EndingBalance, balanceReturned)
}

func (t *tx) moveBalance(invoice *Invoice, amount int64, kind string) {
	if amount == 0 {
		return
	}
	customer := *t.customer(invoice.Customer)
	before := customer.Balance
	customer.Balance += amount
	t.putEntry(BalanceEntry{
		ID: t.newID("balance_entry"), Created: t.at(invoice.TestClock), Customer: customer.ID, Amount: amount,
		EndingBalance: customer.Balance, Currency: invoice.Currency, Type: kind, Invoice: invoice.ID,
	})
	t.putCustomer(customer)
	t.emit("customer.updated", map[string]any{"balance": before})
}
