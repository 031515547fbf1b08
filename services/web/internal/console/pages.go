package console

import (
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/web/internal/view"
)

// Desk is what every page of the console has around its content.
type Desk struct {
	view.Frame
	Areas     []Choice
	Books     []Choice // organizations, where there are several
	Book      string   // name of the organization; empty where there are no books yet
	BookName  string   // what addresses call it, where there are several
	Zone      string   // time zone of all days and times
	Positions []Position
	Query     string // in the search box
}

// Choice is a link, one of several.
type Choice struct {
	Label   string
	URL     string
	Current bool
}

// Position is how far the books have applied a feed.
type Position struct {
	Feed   string
	Number int64
}

// Figure is an amount and the way to what makes it.
type Figure struct {
	Amount money.Amount
	URL    string
}

// Filter is a form that narrows a page down, with what was wrong with it.
type Filter struct {
	Action string
	Book   string // kept in a hidden field, where there are several
	Fields []Field
	Faults []Fault
	Clear  string // the page without any filter; empty when there is none set
	Folded bool   // it is long, and nothing is in it
}

// Field is one field of it.
type Field struct {
	Name    string
	Label   string
	Value   string
	Type    string   // date or text; a value that is no date is only kept as text
	Options []Option // of a field that one chooses in
	Fault   string
}

// Option is one value of such a field.
type Option struct {
	Value, Label string
	Selected     bool
}

// Fault is what is wrong with a field.
type Fault struct {
	Field, Message string
}

// Empty is shown while there are no books.
type Empty struct{ Desk }

// Overview is how a period went.
type Overview struct {
	Desk
	Filter     Filter
	Presets    []Choice
	From, To   time.Time // zero where the period cannot be read
	Currencies []CurrencyFigures
	ByCurrency *Chart // where there are several
	Attention  Attention
}

// CurrencyFigures are those of one currency, which are never added to another's.
type CurrencyFigures struct {
	Code       string
	Gifts      int64
	GiftsURL   string
	Income     Figure
	Cover      Figure
	Reductions Figure
	Fees       Figure
	Net        Figure
	Charts     []Chart
}

// Chart is a picture and the table of what it shows.
type Chart struct {
	ID      string
	Title   string
	Text    string // what is seen in it, in a sentence
	Columns bool   // upright bars along time; otherwise lying ones, one below another
	Kind    string // names the colour and the pattern
	Height  int64  // pixels
	Rows    int    // lying bars
	Bars    []Bar
	Top     string // what the highest upright bar stands for
	First   string // label under the first upright bar
	Last    string
	// LineStart and LineEnd are where lines of text begin and end, 0 or 100 percent
	// of the width, as the language reads.
	LineStart, LineEnd string
	Head               string // of the first column of the table
	CountsHead         string // of its last, empty without
	Lines              []ChartLine
}

// Bar is a rectangle. Positions are percentages along the width and pixels down.
type Bar struct {
	X, Width  string
	Y, Height int64
	TextY     int64
	Label     string
	Value     string
}

// ChartLine is a line of the table under a chart.
type ChartLine struct {
	Label string
	Value Figure
	Count string
}

// Attention is what somebody should look at.
type Attention struct {
	Duties   []Duty
	Unasked  bool // not all of them could be asked for just now
	Unknown  bool // the sums could not be taken just now
	AllGood  bool
	Behind   []string
	Faults   []string
	Differ   []DifferLine
	Suspense []OpenLine
	Parked   int64
	Feeds    []FeedLine
	URL      string
}

// DifferLine is a sum that two services do not agree on.
type DifferLine struct {
	Where  string
	Amount money.Amount
}

// OpenLine is a balance that must clear.
type OpenLine struct {
	Organization string
	Account      string
	Amount       money.Amount
	Item         Tie
	URL          string // of the account; empty where it is another organization's
}

// FeedLine is how far a consumer has applied a feed.
type FeedLine struct {
	Feed, Consumer string
	Head, At       int64
}

// Tie is an id with ways to what it names.
type Tie struct {
	ID     string
	URL    string // in the console: what it is part of
	Stripe string // at Stripe
}

// Journal is a page of entries, the newest first.
type Journal struct {
	Desk
	Presets []Choice
	Filter  Filter
	Entries []EntryLines
	Sums    []Sum
	Newer   string
	Older   string
	Newest  string // set where the page is not the first
	Exports []Choice
	Refused bool // a filter is nonsense: nothing was looked for
}

// EntryLines is an entry in the journal.
type EntryLines struct {
	Number      int64
	URL         string
	Day         time.Time
	Description string
	Rule        string
	RuleURL     string
	Dimensions  []Dimension // those that all lines have
	Lines       []PostingLine
}

// PostingLine is a posting, either a debit or a credit.
type PostingLine struct {
	Code, Name string
	URL        string
	Debit      money.Amount
	Credit     money.Amount
	IsCredit   bool
	Dimensions []Dimension // empty where all lines of the entry have the same
}

// Dimension is what a posting was for.
type Dimension struct {
	Name  string // key of its label
	Label string
	Short string // the label, or the beginning of an id that has none
	URL   string
}

// Sum is what the lines of a page add up to in one currency.
type Sum struct {
	Debits, Credits money.Amount
}

