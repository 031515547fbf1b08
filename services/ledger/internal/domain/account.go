package domain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/almoner/almoner/services/internal/money"
)

// Account is the code of an account, "1100", or of the part of it that belongs
// to a restricted fund, "4100/winter". The code alone says which net-asset
// class a posting belongs to, as fund accounting demands.
type Account string

// The accounts that rules post to by name.
const (
	StripeBalance         Account = "1100" // pending and available money at Stripe
	StripeReserve         Account = "1110" // money that Stripe holds back
	InTransit             Account = "1150" // payouts on their way to the bank
	Disputed              Account = "1170" // money that Stripe took back until a dispute is decided
	RefundsPayable        Account = "2100" // refunds promised, money not yet gone
	UnderWay              Account = "2200" // payments that take days: money without a gift, or a gift without its money
	Suspense              Account = "2900" // money nobody has explained yet
	Trading               Account = "3900" // both sides of a currency conversion
	OnlineContributions   Account = "4000" // gifts to an appeal itself
	RecurringGifts        Account = "4010" // instalments of monthly plans
	PeerContributions     Account = "4020" // gifts through a supporter's page
	FeeCover              Account = "4040" // what donors add for the fee
	restrictedGifts       Account = "4100" // only ever with a fund behind it
	refunds               Account = "4900" // what was given back, with a fund behind it if the gift had one
	disputesLost          Account = "4910" // what banks took back, likewise
	StripeProcessingFees  Account = "6100"
	StripeDisputeFees     Account = "6110"
	StripeOtherFees       Account = "6120" // what Stripe charges the account itself
	TaxOnFees             Account = "6130"
	CurrencyConversionFee Account = "6200"
)

// RestrictedContributions is the income account of one restricted fund.
func RestrictedContributions(fund string) Account {
	return restrictedGifts + "/" + Account(fund)
}

// Class is the net-asset class that a posting changes.
type Class int

// Classes of accounts.
const (
	BalanceSheet Class = iota // assets, liabilities, equity: no class of their own
	Unrestricted
	Restricted
)

// String is the word that exports write; empty for the balance sheet.
func (c Class) String() string {
	return [...]string{BalanceSheet: "", Unrestricted: "unrestricted", Restricted: "restricted"}[c]
}

// template is one line of the chart of accounts.
type template struct {
	code     string
	name     string // without a fund; empty where an account needs one
	fundName string // prefix of the name with a fund; empty where it cannot have one
	currency bool   // exists once per currency
}

// chart is the chart of accounts that every organization starts with. Assets
// and liabilities exist once per currency, because each is a real balance at a
// bank or with somebody; income and expenses do not, they only count.
var chart = []template{
	{code: "1000", name: "Assets:Bank:Operating", currency: true},
	{code: "1050", name: "Assets:UndepositedFunds", currency: true},
	{code: "1100", name: "Assets:Stripe:Balance", currency: true},
	{code: "1110", name: "Assets:Stripe:Reserve", currency: true},
	{code: "1150", name: "Assets:Stripe:InTransit", currency: true},
	{code: "1170", name: "Assets:Stripe:Disputed", currency: true},
	{code: "1250", name: "Assets:GiftAidReceivable", currency: true},
	{code: "2100", name: "Liabilities:RefundsPayable", currency: true},
	{code: "2200", name: "Liabilities:PaymentsUnderWay", currency: true},
	{code: "2900", name: "Liabilities:Suspense", currency: true},
	{code: "3100", name: "Equity:NetAssets:WithoutRestrictions"},
	{code: "3200", fundName: "Equity:NetAssets:WithRestrictions"},
	{code: "3900", name: "Equity:Trading", currency: true},
	{code: "4000", name: "Income:Contributions:WithoutRestrictions:Online"},
	{code: "4010", name: "Income:Contributions:WithoutRestrictions:Recurring"},
	{code: "4020", name: "Income:Contributions:WithoutRestrictions:PeerToPeer"},
	{code: "4030", name: "Income:Contributions:WithoutRestrictions:Offline"},
	{code: "4040", name: "Income:Contributions:WithoutRestrictions:FeeCover"},
	{code: "4100", fundName: "Income:Contributions:WithRestrictions"},
	{code: "4300", name: "Income:GiftAid:WithoutRestrictions", fundName: "Income:GiftAid:WithRestrictions"},
	{code: "4800", name: "Income:Released:WithoutRestrictions", fundName: "Income:Released:WithRestrictions"},
	{code: "4900", name: "Income:Refunds:WithoutRestrictions", fundName: "Income:Refunds:WithRestrictions"},
	{code: "4910", name: "Income:DisputesLost:WithoutRestrictions", fundName: "Income:DisputesLost:WithRestrictions"},
	{code: "6100", name: "Expenses:Fees:StripeProcessing"},
	{code: "6110", name: "Expenses:Fees:StripeDispute"},
	{code: "6120", name: "Expenses:Fees:StripeOther"},
	{code: "6130", name: "Expenses:Fees:Tax"},
	{code: "6200", name: "Expenses:FX"},
}

