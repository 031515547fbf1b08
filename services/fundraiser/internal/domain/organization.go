package domain

// Organization is the charity that receives gifts and keeps books. Its code
// is its identity: it is printed in receipt and entry numbers, so another code
// is another organization.
type Organization struct {
	ID           string
	Code         string
	Slug         string
	Name         string   // that it goes by
	LegalName    string   // in the register
	Address      []string // a line each
	Registration string   // as written on a receipt
	Country      string   // ISO 3166, two letters
	TimeZone     string   // IANA name; its days and years are the organization's
	BaseCurrency string   // ISO 4217 code of the books
	// ReceiptProfile is the kind of receipt that it issues.
	ReceiptProfile string
	Mission        string // one paragraph
	ContactEmail   string
	// Home is true for the one organization that books what belongs to no gift.
	Home    bool
	Logo    Image // zero for none
	Version int64 // 1 when first kept, +1 by each change that is told to others
}

// GenericReceipt is the only kind of receipt that can be issued so far: one
// that no tax office has prescribed.
const GenericReceipt = "generic"

// FundClass says whether donors restricted what the money may be used for.
type FundClass string

// The classes of funds.
const (
	Unrestricted FundClass = "unrestricted" // the charity decides
	Restricted   FundClass = "restricted"   // only for the fund's purpose
)

// Fund is a designation that gifts carry into the books.
type Fund struct {
	ID             string
	OrganizationID string
	Code           string // unique in the organization; its identity
	Name           string // shown to donors
	Class          FundClass
	Version        int64 // 1 when first kept, +1 by each change
}
