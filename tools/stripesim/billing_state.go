package stripesim

import "slices"

// What the records say about recurring money. It hangs on the state, the
// transition and the views as one part, so that payments can be read without it.

type billingTables struct {
	customers table[Customer]
	products  table[Product]
	prices    table[Price]
	plans     table[Subscription]
	invoices  table[Invoice]
	portals   table[PortalSession]
	clocks    table[FrozenClock]
	settings  Settings
	items     table[InvoiceItem]
	entries   table[BalanceEntry]

	itemsOfPlan       map[string][]string
	invoicesOfPlan    map[string][]string
	methodsOfCustomer map[string][]string
	// clockTimers are those of each test clock, advancing the clocks under way.
	clockTimers map[string]*timerHeap
	advancing   map[string]bool
}

// billingPut is the part of a put that is about recurring money.
type billingPut struct {
	Customer *Customer      `json:"customer,omitempty"`
	Product  *Product       `json:"product,omitempty"`
	Price    *Price         `json:"price,omitempty"`
	Plan     *Subscription  `json:"sub,omitempty"`
	Invoice  *Invoice       `json:"invoice,omitempty"`
	Portal   *PortalSession `json:"portal,omitempty"`
	Clock    *FrozenClock   `json:"clock,omitempty"`
	Settings *Settings      `json:"settings,omitempty"`
	Item     *InvoiceItem   `json:"ii,omitempty"`
	Entry    *BalanceEntry  `json:"cbtxn,omitempty"`
}

func (p *billingPut) object() any {
	switch {
	case p.Customer != nil:
		return p.Customer
	case p.Product != nil:
		return p.Product
	case p.Price != nil:
		return p.Price
	case p.Plan != nil:
		return p.Plan
	case p.Invoice != nil:
		return p.Invoice
	case p.Clock != nil:
		return p.Clock
	case p.Item != nil:
		return p.Item
	}
	return nil
}

func (st *state) applyBilling(p *billingPut) {
	switch {
	case p.Customer != nil:
		st.customers.put(p.Customer.ID, p.Customer)
	case p.Product != nil:
		st.products.put(p.Product.ID, p.Product)
	case p.Price != nil:
		st.prices.put(p.Price.ID, p.Price)
	case p.Plan != nil:
		st.applyPlan(p.Plan)
	case p.Invoice != nil:
		st.applyInvoice(p.Invoice)
	case p.Portal != nil:
		st.portals.put(p.Portal.ID, p.Portal)
	case p.Clock != nil:
		st.applyClock(p.Clock)
	case p.Settings != nil:
		st.settings = *p.Settings
	case p.Item != nil:
		st.applyItem(p.Item)
	case p.Entry != nil:
		st.entries.put(p.Entry.ID, p.Entry)
	}
}

func (st *state) applyItem(item *InvoiceItem) {
	if st.items.byID[item.ID] == nil {
		if st.itemsOfPlan == nil {
			st.itemsOfPlan = make(map[string][]string)
		}
		st.itemsOfPlan[item.Subscription] = append(st.itemsOfPlan[item.Subscription], item.ID)
	}
	st.items.put(item.ID, item)
}

func (st *state) applyPlan(plan *Subscription) {
	old := st.plans.byID[plan.ID]
	if plan.DueAt != 0 && (old == nil || old.DueAt != plan.DueAt) {
		st.wake(plan.TestClock, timer{plan.DueAt, timerPlan, plan.ID})
	}
	st.plans.put(plan.ID, plan)
}

func (st *state) applyInvoice(invoice *Invoice) {
	old := st.invoices.byID[invoice.ID]
	if old == nil {
		if st.invoicesOfPlan == nil {
			st.invoicesOfPlan = make(map[string][]string)
		}
		st.invoicesOfPlan[invoice.Subscription] = append(st.invoicesOfPlan[invoice.Subscription], invoice.ID)
	}
	if invoice.DueAt != 0 && (old == nil || old.DueAt != invoice.DueAt) {
		st.wake(invoice.TestClock, timer{invoice.DueAt, timerInvoice, invoice.ID})
	}
	st.invoices.put(invoice.ID, invoice)
}

// What time does to plans and invoices. A timer counts only while its object
// still says that it is due then; a restart brings back old ones.
const (
	timerPlan    = "subscription"
	timerInvoice = "invoice"
)

// indexMethod keeps the payment methods of each customer in the order in which
// they came to it.
func (st *state) indexMethod(old, method *PaymentMethod) {
	before := ""
	if old != nil {
		before = old.Customer
	}
	if before == method.Customer {
		return
	}
	if st.methodsOfCustomer == nil {
		st.methodsOfCustomer = make(map[string][]string)
	}
	if before != "" {
		var kept []string
		for _, id := range st.methodsOfCustomer[before] {
			if id != method.ID {
				kept = append(kept, id)
			}
		}
		st.methodsOfCustomer[before] = kept
	}
	if method.Customer != "" {
		st.methodsOfCustomer[method.Customer] = append(st.methodsOfCustomer[method.Customer], method.ID)
	}
}

// billingChanges are the new versions of one transition.
type billingChanges struct {
	customers map[string]*Customer
	products  map[string]*Product
	prices    map[string]*Price
	plans     map[string]*Subscription
	invoices  map[string]*Invoice
	portals   map[string]*PortalSession
	clocks    map[string]*FrozenClock
	items     map[string]*InvoiceItem
	// drafted are the invoices that this transition made, by plan; charged the
	// invoice items.
	drafted map[string][]string
	charged map[string][]string
}

