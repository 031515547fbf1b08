package app

import (
	"bufio"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// hledgerJournal writes plain text that hledger accepts in strict mode and
// ledger in pedantic mode. Both take far too much without complaint (one space
// before an amount makes it part of the account's name, a semicolon cuts a
// description), so everything is declared and nothing is left to inference.
type hledgerJournal struct {
	w    *bufio.Writer
	head domain.Head
	err  error // the first failure to write; later writes do nothing
}

func (j *hledgerJournal) printf(format string, args ...any) {
	if j.err != nil {
		return
	}
	_, j.err = fmt.Fprintf(j.w, format, args...)
}

func (j *hledgerJournal) begin(exported journalExport) error {
	j.head = exported.head
	j.printf("; Journal of %s (%s) to %s\n",
		plain(exported.organization.Name), plain(exported.organization.Code), exported.span.To)
	// A part of the books must not be taken for all of them later.
	if !exported.filter.IsEmpty() {
		j.printf("; Only entries with %s\n", plain(exported.filter.String()))
	}
	j.printf("\n")
	declared := map[string]bool{}
	for _, currency := range currenciesOf(exported.accounts) {
		j.printf("commodity %s\n", currency)
		// hledger wants a decimal mark in a format line and ledger refuses one
		// without decimals, so a currency without decimals has none.
		if currency.Exponent() > 0 {
			j.printf("    format 1000.%s %s\n", strings.Repeat("0", currency.Exponent()), currency)
		}
	}
	for _, account := range exported.accounts {
		name, err := account.Account.Name(account.Currency)
		if err != nil {
			return err
		}
		if !declared[name] {
			declared[name] = true
			j.printf("account %s\n", name)
		}
	}
	return j.err
}

// currenciesOf returns each currency once, in order.
func currenciesOf(accounts []AccountCurrency) []money.Currency {
	var currencies []money.Currency
	for _, account := range accounts {
		if !slices.Contains(currencies, account.Currency) {
			currencies = append(currencies, account.Currency)
		}
	}
	slices.SortFunc(currencies, func(a, b money.Currency) int { return strings.Compare(a.Code(), b.Code()) })
	return currencies
}

func (j *hledgerJournal) entry(entry domain.Entry) error {
	j.printf("\n%s * (%s) %s  ; event:%s\n", entry.BookedOn, entryCode(entry.Number), plain(entry.Description), tagValue(entry.EventID))
	if len(entry.StripeIDs) > 0 {
		j.printf("    ; stripe:%s\n", tagValue(strings.Join(entry.StripeIDs, " ")))
	}
	if entry.DonationID != "" {
		j.printf("    ; donation:%s\n", tagValue(entry.DonationID))
	}
	for _, posting := range entry.Postings {
		name, err := posting.Account.Name(posting.Amount.Currency)
		if err != nil {
			return err
		}
		j.printf("    %s  %s%s\n", name, posting.Amount, fundTag(posting.Fund))
	}
	return j.err
}

func fundTag(fund string) string {
	if fund == "" {
		return ""
	}
	return "  ; fund:" + tagValue(fund)
}

// end names the newest entry and its hash. Kept by an auditor, the line proves
// later that no entry before it was changed.
func (j *hledgerJournal) end() error {
	if j.head.Number > 0 {
		j.printf("\n; newest entry %s has hash %s\n", entryCode(j.head.Number), j.head.Hash)
	}
	return j.err
}

// plain makes text safe in a description: a line break could begin a posting of
// its own, a semicolon a comment, a bar a payee.
func plain(text string) string {
	cleaned := strings.Map(func(r rune) rune {
		switch {
		case r == ';' || r == '|' || unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1 // direction marks and the like: invisible, and they reorder the line
		}
		return r
	}, text)
	return strings.Join(strings.Fields(cleaned), " ")
}

// tagValue makes text safe as the value of a tag, which a comma would end.
func tagValue(text string) string {
	return plain(strings.ReplaceAll(text, ",", " "))
}
