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
	// Balance is credit when negative, and owed when positive.
	Balance int64 `json:"balance,omitempty"`
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

// Subscription is a plan that is invoiced at each end of its period.
type Subscription struct {
	ID            string             `json:"id"`
	Created       int64              `json:"created"`
	Customer      string             `json:"customer"`
	Status        string             `json:"status"`
	Currency      string             `json:"currency"`
	Items         []SubscriptionItem `json:"items"`
	Recurring     Recurring          `json:"recurring"`
	Metadata      map[string]string  `json:"metadata"`
	Description   string             `json:"description,omitempty"`
	DefaultMethod string             `json:"default_payment_method,omitempty"`
	SaveDefault   string             `json:"save_default_payment_method,omitempty"`
	LatestInvoice string             `json:"latest_invoice,omitempty"`
	// Anchor is where the first period began; the running one is number Cycle
	// after it. Each boundary is counted from the anchor, so that a plan of the
	// 31st comes back to the 31st after a short month.
	Anchor            int64            `json:"billing_cycle_anchor"`
	Cycle             int64            `json:"cycle"`
	PeriodStart       int64            `json:"current_period_start"`
	PeriodEnd         int64            `json:"current_period_end"`
	CancelAtPeriodEnd bool             `json:"cancel_at_period_end,omitempty"`
	CancelAt          int64            `json:"cancel_at,omitempty"`
	CanceledAt        int64            `json:"canceled_at,omitempty"`
	EndedAt           int64            `json:"ended_at,omitempty"`
	CancelReason      string           `json:"cancel_reason,omitempty"`
	CancelComment     string           `json:"cancel_comment,omitempty"`
	CancelFeedback    string           `json:"cancel_feedback,omitempty"`
	Pause             *PauseCollection `json:"pause_collection,omitempty"`
	TestClock         string           `json:"test_clock,omitempty"`
	// FailNext is how many of the next attempts fail on request, whatever the card.
	FailNext int64 `json:"fail_next,omitempty"`
	// DueAt is when time alone will change it, in unix seconds; zero for never.
	DueAt int64 `json:"due_at,omitempty"`
}

// SubscriptionItem is one price of a plan.
type SubscriptionItem struct {
	ID       string            `json:"id"`
	Created  int64             `json:"created"`
	Price    string            `json:"price"`
	Quantity int64             `json:"quantity"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// PauseCollection keeps a plan going without charging it.
type PauseCollection struct {
	Behavior  string `json:"behavior"`
	ResumesAt int64  `json:"resumes_at,omitempty"`
}

// Invoice is what one period of a plan costs, and how paying it went.
type Invoice struct {
	ID              string            `json:"id"`
	Created         int64             `json:"created"`
	Customer        string            `json:"customer"`
	Subscription    string            `json:"subscription,omitempty"`
	Status          string            `json:"status"`
	BillingReason   string            `json:"billing_reason"`
	Currency        string            `json:"currency"`
	Lines           []InvoiceLine     `json:"lines"`
	Total           int64             `json:"total"`
	AmountPaid      int64             `json:"amount_paid,omitempty"`
	AttemptCount    int64             `json:"attempt_count,omitempty"`
	Attempted       bool              `json:"attempted,omitempty"`
	AutoAdvance     bool              `json:"auto_advance,omitempty"`
	NextAttempt     int64             `json:"next_payment_attempt,omitempty"`
	PaymentIntent   string            `json:"payment_intent,omitempty"`
	Charge          string            `json:"charge,omitempty"`
	Number          string            `json:"number,omitempty"`
	PeriodStart     int64             `json:"period_start"`
	PeriodEnd       int64             `json:"period_end"`
	FinalizedAt     int64             `json:"finalized_at,omitempty"`
	PaidAt          int64             `json:"paid_at,omitempty"`
	VoidedAt        int64             `json:"voided_at,omitempty"`
	UncollectibleAt int64             `json:"marked_uncollectible_at,omitempty"`
	Description     string            `json:"description,omitempty"`
	CustomerEmail   string            `json:"customer_email,omitempty"`
	CustomerName    string            `json:"customer_name,omitempty"`
	CustomerPhone   string            `json:"customer_phone,omitempty"`
	CustomerAddress map[string]string `json:"customer_address,omitempty"`
	PaidOutOfBand   bool              `json:"paid_out_of_band,omitempty"`
	TestClock       string            `json:"test_clock,omitempty"`
	// PlanMetadata is the subscription's metadata as it was when this was finalized.
	PlanMetadata map[string]string `json:"subscription_metadata,omitempty"`
	// Tries counts the attempts that the schedule made.
	Tries int64 `json:"tries,omitempty"`
	// FinalizeAt is when a draft becomes due by itself.
	FinalizeAt int64 `json:"finalize_at,omitempty"`
	// DueAt is when time alone will change it, in unix seconds; zero for never.
	DueAt int64 `json:"due_at,omitempty"`
	// StartingBalance is the customer's balance when this was drafted, and anew when
	// it was finalized; EndingBalance is what finalizing left of it.
	StartingBalance int64 `json:"starting_balance,omitempty"`
	EndingBalance   int64 `json:"ending_balance,omitempty"`
}

// InvoiceLine is one line of an invoice; Item is empty for what is paid once.
type InvoiceLine struct {
	ID          string            `json:"id"`
	Item        string            `json:"subscription_item,omitempty"`
	InvoiceItem string            `json:"invoice_item,omitempty"`
	Price       string            `json:"price"`
	Description string            `json:"description"`
	Amount      int64             `json:"amount"`
	Quantity    int64             `json:"quantity"`
	PeriodStart int64             `json:"period_start"`
	PeriodEnd   int64             `json:"period_end"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	// Proration marks a line for a part of a period; a credit names the line that
	// charged what it gives back.
	Proration       bool   `json:"proration,omitempty"`
	CreditedInvoice string `json:"credited_invoice,omitempty"`
	CreditedLine    string `json:"credited_line,omitempty"`
}

// InvoiceItem is an amount for a part of a period that waits for an invoice, or that
// one has taken up.
type InvoiceItem struct {
	ID              string            `json:"id"`
	Created         int64             `json:"created"`
	Customer        string            `json:"customer"`
	Subscription    string            `json:"subscription"`
	Item            string            `json:"subscription_item"`
	Invoice         string            `json:"invoice,omitempty"`
	Price           string            `json:"price"`
	Currency        string            `json:"currency"`
	Description     string            `json:"description"`
	Amount          int64             `json:"amount"`
	Quantity        int64             `json:"quantity"`
	PeriodStart     int64             `json:"period_start"`
	PeriodEnd       int64             `json:"period_end"`
	Metadata        map[string]string `json:"metadata"`
	CreditedInvoice string            `json:"credited_invoice,omitempty"`
	CreditedLine    string            `json:"credited_line,omitempty"`
	TestClock       string            `json:"test_clock,omitempty"`
	Deleted         bool              `json:"deleted,omitempty"`
}

// Settings are what an account owner chooses in Stripe's Dashboard.
type Settings struct {
	// RetryDays are the pauses between a failed charge and the next attempt.
	RetryDays []int64 `json:"retry_days"`
	// AfterLastRetry is what becomes of a plan then: cancel, unpaid or past_due.
	AfterLastRetry string `json:"after_last_retry"`
	// WebhookRetries is how long a webhook is tried: usual or sandbox.
	WebhookRetries string `json:"webhook_retries,omitempty"`
}

const (
	retriesUsual   = "usual"
	retriesSandbox = "sandbox"
)
