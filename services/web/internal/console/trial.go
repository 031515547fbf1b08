package console

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
)

// parts of the trial balance make the overview's figures: the accounts that each
// is added up from, by their codes without a fund.
var parts = map[string][]string{
	"income":     {"4000", "4010", "4020", "4030", "4100"},
	"cover":      {"4040"},
	"reductions": {"4000", "4010", "4020", "4030", "4040", "4100", "4900", "4910"},
	"fees":       {"6100", "6110", "6120", "6130"},
	"net":        {"4000", "4010", "4020", "4030", "4040", "4100", "4900", "4910", "6100", "6110", "6120", "6130"},
}

// trialBalance shows what every account adds up to over a period, and that each
// currency adds up to nothing.
func (c *Console) trialBalance(w http.ResponseWriter, v *visit) {
	taken := v.read("from", "to")
	part, currency := v.query.Get("part"), v.query.Get("currency")
	codes, known := parts[part]
	if part != "" && !known || currency != "" && amount(0, currency).Currency.IsZero() {
		c.unknown(w, v)
		return
	}
	page := TrialBalance{
		Desk:    v.newDesk(v.spoken.Say("console.area.trial_balance"), "trial_balance"),
		Presets: v.presets(trialPath, v.read("from", "to", "part", "currency")), Filter: v.form(trialPath, taken, nil), Part: part,
	}
	balance, err := c.books.TrialBalance(v.ctx, &ledgerv1.TrialBalanceRequest{
		Organization: v.book.GetOrganizationId(), From: taken.Get("from"), To: taken.Get("to"),
	})
	if v.refused(&page.Filter, err) {
		page.Refused = true
		c.show(w, v, http.StatusUnprocessableEntity, &page)
		return
	}
	if err != nil {
		c.fail(w, v, err)
		return
	}
	rows := slices.DeleteFunc(slices.Clone(balance.GetRows()), func(row *ledgerv1.TrialBalanceRow) bool {
		code, _, _ := strings.Cut(row.GetAccountCode(), "/")
		return part != "" && !slices.Contains(codes, code) || currency != "" && row.GetCurrency() != currency
	})
	page.Rows = v.rows(rows, period{from: taken.Get("from"), to: taken.Get("to")})
	page.Sums = balanceSums(rows)
	if part != "" || currency != "" {
		page.Whole = v.link(trialPath, taken.pairs()...)
	} else {
		// The file has all accounts, so it is offered where all are shown.
		page.Export = v.link(exportsPath, taken.pairs("format", "trial-balance")...)
	}
	c.show(w, v, http.StatusOK, &page)
}

// rows are accounts, with ways to what moved them over the period.
func (v *visit) rows(balances []*ledgerv1.TrialBalanceRow, span period) []AccountRow {
	rows := make([]AccountRow, 0, len(balances))
	for _, b := range balances {
		url := v.accountLink(b.GetAccountCode(), b.GetCurrency(), span.from, span.to)
		rows = append(rows, AccountRow{
			Code: b.GetAccountCode(), Name: b.GetAccountName(), Currency: b.GetCurrency(), URL: url,
			Opening: amount(b.GetOpeningMinor(), b.GetCurrency()),
			Debits:  Figure{Amount: amount(b.GetDebitsMinor(), b.GetCurrency()), URL: url},
			Credits: Figure{Amount: amount(b.GetCreditsMinor(), b.GetCurrency()), URL: url},
			Closing: Figure{Amount: amount(b.GetClosingMinor(), b.GetCurrency()), URL: url},
		})
	}
	return rows
}

// balanceSums add the accounts up, each currency by itself.
func balanceSums(rows []*ledgerv1.TrialBalanceRow) []BalanceSum {
	totals := map[string]*ledgerv1.TrialBalanceRow{}
	var list []*ledgerv1.TrialBalanceRow
	for _, row := range rows {
		total := totals[row.GetCurrency()]
		if total == nil {
			total = &ledgerv1.TrialBalanceRow{Currency: row.GetCurrency()}
			totals[row.GetCurrency()] = total
			list = append(list, total)
		}
		total.OpeningMinor += row.GetOpeningMinor()
		total.DebitsMinor += row.GetDebitsMinor()
		total.CreditsMinor += row.GetCreditsMinor()
		total.ClosingMinor += row.GetClosingMinor()
	}
	slices.SortFunc(list, func(a, b *ledgerv1.TrialBalanceRow) int { return cmp.Compare(a.GetCurrency(), b.GetCurrency()) })
	sums := make([]BalanceSum, 0, len(list))
	for _, total := range list {
		code := total.GetCurrency()
		sums = append(sums, BalanceSum{
			Currency: code, Opening: amount(total.GetOpeningMinor(), code), Debits: amount(total.GetDebitsMinor(), code),
			Credits: amount(total.GetCreditsMinor(), code), Closing: amount(total.GetClosingMinor(), code),
			Zero: total.GetOpeningMinor() == 0 && total.GetClosingMinor() == 0 && total.GetDebitsMinor() == total.GetCreditsMinor(),
		})
	}
	return sums
}
