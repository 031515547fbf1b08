package console

import (
	"net/http"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
)

// soon is how long before its end a term is shown as one that is running out.
const soon = 3 * 24 * time.Hour

// disputeFees is the account that holds what Stripe charges for disputes.
const disputeFees = "6110"

// disputes lists them, those that can still be answered first.
func (c *Console) disputes(w http.ResponseWriter, v *visit) {
	show, tabs, known := v.tabs(disputesPath, "disputes", []string{"all", "open"})
	if !known {
		c.unknown(w, v)
		return
	}
	listed, err := c.donations.ListDisputes(v.ctx, &donationv1.ListDisputesRequest{
		Open: show == "open", PageToken: v.query.Get(pageParameter), PageSize: listed,
	})
	if err != nil {
		c.fail(w, v, err)
		return
	}
	page := &Listing{
		Desk: v.newDesk(v.spoken.Say("console.area.disputes"), "disputes"), Heading: v.spoken.Say("console.area.disputes"), Tabs: tabs,
		Intro: []string{v.spoken.Say("console.disputes.intro")},
	}
	table := c.disputeTable(v, listed.GetDisputes(), true)
	table.Empty = v.spoken.Say("console.disputes.none." + show)
	page.Tables = []Table{table}
	v.turn(page, disputesPath, listed.GetNextPageToken())
	c.showList(w, v, page)
}

// disputeTable draws disputes, with the way to each one's gift where that is not the
// page itself.
func (c *Console) disputeTable(v *visit, disputes []*donationv1.Dispute, ofMany bool) Table {
	table := Table{
		Name:    v.spoken.Say("console.area.disputes"),
		Columns: v.columns("due", "kind", "state", "reason", "+amount", "+fee", "rests_on"),
	}
	for _, d := range disputes {
		kind := "dispute"
		if isInquiry(d) {
			kind = "inquiry"
		}
		where := kind
		if d.GetStatus() == "won" || d.GetStatus() == "lost" {
			where = d.GetStatus()
		}
		disputed := Cell{Amount: value(d.GetAmount()), Soft: []string{v.spoken.Say("console.dispute." + where + ".money")}}
		if ofMany {
			disputed.URL = v.link(giftsPath + d.GetDonationId())
		}
		table.Rows = append(table.Rows, Row{Cells: []Cell{
			c.due(v, d), {Text: v.spoken.Say("console.dispute." + kind)},
			v.state("dispute.status", d.GetStatus()), {Text: v.word("dispute.reason", d.GetReason())},
			disputed, c.disputeFee(v, d), {Ties: c.ties(v, d.GetDisputeId())},
		}})
	}
	return table
}

// due is until when Stripe takes an answer; of what is closed, when it was opened.
func (c *Console) due(v *visit, d *donationv1.Dispute) Cell {
	switch {
	case !isOpen(d):
		return Cell{Text: v.spoken.Say("console.dispute.opened"), At: v.moment(d.GetCreatedAt())}
	case d.GetEvidenceDueAt() == 0:
		return Cell{Text: v.spoken.Say("console.dispute.no_term")}
	}
	cell := Cell{At: v.moment(d.GetEvidenceDueAt())}
	left := -c.since(d.GetEvidenceDueAt())
	switch {
	case left <= 0:
		cell.Text, cell.Mark = v.spoken.Say("console.dispute.over"), "bad"
	case left < soon:
		cell.Text, cell.Mark = v.plural("console.dispute.hours", int64((left+time.Hour-1)/time.Hour)), "bad"
	default:
		cell.Text = v.plural("console.dispute.days", int64(left/(24*time.Hour)))
	}
	return cell
}

// disputeFee is what Stripe has charged for a dispute so far, as these books have it,
// with the way to the entries.
func (c *Console) disputeFee(v *visit, d *donationv1.Dispute) Cell {
	entries, err := c.books.ListEntries(v.ctx, &ledgerv1.ListEntriesRequest{
		OrganizationId: v.book.GetOrganizationId(), Filter: &ledgerv1.EntryFilter{Reference: d.GetDisputeId()}, Limit: entriesShown,
	})
	if err != nil {
		c.front.Logger().WarnContext(v.ctx, "fee of a dispute", "error", err)
		return Cell{Text: v.spoken.Say("console.gift.fee_unknown")}
	}
	fees := map[string]int64{}
	for _, entry := range entries.GetEntries() {
		for _, posting := range entry.GetPostings() {
			if posting.GetAccountCode() == disputeFees {
				fees[posting.GetAmount().GetCurrency()] += posting.GetAmount().GetMinor()
			}
		}
	}
	cell := Cell{}
	for currency, minor := range fees {
		// Stripe charges in the one currency of the account's balance.
		fee := amount(minor, currency)
		cell.Amount, cell.URL = &fee, v.link(journalPath, "reference", d.GetDisputeId())
	}
	return cell
}
