package domain

import (
	"net/mail"
	"strings"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
)

// Limits of what a donor may type.
const (
	maxName    = 100
	maxMessage = 500
	// maxBytes stops a message of few characters that carry thousands of
	// accents each.
	maxMessageBytes = 8_000
	maxNameBytes    = 1_000
	maxEmail        = 254 // RFC 5321, 4.5.3.1.3 less the angle brackets
	maxLocalPart    = 64
	maxCode         = 64
)

// Form is what a donor submitted, with the amount already read.
type Form struct {
	AppealSlug     string // one of the two is set
	FundraiserSlug string
	Gift           money.Amount
	CoverFees      bool
	FundCode       string // empty means the appeal's first
	Name           string
	Email          string
	Visibility     Visibility
	Message        string
	ShareCode      string
	Language       string
	Monthly        bool // the same on this day of every month
}

// Checked returns the form as it is stored, and what is wrong with it; an empty
// list means nothing is. Fields carry the names of the web form. HTML in a name
// or a message is text like any other; whoever shows it encodes it.
func (f Form) Checked() (Form, []apperr.Field) {
	var wrong []apperr.Field
	refuse := func(name, reason, message string) {
		wrong = append(wrong, apperr.Field{Name: name, Reason: reason, Message: message})
	}

	if f.Gift.Minor <= 0 {
		refuse("amount", "AMOUNT_EMPTY", "Enter an amount.")
	}
	if strings.ContainsAny(f.Name, "\r\n") {
		refuse("name", "NAME_LINES", "Enter the name on one line.")
	}
	f.Name = oneLine(f.Name)
	switch {
	case !visible(f.Name):
		refuse("name", "NAME_EMPTY", "Enter your name. It is written on the receipt.")
	case characters(f.Name) > maxName || len(f.Name) > maxNameBytes:
		refuse("name", "NAME_LONG", "Enter a name of at most 100 characters.")
	}

	reason, problem := emailProblem(f.Email)
	if reason != "" {
		refuse("email", reason, problem)
	}
	f.Email = strings.TrimSpace(f.Email)

	f.Message = clean(f.Message)
	if characters(f.Message) > maxMessage || len(f.Message) > maxMessageBytes {
		refuse("message", "MESSAGE_LONG", "Write a message of at most 500 characters.")
	}

	switch f.Visibility {
	case "":
		f.Visibility = Public
	case Public, FirstName, Anonymous:
	default:
		refuse("visibility", "VISIBILITY_UNKNOWN", "Choose what may be shown.")
	}
	if len(f.FundCode) > maxCode {
		refuse("fund", "FUND_UNKNOWN", "Choose one of the funds.")
	}
	// Nobody types a share code; one that is none of ours is not an error of
	// the donor's.
	if len(f.ShareCode) > maxCode || clean(f.ShareCode) != f.ShareCode {
		f.ShareCode = ""
	}
	if len(f.Language) > 35 { // the longest tag that BCP 47 asks software to keep
		f.Language = ""
	}
	return f, wrong
}

// Terms are the conditions under which a gift is taken.
type Terms struct {
	Currency money.Currency
	Minimum  int64 // minor units
	Rate     money.Rate
	Fixed    int64 // minor units
}

// Price checks the gift against the terms and returns what is added to cover
// the estimated fee, 0 when the donor does not want that.
func (f Form) Price(t Terms) (cover money.Amount, wrong []apperr.Field) {
	none := money.Amount{Currency: t.Currency}
	if f.Gift.Currency != t.Currency {
		return none, []apperr.Field{{
			Name: "currency", Reason: "CURRENCY_DIFFERS",
			Message: "Gifts to this appeal are taken in " + t.Currency.Code() + ".",
		}}
	}
	amount := func(reason, message string) []apperr.Field {
		return []apperr.Field{{Name: "amount", Reason: reason, Message: message}}
	}
	least := money.Minimum(t.Currency)
	least.Minor = max(least.Minor, t.Minimum)
	most := money.Maximum(t.Currency)
	switch {
	case f.Gift.Minor < least.Minor:
		return none, amount("AMOUNT_SMALL", "The smallest gift is "+money.Format(least, f.Language)+".")
	case f.Gift.Minor > most.Minor:
		return none, amount("AMOUNT_LARGE", "The largest gift that can be taken here is "+money.Format(most, f.Language)+".")
	case f.Gift.Minor%t.Currency.Step() != 0:
		return none, amount("AMOUNT_STEP", "This amount has more decimals than can be charged in "+t.Currency.Code()+".")
	}
	if !f.CoverFees {
		return none, nil
	}
	cover, err := money.CoverFor(f.Gift, t.Rate, t.Fixed)
	if err != nil || f.Gift.Minor+cover.Minor > most.Minor {
		return none, amount("AMOUNT_LARGE_WITH_FEE", "With the fee added this is more than can be taken here.")
	}
	return cover, nil
}

// emailProblem says why an address cannot be used, nothing when it can. Addresses beyond ASCII are refused: neither Stripe nor most mail servers
// deliver to them, and the receipt has to arrive.
func emailProblem(raw string) (reason, message string) {
	const invalid, example = "EMAIL_INVALID", "Enter an e-mail address like name@example.org."
	if strings.ContainsAny(raw, "\r\n") {
		return "EMAIL_LINES", "Enter the e-mail address on one line."
	}
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return "EMAIL_EMPTY", "Enter your e-mail address. The receipt goes there."
	}
	if len(raw) > maxEmail {
		return "EMAIL_LONG", "Enter an e-mail address of at most 254 characters."
	}
	for _, r := range raw {
		if r <= ' ' || r > '~' || strings.ContainsRune(`"(),:;<>[\]`, r) {
			return invalid, example
		}
	}
	parsed, err := mail.ParseAddress(raw)
	if err != nil || parsed.Address != raw || parsed.Name != "" {
		return invalid, example
	}
	local, domain, _ := strings.Cut(raw, "@")
	if len(local) > maxLocalPart || !strings.Contains(domain, ".") {
		return invalid, example
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") ||
			strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return invalid, example
		}
	}
	return "", ""
}
