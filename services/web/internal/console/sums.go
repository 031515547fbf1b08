package console

import (
	"cmp"
	"context"
	"net/http"
	"time"

	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	"github.com/almoner/almoner/services/internal/audit"
)

// settling is how long the audit page waits for what is on its way.
const settling = 2 * time.Second

// auditPage lays the services' sums and Stripe's word side by side.
func (c *Console) auditPage(w http.ResponseWriter, v *visit) {
	c.show(w, v, http.StatusOK, c.auditNow(v))
}

func (c *Console) auditNow(v *visit) *Audit {
	page := &Audit{
		Desk: v.newDesk(v.spoken.Say("console.area.audit"), "audit"),
		At:   c.front.Now().In(v.zone), MayVerify: v.mayVerify(), Action: v.link(auditPath),
	}
	report, err := c.auditor.Run(v.ctx, settling)
	if err != nil {
		// Which part is away is for the log; the chains can be walked all the same.
		c.front.Logger().WarnContext(v.ctx, "sums of the audit", "error", err)
		page.Unknown = true
		return page
	}
	page.OK, page.CaughtUp = report.OK, report.CaughtUp
	page.Behind, page.Faults = report.Behind, report.Faults
	page.Feeds, page.Open = feedLines(report.Feeds), c.openLines(v, report.Open)
	for _, row := range report.Rows {
		page.Rows = append(page.Rows, v.auditRow(row))
	}
	for _, row := range report.Stripe {
		line := StripeRow{
			Account: row.Account, Currency: row.Currency, Ledger: Figure{Amount: amount(row.Ledger, row.Currency)},
			Stripe: amount(row.Stripe, row.Currency), Difference: amount(row.Difference, row.Currency),
		}
		if !v.several {
			// Stripe's account holds the money of all organizations together.
			line.Ledger.URL = v.accountLink("1100", row.Currency, "", "")
		}
		page.Stripe = append(page.Stripe, line)
	}
	for _, item := range report.Parked {
		page.Parked = append(page.Parked, ParkedLine{
			Service: item.Service, ID: item.ID, Type: item.Type, Reason: item.Reason, Waiting: item.Waiting,
			Aggregate: Tie{ID: item.Aggregate, URL: v.link(searchPath, "q", item.Aggregate), Stripe: c.stripeLink(item.Aggregate)},
		})
	}
	return page
}

func (v *visit) auditRow(row audit.Row) AuditRow {
	line := AuditRow{
		Organization: row.Organization, Currency: row.Currency,
		Gift:           amount(row.Gift.Donation, row.Currency),
		GiftFundraiser: amount(row.Gift.Fundraiser, row.Currency),
		GiftLedger:     amount(row.Gift.Ledger, row.Currency),
		Total:          amount(row.Total.Donation, row.Currency),
		TotalLedger:    amount(row.Total.Ledger, row.Currency),
		Receipt:        amount(row.Total.Receipt, row.Currency),
		NotReceiptable: amount(row.Total.NotReceiptable, row.Currency),
		Difference:     amount(row.Difference, row.Currency),
	}
	if row.Organization == v.book.GetSlug() {
		line.URL = v.link(trialPath, "currency", row.Currency)
	}
	return line
}

// verify walks the hash chains of all books and shows what was found.
func (c *Console) verify(w http.ResponseWriter, v *visit) {
	ctx, cancel := context.WithTimeout(v.r.Context(), filesAndChains)
	defer cancel()
	walked, err := c.books.VerifyChain(ctx, &ledgerv1.VerifyChainRequest{})
	if err != nil {
		c.fail(w, v, err)
		return
	}
	// The walk may have taken longer than a page may.
	v.ctx = ctx
	page := c.auditNow(v)
	page.Verified, page.Sound = true, true
	for _, chain := range walked.GetChains() {
		page.Entries += chain.GetEntries()
		page.Sound = page.Sound && chain.GetFault() == ""
		page.Chains = append(page.Chains, ChainLine{
			Organization: cmp.Or(v.names[chain.GetOrganizationId()], chain.GetOrganizationId()), Entries: chain.GetEntries(), Head: chain.GetHeadHash(), Fault: chain.GetFault(),
		})
	}
	c.show(w, v, http.StatusOK, page)
}