// Entry is one entry with all that it rests on.
type Entry struct {
	Desk
	Code         string
	Number       int64
	Description  string
	Rule         string
	RuleVersion  int32
	RuleURL      string
	Dimensions   []Dimension
	Day          time.Time
	Occurred     time.Time
	Posted       time.Time
	Lines        []PostingLine
	Sums         []Sum
	Event        Tie
	Trace        Tie
	Stripe       []Tie
	GiftURL      string
	Gift         string
	Receipt      ReceiptLine
	Account      string // at Stripe
	PreviousHash string
	Hash         string
	NextHash     string
	Previous     string
	Next         string
}

// ReceiptLine is the receipt of a gift.
type ReceiptLine struct {
	Number string // empty while there is none
	URL    string // empty for who may not read it
	Issued time.Time
	Mailed time.Time
	State  string // key of its text
	Held   bool   // its gift is disputed
	Ended  time.Time
	// Replaces is the number of the receipt before it; empty for a gift's first.
	Replaces string
}

// Gift is one gift with all that came of it.
type Gift struct {
	Desk
	ID         string
	State      string
	Gift       money.Amount
	Cover      money.Amount
	Total      money.Amount
	Returned   money.Amount
	Left       money.Amount // to give back
	Fee        money.Amount
	FeeKnown   bool
	Method     string
	Plan       Tie
	Invoice    Tie
	Refunds    *Table // nil for none
	Disputes   *Table
	AtBank     bool   // disputed: nothing can be given back until that is decided
	GiveBack   string // the form; empty for who may not, and where nothing is left
	Request    *Fact  // what became of a form that was sent
	Created    time.Time
	Paid       time.Time
	Succeeded  time.Time
	Decline    string
	Position   int64
	Organizing string // organization that receives it, where it is another than the books'
	Appeal     Tie
	AppealName string
	Fundraiser Tie
	Stripe     []Tie
	Trace      Tie
	Entries    []EntryLines
	Receipt    ReceiptLine
	MayKnow    bool
	DonorName  string
	DonorEmail string
	DonorGone  bool // could not be asked for
}

// Accounts is the list of accounts.
type Accounts struct {
	Desk
	Groups []AccountGroup
}

// AccountGroup is the accounts of one kind: assets, liabilities, …
type AccountGroup struct {
	Name string
	Rows []AccountRow
}

// AccountRow is an account in one currency.
type AccountRow struct {
	Code, Name string
	Currency   string
	Opening    money.Amount
	Debits     Figure
	Credits    Figure
	Closing    Figure
	URL        string
}

// Account is one account line by line.
type Account struct {
	Desk
	Code       string
	Name       string
	Currency   string
	Currencies []Choice
	Presets    []Choice
	Filter     Filter
	Opening    money.Amount
	Closing    money.Amount
	Lines      []AccountLine
	First      string // the beginning, set where the page is another
	Next       string
	Refused    bool
}

// AccountLine is a posting in its account.
type AccountLine struct {
	Day         time.Time
	Number      int64
	URL         string
	Description string
	Rule        string
	Amount      money.Amount
	Balance     money.Amount
	Fund        string
	GiftURL     string
}

// TrialBalance is every account over a period.
type TrialBalance struct {
	Desk
	Presets []Choice
	Filter  Filter
	Part    string // key of the part of the books that is shown; empty for all
	Rows    []AccountRow
	Sums    []BalanceSum
	Export  string // empty where not all accounts are shown
	Whole   string // the same period with all accounts
	Refused bool
}

// BalanceSum is what the rows of one currency add up to.
type BalanceSum struct {
	Currency                          string
	Opening, Debits, Credits, Closing money.Amount
	Zero                              bool
}

// Audit is the conservation table.
type Audit struct {
	Desk
	Unknown   bool
	OK        bool
	CaughtUp  bool
	At        time.Time
	Rows      []AuditRow
	Stripe    []StripeRow
	Open      []OpenLine
	Parked    []ParkedLine
	Behind    []string
	Faults    []string
	Feeds     []FeedLine
	MayVerify bool
	Action    string
	Chains    []ChainLine // after they were walked
	Verified  bool
	Sound     bool
	Entries   int64
}

// AuditRow compares the services' sums for one organization and currency.
type AuditRow struct {
	Organization, Currency                      string
	Gift, GiftFundraiser, GiftLedger            money.Amount
	Total, TotalLedger, Receipt, NotReceiptable money.Amount
	Difference                                  money.Amount
	URL                                         string
}

// StripeRow compares the books with Stripe's word.
type StripeRow struct {
	Account, Currency  string
	Ledger             Figure
	Stripe, Difference money.Amount
}

// ParkedLine is something that could not be applied.
type ParkedLine struct {
	Service, ID, Type, Reason string
	Aggregate                 Tie
	Waiting                   bool
}

// ChainLine is a hash chain that was walked.
type ChainLine struct {
	Organization string
	Entries      int64
	Head         string
	Fault        string
}

// Search is what an id leads to.
type Search struct {
	Desk
	Hits []Hit
	Away bool // some of the services could not be asked
}

// Hit is one thing found.
type Hit struct {
	Kind string // key of its text
	Name string
	Text string
	URL  string
}

func (*Empty) Template() string        { return "finance_empty" }
func (*Overview) Template() string     { return "finance_overview" }
func (*Journal) Template() string      { return "finance_journal" }
func (*Entry) Template() string        { return "finance_entry" }
func (*Gift) Template() string         { return "finance_gift" }
func (*Accounts) Template() string     { return "finance_accounts" }
func (*Account) Template() string      { return "finance_account" }
func (*TrialBalance) Template() string { return "finance_trial_balance" }
func (*Audit) Template() string        { return "finance_audit" }
func (*Search) Template() string       { return "finance_search" }
