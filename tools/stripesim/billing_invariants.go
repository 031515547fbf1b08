package stripesim

import "fmt"

// checkInvoices: an invoice is paid by exactly what its payment intent took.
func (st *state) checkInvoices() error {
	numbers := map[string]string{}
	for _, invoice := range st.invoices.all() {
		intent := st.intents.byID[invoice.PaymentIntent]
		took := intent != nil && intent.Status == intentSucceeded
		free := invoice.Total == 0 || invoice.PaidOutOfBand
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
		case intent != nil && (intent.Invoice != invoice.ID || intent.Amount != invoice.Total || intent.Currency != invoice.Currency):
			return fmt.Errorf("%s: differs from its payment intent %s", invoice.ID, intent.ID)
		case took && st.charges.byID[invoice.Charge].Status != chargeSucceeded:
			return fmt.Errorf("%s: paid, and its charge %s failed", invoice.ID, invoice.Charge)
		case (invoice.Status == invoiceDraft) != (invoice.Number == ""):
			return fmt.Errorf("%s: status %s and number %q", invoice.ID, invoice.Status, invoice.Number)
		case invoice.Number != "" && numbers[invoice.Number] != "":
			return fmt.Errorf("%s and %s have the same number", numbers[invoice.Number], invoice.ID)
		case invoice.DueAt != invoice.due():
			return fmt.Errorf("%s: due at %d, not at %d", invoice.ID, invoice.DueAt, invoice.due())
		}
		numbers[invoice.Number] = invoice.ID
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
