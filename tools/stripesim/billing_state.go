package stripesim

// What the records say about recurring money. It hangs on the state, the
// transition and the views as one part, so that payments can be read without it.

type billingTables struct {
	customers table[Customer]
	products  table[Product]
	prices    table[Price]

	methodsOfCustomer map[string][]string
}

// billingPut is the part of a put that is about recurring money.
type billingPut struct {
	Customer *Customer `json:"customer,omitempty"`
	Product  *Product  `json:"product,omitempty"`
	Price    *Price    `json:"price,omitempty"`
}

func (p *billingPut) object() any {
	switch {
	case p.Customer != nil:
		return p.Customer
	case p.Product != nil:
		return p.Product
	case p.Price != nil:
		return p.Price
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
	}
}

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
}

// billingView finds the newest version of an object; nil when there is none.
type billingView interface {
	customer(id string) *Customer
	product(id string) *Product
	price(id string) *Price
}

func (t *tx) customer(id string) *Customer {
	return overlay(t.customers, t.s.state.customers.byID, id)
}
func (t *tx) product(id string) *Product { return overlay(t.products, t.s.state.products.byID, id) }
func (t *tx) price(id string) *Price     { return overlay(t.prices, t.s.state.prices.byID, id) }

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

func (r reader) customer(id string) *Customer { return r.customers.byID[id] }
func (r reader) product(id string) *Product   { return r.products.byID[id] }
func (r reader) price(id string) *Price       { return r.prices.byID[id] }

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
	}
	return nil
}