// billingView finds the newest version of an object; nil when there is none.
type billingView interface {
	customer(id string) *Customer
	product(id string) *Product
	price(id string) *Price
	plan(id string) *Subscription
	invoice(id string) *Invoice
	invoiceItem(id string) *InvoiceItem
	testClock(id string) *FrozenClock
	// country is that of the account.
	country() string
	accountName() string
	// portalConfiguration is the id of the one configuration of the portal.
	portalConfiguration() string
	accountSince() int64
}

func (t *tx) customer(id string) *Customer {
	return overlay(t.customers, t.s.state.customers.byID, id)
}
func (t *tx) product(id string) *Product { return overlay(t.products, t.s.state.products.byID, id) }
func (t *tx) price(id string) *Price     { return overlay(t.prices, t.s.state.prices.byID, id) }

func (t *tx) plan(id string) *Subscription { return overlay(t.plans, t.s.state.plans.byID, id) }
func (t *tx) invoice(id string) *Invoice   { return overlay(t.invoices, t.s.state.invoices.byID, id) }

func (t *tx) country() string { return t.s.cfg.Country }

func (t *tx) accountName() string { return t.s.name() }

func (t *tx) putPlan(v Subscription) *Subscription {
	v.DueAt = v.due()
	remember(&t.plans, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{billingPut: billingPut{Plan: &v}})
	return &v
}

func (t *tx) putInvoice(v Invoice) *Invoice {
	v.DueAt = v.due()
	if t.invoice(v.ID) == nil {
		if t.drafted == nil {
			t.drafted = make(map[string][]string)
		}
		t.drafted[v.Subscription] = append(t.drafted[v.Subscription], v.ID)
	}
	remember(&t.invoices, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{billingPut: billingPut{Invoice: &v}})
	return &v
}

func (t *tx) portal(id string) *PortalSession {
	return overlay(t.portals, t.s.state.portals.byID, id)
}

func (t *tx) putPortal(v PortalSession) *PortalSession {
	remember(&t.portals, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{billingPut: billingPut{Portal: &v}})
	return &v
}

func (t *tx) testClock(id string) *FrozenClock {
	return overlay(t.clocks, t.s.state.clocks.byID, id)
}

func (t *tx) putClock(v FrozenClock) *FrozenClock {
	remember(&t.clocks, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{billingPut: billingPut{Clock: &v}})
	return &v
}

// invoicesOf are all invoices of a plan, oldest first.
func (t *tx) invoicesOf(plan string) []*Invoice {
	var out []*Invoice
	for _, id := range append(slices.Clone(t.s.state.invoicesOfPlan[plan]), t.drafted[plan]...) {
		out = append(out, t.invoice(id))
	}
	return out
}

func (t *tx) invoiceItem(id string) *InvoiceItem {
	return overlay(t.items, t.s.state.items.byID, id)
}

func (t *tx) putInvoiceItem(v InvoiceItem) {
	if t.invoiceItem(v.ID) == nil {
		if t.charged == nil {
			t.charged = make(map[string][]string)
		}
		t.charged[v.Subscription] = append(t.charged[v.Subscription], v.ID)
	}
	remember(&t.items, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{billingPut: billingPut{Item: &v}})
}

// waiting are the items of a plan that no invoice has taken up, oldest first.
func (t *tx) waiting(plan string) []*InvoiceItem {
	var out []*InvoiceItem
	for _, id := range append(slices.Clone(t.s.state.itemsOfPlan[plan]), t.charged[plan]...) {
		if item := t.invoiceItem(id); item.Invoice == "" && !item.Deleted {
			out = append(out, item)
		}
	}
	return out
}

func (t *tx) putEntry(v BalanceEntry) {
	t.rec.Puts = append(t.rec.Puts, put{billingPut: billingPut{Entry: &v}})
}

func (t *tx) putCustomer(v Customer) *Customer {
	remember(&t.customers, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{billingPut: billingPut{Customer: &v}})
	return &v
}

func (t *tx) putProduct(v Product) *Product {
	remember(&t.products, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{billingPut: billingPut{Product: &v}})
	return &v
}

func (t *tx) putPrice(v Price) *Price {
	remember(&t.prices, v.ID, &v)
	t.rec.Puts = append(t.rec.Puts, put{billingPut: billingPut{Price: &v}})
	return &v
}

func (r reader) customer(id string) *Customer     { return r.customers.byID[id] }
func (r reader) product(id string) *Product       { return r.products.byID[id] }
func (r reader) price(id string) *Price           { return r.prices.byID[id] }
func (t *tx) accountSince() int64                 { return t.s.state.init.Created }
func (r reader) accountSince() int64              { return r.init.Created }
func (r reader) testClock(id string) *FrozenClock { return r.clocks.byID[id] }
func (r reader) country() string                  { return r.home }
func (r reader) accountName() string              { return r.name }
func (r reader) plan(id string) *Subscription     { return r.plans.byID[id] }
func (r reader) invoice(id string) *Invoice       { return r.invoices.byID[id] }
func (r reader) invoiceItem(id string) *InvoiceItem {
	return r.items.byID[id]
}

// renderBillingObject renders any announced version of an object of this part.
func renderBillingObject(v view, object any) map[string]any {
	switch o := object.(type) {
	case *Customer:
		return renderCustomerObject(o)
	case *Product:
		return renderProduct(o)
	case *Price:
		return renderPrice(o)
	case *PaymentMethod:
		return renderMethod(o)
	case *Subscription:
		return renderPlan(v, o)
	case *Invoice:
		return renderInvoice(v, o)
	case *InvoiceItem:
		return renderInvoiceItem(v, o)
	case *FrozenClock:
		return renderClock(o)
	}
	return nil
}
