package console

import (
	"net/http"
	"strings"

	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	"github.com/almoner/almoner/services/internal/apperr"
)

// linesShown is how many lines a page of an account has.
const linesShown = 100

// accounts lists every account that something was ever posted to.
func (c *Console) accounts(w http.ResponseWriter, v *visit) {
	balance, err := c.books.TrialBalance(v.ctx, &ledgerv1.TrialBalanceRequest{Organization: v.book.GetOrganizationId()})
	if err != nil {
		c.fail(w, v, err)
		return
	}
	page := Accounts{Desk: v.newDesk(v.spoken.Say("console.area.accounts"), "accounts")}
	for _, row := range v.rows(balance.GetRows(), period{}) {
		// The first part of an account's name is its kind.
		kind, _, _ := strings.Cut(row.Name, ":")
		if last := len(page.Groups) - 1; last < 0 || page.Groups[last].Name != kind {
			page.Groups = append(page.Groups, AccountGroup{Name: kind})
		}
		group := &page.Groups[len(page.Groups)-1]
		group.Rows = append(group.Rows, row)
	}
	c.show(w, v, http.StatusOK, &page)
}

// account shows one account line by line, in the order of days, with its balance
// after each.
func (c *Console) account(w http.ResponseWriter, v *visit) {
	code := v.r.PathValue("code")
	if code == "" || len(code) > 64 {
		c.unknown(w, v)
		return
	}
	path := accountsPath + "/" + code
	taken := v.read("from", "to", "currency")
	page := Account{
		Desk: v.newDesk(v.spoken.Say("console.account.title", "Code", code), "accounts"),
		Code: code, Presets: v.presets(path, taken), Filter: v.form(path, taken, nil),
	}
	after := v.query.Get("after")
	listed, err := c.books.ListPostings(v.ctx, &ledgerv1.ListPostingsRequest{
		Organization: v.book.GetOrganizationId(), AccountCode: code, Currency: taken.Get("currency"),
		From: taken.Get("from"), To: taken.Get("to"), After: after, Limit: linesShown,
	})
	if v.refused(&page.Filter, err) {
		page.Refused = true
		page.Currencies = c.currencies(v, path, code, taken)
		c.show(w, v, http.StatusUnprocessableEntity, &page)
		return
	}
	if apperr.CodeOf(err) == apperr.InvalidArgument {
		// A code that no chart has, or a place that no page begins at.
		c.unknown(w, v)
		return
	}
	if err != nil {
		c.fail(w, v, err)
		return
	}
	page.Name, page.Currency = listed.GetAccountName(), listed.GetCurrency()
	page.Opening, page.Closing = amount(listed.GetOpeningMinor(), page.Currency), amount(listed.GetClosingMinor(), page.Currency)
	for _, line := range listed.GetLines() {
		shown := AccountLine{
			Day: day(line.GetBookedOn()), Number: line.GetNumber(), URL: v.entryLink(line.GetNumber()),
			Description: line.GetDescription(), Rule: line.GetRule(), Fund: line.GetFundCode(),
			Amount: amount(line.GetMinor(), page.Currency), Balance: amount(line.GetBalanceMinor(), page.Currency),
		}
		if line.GetDonationId() != "" {
			shown.GiftURL = v.link(giftsPath + line.GetDonationId())
		}
		page.Lines = append(page.Lines, shown)
	}
	for _, currency := range listed.GetCurrencies() {
		page.Currencies = append(page.Currencies, v.currency(path, currency, taken, currency == page.Currency))
	}
	if after != "" {
		page.First = v.link(path, taken.pairs()...)
	}
	if listed.GetNext() != "" {
		page.Next = v.link(path, taken.pairs("after", listed.GetNext())...)
	}
	c.show(w, v, http.StatusOK, &page)
}

func (v *visit) currency(path, currency string, taken values, current bool) Choice {
	return Choice{Label: currency, URL: v.link(path, taken.with("currency", currency)...), Current: current}
}

// currencies are those of an account that must be named one: an account that has
// several is never shown as if it had one.
func (c *Console) currencies(v *visit, path, code string, taken values) []Choice {
	balance, err := c.books.TrialBalance(v.ctx, &ledgerv1.TrialBalanceRequest{Organization: v.book.GetOrganizationId()})
	if err != nil {
		return nil
	}
	var choices []Choice
	for _, row := range balance.GetRows() {
		if row.GetAccountCode() == code {
			choices = append(choices, v.currency(path, row.GetCurrency(), taken, false))
		}
	}
	return choices
}
