package stripesim

// The objects as they are stored: what can differ between two of a kind, under
// Stripe's names. Fields that are always null in this surface are added when an
// answer is rendered. A stored object is never changed in place: a new version
// replaces it, so that an event can point at the version it announced.

// Session is a Checkout Session.
type Session struct {
	ID                string            `json:"id"`
	Created           int64             `json:"created"`
	Status            string            `json:"status"`
	PaymentStatus     string            `json:"payment_status"`
	Currency          string            `json:"currency"`
	AmountTotal       int64             `json:"amount_total"`
	ExpiresAt         int64             `json:"expires_at"`
	SuccessURL        string            `json:"success_url"`
	CancelURL         string            `json:"cancel_url,omitempty"`
	ClientReferenceID string            `json:"client_reference_id,omitempty"`
	CustomerEmail     string            `json:"customer_email,omitempty"`
	SubmitType        string            `json:"submit_type,omitempty"`
	Locale            string            `json:"locale,omitempty"`
	BillingAddress    string            `json:"billing_address_collection,omitempty"`
	CustomText        map[string]string `json:"custom_text,omitempty"`
	PaymentIntent     string            `json:"payment_intent,omitempty"`
	Metadata          map[string]string `json:"metadata"`
	LineItems         []LineItem        `json:"line_items"`
	Intent            IntentParams      `json:"payment_intent_data"`
	// Methods are payment_method_types; empty means cards.
	Methods  []string `json:"payment_method_types,omitempty"`
	Customer *Billing `json:"customer_details,omitempty"`
	// Mode is empty for a payment.
	Mode       string      `json:"mode,omitempty"`
	CustomerID string      `json:"customer,omitempty"`
	Plan       string      `json:"subscription,omitempty"`
	Invoice    string      `json:"invoice,omitempty"`
	PlanData   *PlanParams `json:"subscription_data,omitempty"`
	// NewCustomer makes a customer of a donor who is none.
	NewCustomer bool `json:"new_customer,omitempty"`
	// Fields are what the session asks for beside the payment, with the answers.
	Fields []CustomField `json:"custom_fields,omitempty"`
	// Asked is what the donor may or must agree to, Given what the donor said.
	Asked *Consent `json:"consent_collection,omitempty"`
	Given *Consent `json:"consent,omitempty"`
	// Recoverable asks for a link to a new session should this one expire; it is
	// good until RecoverUntil, in unix seconds.
	Recoverable   bool   `json:"recoverable,omitempty"`
	RecoverUntil  int64  `json:"recover_until,omitempty"`
	RecoveredFrom string `json:"recovered_from,omitempty"`
}

// PlanParams is what subscription_data asks of the subscription to come.
type PlanParams struct {
	Description string            `json:"description,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
}

// IntentParams is what payment_intent_data asks of the payment intent to come.
type IntentParams struct {
	CaptureMethod       string            `json:"capture_method,omitempty"`
	Description         string            `json:"description,omitempty"`
	ReceiptEmail        string            `json:"receipt_email,omitempty"`
	StatementDescriptor string            `json:"statement_descriptor,omitempty"`
	StatementSuffix     string            `json:"statement_descriptor_suffix,omitempty"`
	Metadata            map[string]string `json:"metadata,omitempty"`
	FutureUsage         string            `json:"setup_future_usage,omitempty"`
}

// LineItem is one line of a session, with its inline price and product.
type LineItem struct {
	ID          string            `json:"id"`
	Price       string            `json:"price"`
	Product     string            `json:"product"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	TaxBehavior string            `json:"tax_behavior,omitempty"`
	UnitAmount  int64             `json:"unit_amount"`
	Quantity    int64             `json:"quantity"`
	Recurring   *Recurring        `json:"recurring,omitempty"`
}

// Billing is what the donor typed beside the card.
type Billing struct {
	Email      string `json:"email,omitempty"`
	Name       string `json:"name,omitempty"`
	Country    string `json:"country,omitempty"`
	PostalCode string `json:"postal_code,omitempty"`
	Line1      string `json:"line1,omitempty"`
	City       string `json:"city,omitempty"`
}

// PaymentIntent is one payment, tried as often as its session stays open.
type PaymentIntent struct {
	ID                  string            `json:"id"`
	Created             int64             `json:"created"`
	Amount              int64             `json:"amount"`
	AmountReceived      int64             `json:"amount_received"`
	Currency            string            `json:"currency"`
	Status              string            `json:"status"`
	CaptureMethod       string            `json:"capture_method"`
	ClientSecret        string            `json:"client_secret"`
	CanceledAt          int64             `json:"canceled_at,omitempty"`
	CancellationReason  string            `json:"cancellation_reason,omitempty"`
	Description         string            `json:"description,omitempty"`
	LatestCharge        string            `json:"latest_charge,omitempty"`
	PaymentMethod       string            `json:"payment_method,omitempty"`
	ReceiptEmail        string            `json:"receipt_email,omitempty"`
	StatementDescriptor string            `json:"statement_descriptor,omitempty"`
	StatementSuffix     string            `json:"statement_descriptor_suffix,omitempty"`
	LastError           *PaymentError     `json:"last_payment_error,omitempty"`
	Metadata            map[string]string `json:"metadata"`
	// Methods are payment_method_types; empty means cards.
	Methods []string `json:"payment_method_types,omitempty"`
	Review  string   `json:"review,omitempty"`
	// Session is the session that made it; empty for money of other programs.
	Session  string `json:"session,omitempty"`
	Customer string `json:"customer,omitempty"`
	// Invoice is what it pays; empty for one-off payments.
	Invoice     string `json:"invoice,omitempty"`
	FutureUsage string `json:"setup_future_usage,omitempty"`
	// ReturnURL is where 3-D Secure leads back to when no page of ours asked for it.
	ReturnURL string `json:"return_url,omitempty"`
	// Unannounced says that payment_intent.created is still to come.
	Unannounced bool `json:"unannounced,omitempty"`
}

