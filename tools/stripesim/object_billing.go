package stripesim

// The objects of recurring money, stored like all others: a new version
// replaces the old one, and nothing is changed in place. Their times follow the
// test clock of their customer, when it has one.

// Customer is somebody who pays again and again.
type Customer struct {
	ID               string            `json:"id"`
	Created          int64             `json:"created"`
	Email            string            `json:"email,omitempty"`
	Name             string            `json:"name,omitempty"`
	Phone            string            `json:"phone,omitempty"`
	Description      string            `json:"description,omitempty"`
	Address          map[string]string `json:"address,omitempty"`
	PreferredLocales []string          `json:"preferred_locales,omitempty"`
	// Currency is that of the first invoice; all later ones share it.
	Currency      string            `json:"currency,omitempty"`
	DefaultMethod string            `json:"default_payment_method,omitempty"`
	InvoicePrefix string            `json:"invoice_prefix"`
	Invoices      int64             `json:"invoices,omitempty"`
	Metadata      map[string]string `json:"metadata"`
	TestClock     string            `json:"test_clock,omitempty"`
	Deleted       bool              `json:"deleted,omitempty"`
}

// Product is what a price is the price of.
type Product struct {
	ID                  string            `json:"id"`
	Created             int64             `json:"created"`
	Updated             int64             `json:"updated"`
	Active              bool              `json:"active"`
	Name                string            `json:"name"`
	Description         string            `json:"description,omitempty"`
	StatementDescriptor string            `json:"statement_descriptor,omitempty"`
	UnitLabel           string            `json:"unit_label,omitempty"`
	URL                 string            `json:"url,omitempty"`
	DefaultPrice        string            `json:"default_price,omitempty"`
	Metadata            map[string]string `json:"metadata"`
}

// Price is an amount in minor units, once or at an interval.
type Price struct {
	ID          string            `json:"id"`
	Created     int64             `json:"created"`
	Active      bool              `json:"active"`
	Currency    string            `json:"currency"`
	UnitAmount  int64             `json:"unit_amount"`
	Product     string            `json:"product"`
	Recurring   *Recurring        `json:"recurring,omitempty"`
	Nickname    string            `json:"nickname,omitempty"`
	LookupKey   string            `json:"lookup_key,omitempty"`
	TaxBehavior string            `json:"tax_behavior,omitempty"`
	Metadata    map[string]string `json:"metadata"`
}

// Recurring is how often: every Count days, weeks, months or years.
type Recurring struct {
	Interval string `json:"interval"`
	Count    int64  `json:"interval_count"`
}
