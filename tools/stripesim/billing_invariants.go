package stripesim

import "fmt"

// checkInvoices: an invoice is paid by exactly what its payment intent took.
func (st *state) checkInvoices() error {
	numbers := map[string]string{}
	for _, invoice := range st.invoices.all() {
		intent := st.intents.byID[invoice.PaymentIntent]
		took := intent != nil && intent.Status == intentSucceeded
		free := invoice.amountDue() == 0 || invoice.PaidOutOfBand
		sum := int64(0)
		for _, line := range invoice.Lines {
			sum += line.Amount
		}
		switch {
		case sum != invoice.Total:
			return fmt.Errorf("%s: lines of %d and a total of %d", invoice.ID, sum, invoice.Total)
		case st.customers.byID[invoice.Customer] == nil || st.plans.byID[invoice.Subscription] == nil:
			return fmt.Errorf("%s: no customer %s or no plan %s", invoice.ID, invoice.Customer, invoice.Subscription)
		case (invoice.Status == invoicePaid) != (took || free && invoice.PaidAt != 0):
			return fmt.Errorf("%s: status %s, money taken %v", invoice.ID, invoice.Status, took)
		case intent != nil && (intent.Invoice != invoice.ID || intent.Amount != invoice.amountDue() || intent.Currency != invoice.Currency):
			return fmt.Errorf("%s: differs from its payment intent %s", invoice.ID, intent.ID)
		case took && st.charges.byID[invoice.Charge].Status != chargeSucceeded:
			return fmt.Errorf("%s: paid, and its charge %s failed", invoice.ID, invoice.Charge)
		case (invoice.Status == invoiceDraft) != (invoice.Number == ""):
			return fmt.Errorf("%s: status %s and number %q", invoice.ID, invoice.Status, invoice.Number)
		case invoice.Number != "" && numbers[invoice.Number] != "":
			return fmt.Errorf("%s and %s have the same number", numbers[invoice.Number], invoice.ID)
		case invoice.DueAt != invoice.due():
			return fmt.Errorf("%s: due at %d, not at %d", invoice.ID, invoice.DueAt, invoice.due())
		case invoice.amountDue() < 0:
			return fmt.Errorf("%s: less than nothing is due", invoice.ID)
		}
		numbers[invoice.Number] = invoice.ID
	}
	return nil
}

// checkItems: what was prorated is on one invoice, as it was made, or waits for one
// of a plan that goes on; and no period of a plan gives back more than it brought in.
func (st *state) checkItems() error {
	lines := map[string]*InvoiceLine{}
	for _, invoice := range st.invoices.all() {
		for i := range invoice.Lines {
			line := &invoice.Lines[i]
			if !line.Proration {
				continue
			}
			item := st.items.byID[line.InvoiceItem]
			if lines[line.InvoiceItem] != nil || item == nil || item.Invoice != invoice.ID || item.Amount != line.Amount || item.Currency != invoice.Currency {
				return fmt.Errorf("%s: its line %s is not the invoice item %s", invoice.ID, line.ID, line.InvoiceItem)
			}
			lines[line.InvoiceItem] = line
		}
	}
	for _, item := range st.items.all() {
		switch plan := st.plans.byID[item.Subscription]; {
		case plan == nil || plan.Customer != item.Customer || plan.Currency != item.Currency:
			return fmt.Errorf("%s: is not its plan's %s", item.ID, item.Subscription)
		case (item.Invoice != "") != (lines[item.ID] != nil):
			return fmt.Errorf("%s: not on its invoice %q", item.ID, item.Invoice)
		case item.Invoice != "" && item.Deleted:
			return fmt.Errorf("%s: removed, and on the invoice %s", item.ID, item.Invoice)
		}
	}
	return st.checkCredits()
}

// checkCredits: of each period of a plan at most what was paid is given back.
func (st *state) checkCredits() error {
	type period struct {
		plan string
		end  int64
	}
	left := map[period]int64{}
	for _, invoice := range st.invoices.all() {
		for _, line := range invoice.Lines {
			if invoice.Status == invoicePaid && line.Item != "" {
				left[period{invoice.Subscription, line.PeriodEnd}] += line.Amount
			}
		}
	}
	for _, item := range st.items.all() {
		if item.Invoice == "" && !item.Deleted {
			left[period{item.Subscription, item.PeriodEnd}] += item.Amount
		}
	}
	for of, amount := range left {
		if amount < 0 {
			return fmt.Errorf("%s: %d more given back than paid of the period that ends at %d", of.plan, -amount, of.end)
		}
	}
	return nil
}

// checkCustomerBalances: each balance is the sum of its entries, and each invoice's
// use of it is one of them.
func (st *state) checkCustomerBalances() error {
	sums, used := map[string]int64{}, map[string]int64{}
	for _, entry := range st.entries.all() {
		sums[entry.Customer] += entry.Amount
		used[entry.Invoice] += entry.Amount
		if entry.EndingBalance != sums[entry.Customer] {
			return fmt.Errorf("%s: ends at %d, not at %d", entry.ID, entry.EndingBalance, sums[entry.Customer])
		}
	}
	for _, customer := range st.customers.all() {
		if customer.Balance != sums[customer.ID] {
			return fmt.Errorf("%s: balance %d, entries of %d", customer.ID, customer.Balance, sums[customer.ID])
		}
	}
	for _, invoice := range st.invoices.all() {
		want := invoice.EndingBalance - invoice.StartingBalance
		if invoice.Status == invoiceDraft || invoice.Status == invoiceVoid {
			want = 0
		}
		if used[invoice.ID] != want {
			return fmt.Errorf("%s: %s, moved the balance by %d and not by %d", invoice.ID, invoice.Status, used[invoice.ID], want)
		}
	}
	return nil
}

// checkPlans: an ended plan charges no more, a live one has a period that ends.
func (st *state) checkPlans() error {
	for _, plan := range st.plans.all() {
		latest := st.invoices.byID[plan.LatestInvoice]
		switch {
		case latest == nil || latest.Subscription != plan.ID:
			return fmt.Errorf("%s: its latest invoice %s is not its own", plan.ID, plan.LatestInvoice)
		case latest.Status == invoicePaid && (plan.Status == planPastDue || plan.Status == planUnpaid):
			return fmt.Errorf("%s: status %s, and its latest invoice %s is paid", plan.ID, plan.Status, latest.ID)
		case plan.PeriodEnd <= plan.PeriodStart || plan.Recurring.boundary(plan.Anchor, plan.Cycle+1) != plan.PeriodEnd:
			return fmt.Errorf("%s: period %d from %d to %d", plan.ID, plan.Cycle, plan.PeriodStart, plan.PeriodEnd)
		case plan.ended() != (plan.EndedAt != 0) && plan.Status != planExpired:
			return fmt.Errorf("%s: status %s, ended at %d", plan.ID, plan.Status, plan.EndedAt)
		case plan.DueAt != plan.due():
			return fmt.Errorf("%s: due at %d, not at %d", plan.ID, plan.DueAt, plan.due())
		case plan.DefaultMethod != "" && st.methods.byID[plan.DefaultMethod].Customer != plan.Customer && !plan.ended():
			return fmt.Errorf("%s: its card %s is another's", plan.ID, plan.DefaultMethod)
		}
		for _, id := range st.invoicesOfPlan[plan.ID] {
			if plan.ended() && st.invoices.byID[id].DueAt != 0 {
				return fmt.Errorf("%s: ended, and %s will be charged", plan.ID, id)
			}
		}
	}
	return nil
}