// PaymentError is why the last attempt failed.
type PaymentError struct {
	Code          string `json:"code"`
	DeclineCode   string `json:"decline_code,omitempty"`
	Message       string `json:"message"`
	Param         string `json:"param,omitempty"`
	Charge        string `json:"charge,omitempty"`
	PaymentMethod string `json:"payment_method,omitempty"`
}

// PaymentMethod is a test card as the donor entered it. The card is kept by its
// name in the card table, never by number.
type PaymentMethod struct {
	ID      string `json:"id"`
	Created int64  `json:"created"`
	Card    string `json:"card"`
	// Account is the name of a test bank account, which then is in place of a card.
	Account  string  `json:"account,omitempty"`
	ExpMonth int     `json:"exp_month"`
	ExpYear  int     `json:"exp_year"`
	Billing  Billing `json:"billing_details"`
	Customer string  `json:"customer,omitempty"`
	// SetUp says that 3-D Secure was passed for charges without the donor.
	SetUp bool `json:"set_up,omitempty"`
	// Detached says that it was a customer's once and may not be used again.
	Detached bool              `json:"detached,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// Charge is one attempt to take the money.
type Charge struct {
	ID                 string `json:"id"`
	Created            int64  `json:"created"`
	Amount             int64  `json:"amount"`
	Currency           string `json:"currency"`
	Status             string `json:"status"`
	BalanceTransaction string `json:"balance_transaction,omitempty"`
	PaymentIntent      string `json:"payment_intent"`
	PaymentMethod      string `json:"payment_method"`
	FailureCode        string `json:"failure_code,omitempty"`
	FailureMessage     string `json:"failure_message,omitempty"`
	DeclineCode        string `json:"decline_code,omitempty"`
	ThreeDSecure       string `json:"three_d_secure,omitempty"`
	// AmountRefunded counts the refunds that neither failed nor were canceled.
	AmountRefunded int64 `json:"amount_refunded,omitempty"`
	Disputed       bool  `json:"disputed,omitempty"`
	// DebitDue is when a pending bank debit is paid or fails, in unix seconds.
	DebitDue int64 `json:"debit_due,omitempty"`
	// FailureTransaction took back the money of a debit that failed.
	FailureTransaction string `json:"failure_balance_transaction,omitempty"`
	// Review is Radar's, if it asked for one.
	Review string `json:"review,omitempty"`
	// FraudReport is "fraudulent" after a refund for that reason.
	FraudReport         string            `json:"user_report,omitempty"`
	Description         string            `json:"description,omitempty"`
	ReceiptEmail        string            `json:"receipt_email,omitempty"`
	StatementDescriptor string            `json:"statement_descriptor,omitempty"`
	StatementSuffix     string            `json:"statement_descriptor_suffix,omitempty"`
	Metadata            map[string]string `json:"metadata"`
	// CaptureDue is when the balance transaction of an asynchronous capture
	// appears, in unix seconds; zero when there is nothing to wait for.
	CaptureDue int64  `json:"capture_due,omitempty"`
	Customer   string `json:"customer,omitempty"`
	Invoice    string `json:"invoice,omitempty"`
}

// BalanceTransaction is money that moved on the account, in the currency it
// settles in. Whether it is pending or available depends on the clock.
type BalanceTransaction struct {
	ID          string `json:"id"`
	Created     int64  `json:"created"`
	AvailableOn int64  `json:"available_on"`
	Amount      int64  `json:"amount"`
	Fee         int64  `json:"fee"`
	Net         int64  `json:"net"`
	Currency    string `json:"currency"`
	Type        string `json:"type"`
	Category    string `json:"reporting_category"`
	Source      string `json:"source"`
	Description string `json:"description,omitempty"`
	// ExchangeRate is a decimal number, empty when nothing was converted.
	ExchangeRate string `json:"exchange_rate,omitempty"`
}

// WebhookEndpoint is where events are sent.
type WebhookEndpoint struct {
	ID            string            `json:"id"`
	Created       int64             `json:"created"`
	URL           string            `json:"url"`
	EnabledEvents []string          `json:"enabled_events"`
	APIVersion    string            `json:"api_version,omitempty"`
	Description   string            `json:"description,omitempty"`
	Metadata      map[string]string `json:"metadata"`
	// Connect says that it hears of the accounts connected to this one, and of this
	// one not.
	Connect  bool            `json:"connect,omitempty"`
	Disabled bool            `json:"disabled,omitempty"`
	Deleted  bool            `json:"deleted,omitempty"`
	Secrets  []signingSecret `json:"secrets"`
}

// signingSecret is one secret of an endpoint; the current one has no end.
type signingSecret struct {
	Value     string `json:"value"`
	ExpiresAt int64  `json:"expires_at,omitempty"`
}

// Event announces one version of one object.
type Event struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Created int64  `json:"created"`
	// Put is the position of the object's version in the record of the event.
	Put            int            `json:"put"`
	Previous       map[string]any `json:"previous,omitempty"`
	RequestID      string         `json:"request,omitempty"`
	IdempotencyKey string         `json:"key,omitempty"`
	// To lists the endpoints it goes to; one that is listed twice gets it twice.
	To []route `json:"to,omitempty"`

	object     any
	deliveries []*delivery
}

// route is one planned delivery of an event.
type route struct {
	Endpoint string `json:"we"`
	// Dropped by a knob: planned, and never sent by itself.
	Dropped bool `json:"dropped,omitempty"`
	// DelayMS holds the first attempt back, by the clock.
	DelayMS int64 `json:"delay_ms,omitempty"`
}
