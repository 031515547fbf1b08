package stripesim

// billingRows is the part of the dashboard that is about recurring money.
type billingRows struct {
	Plans                   []planRow
	Invoices                []invoiceRow
	PlanCount, InvoiceCount int
}

type (
	planRow struct {
		ID, Customer, Amount, Status, Next string
		FailNext                           int64
		Renews                             bool
	}
	invoiceRow struct {
		ID, Plan, Amount, Status, Reason, Next string
		Page                                   bool
	}
)

// billingRows reads the state; the caller holds the lock.
func (s *Server) billingRows() billingRows {
	st := s.state
	out := billingRows{PlanCount: len(st.plans.order), InvoiceCount: len(st.invoices.order)}
	for _, plan := range newest(&st.plans) {
		shown := s.portalPlan(plan)
		row := planRow{
			ID: plan.ID, Customer: plan.Customer, Amount: shown.Amount, Status: plan.Status, FailNext: plan.FailNext,
			Renews: !plan.ended() && plan.Status != planIncomplete,
		}
		if row.Renews {
			row.Next = dateOf(plan.PeriodEnd)
		}
		if plan.CancelAtPeriodEnd && row.Renews {
			row.Status += ", ends then"
		}
		out.Plans = append(out.Plans, row)
	}
	for _, invoice := range newest(&st.invoices) {
		row := invoiceRow{
			ID: invoice.ID, Plan: invoice.Subscription, Amount: money(invoice.Total, invoice.Currency), Status: invoice.Status,
			Reason: invoice.BillingReason, Page: invoice.Number != "",
		}
		if invoice.DueAt != 0 {
			row.Next = dateOf(invoice.DueAt)
		}
		out.Invoices = append(out.Invoices, row)
	}
	return out
}

// billingID is the id of an announced object of this part.
func billingID(object any) string {
	switch o := object.(type) {
	case *Customer:
		return o.ID
	case *InvoiceItem:
		return o.ID
	case *Product:
		return o.ID
	case *Price:
		return o.ID
	case *PaymentMethod:
		return o.ID
	case *Subscription:
		return o.ID
	case *Invoice:
		return o.ID
	case *FrozenClock:
		return o.ID
	}
	return ""
}