// split separates the code of the chart from the fund behind the slash.
func (a Account) split() (code, fund string) {
	code, fund, _ = strings.Cut(string(a), "/")
	return code, fund
}

// Fund is the code of the restricted fund, empty if the account has none.
func (a Account) Fund() string {
	_, fund := a.split()
	return fund
}

// ParseAccount returns the account of a code that somebody typed. It fails for
// one that nothing could ever be posted to, such as "9999" or "4100" without the
// fund that every part of it belongs to.
func ParseAccount(code string) (Account, error) {
	account := Account(code)
	_, err := account.Title()
	if err != nil {
		return "", err
	}
	if fund := account.Fund(); fund != "" {
		err := CheckFundCode(fund)
		if err != nil {
			return "", err
		}
	}
	return account, nil
}

// ParseAccounts is ParseAccount for a question about an account and all its
// parts: there "4100" is a good code too.
func ParseAccounts(code string) (Account, error) {
	if Account(code).Divided() {
		return Account(code), nil
	}
	return ParseAccount(code)
}

// Divided reports whether the code is one of the chart that restricted funds
// have parts of: "4100" is, "4100/winter" and "1100" are not.
func (a Account) Divided() bool {
	for _, t := range chart {
		if t.code == string(a) {
			return t.fundName != ""
		}
	}
	return false
}

// Name is the full name of the account as exports write it, such as
// "Assets:Stripe:Balance:EUR". It fails for a code that the chart does not have.
func (a Account) Name(currency money.Currency) (string, error) {
	title, perCurrency, err := a.find()
	if err != nil || !perCurrency {
		return title, err
	}
	return title + ":" + currency.Code(), nil
}

// Title is the name of the account in all currencies, "Assets:Stripe:Balance".
// It fails as Name does.
func (a Account) Title() (string, error) {
	title, _, err := a.find()
	return title, err
}

// find looks the account up in the chart.
func (a Account) find() (title string, perCurrency bool, err error) {
	code, fund, divided := strings.Cut(string(a), "/")
	for _, t := range chart {
		if t.code != code {
			continue
		}
		switch {
		case !divided && t.name != "":
			return t.name, t.currency, nil
		case fund != "" && t.fundName != "":
			return t.fundName + ":" + fund, false, nil
		}
	}
	return "", false, fmt.Errorf("account %.60q is not in the chart of accounts", string(a))
}

// Class is the net-asset class of the account.
func (a Account) Class() Class {
	code, fund := a.split()
	switch {
	case code < "4000":
		return BalanceSheet
	case fund != "":
		return Restricted
	default:
		return Unrestricted
	}
}

// IsGiftIncome reports whether the account takes the gift itself: contributions
// with and without restrictions and what reduces them, but not the fee cover.
func (a Account) IsGiftIncome() bool {
	kind := a.Kind()
	return kind == Contribution || kind == Reduction
}

// Kind is what an account says about how the year went.
type Kind int

// Kinds of accounts. The zero value is every account that the overview leaves
// out.
const (
	Contribution Kind = iota + 1 // gifts themselves, 4000 to 4030 and 4100
	Cover                        // what donors add for the fee, 4040
	Reduction                    // refunds and lost disputes, 4900 and 4910
	Fee                          // what Stripe keeps, 6100 to 6130
)

// Kind is the kind of the account, with or without a fund.
func (a Account) Kind() Kind {
	code, _ := a.split()
	switch code {
	case "4000", "4010", "4020", "4030", "4100":
		return Contribution
	case "4040":
		return Cover
	case "4900", "4910":
		return Reduction
	case "6100", "6110", "6120", "6130":
		return Fee
	}
	return 0
}

// clearsByItem reports whether what is on the account must be explained, and
// return to zero, for each Stripe object by itself.
func (a Account) clearsByItem() bool {
	return a == InTransit || slices.Contains(PassedThrough(), a)
}

// PassedThrough are the accounts that money only passes through, on which something
// that stays says that its other half is missing. What is on its way to the bank is
// not among them: only the bank's own line says that it has come, and Stripe itself
// tells of a payout that came back.
func PassedThrough() []Account {
	return []Account{Disputed, RefundsPayable, UnderWay, Suspense}
}

// maxFundCode keeps account names readable in other programs.
const maxFundCode = 40

// CheckFundCode refuses a fund code that could not be part of an account name
// in the programs that read the exports: a space would end the name, a colon
// would open an account below, a semicolon would start a comment. Codes are not
// rewritten to fit, because two funds could then become one account.
func CheckFundCode(code string) error {
	if code == "" || len(code) > maxFundCode {
		return fmt.Errorf("fund code %.60q: want 1 to %d characters", code, maxFundCode)
	}
	for _, r := range code {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
		default:
			return fmt.Errorf("fund code %q: only letters a–z, digits, '-', '_' and '.' can be in an account name", code)
		}
	}
	return nil
}
