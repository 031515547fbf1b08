package console

import (
	"net/http"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
)

// payouts lists what Stripe sent to the bank.
func (c *Console) payouts(w http.ResponseWriter, v *visit) {
	found, err := c.donations.ListPayouts(v.ctx, &donationv1.ListPayoutsRequest{PageToken: v.query.Get(pageParameter), PageSize: listed})
	if err != nil {
		c.fail(w, v, err)
		return
	}
	table := Table{
		Name: v.spoken.Say("console.area.payouts"), Empty: v.spoken.Say("console.payouts.none"),
		Columns: v.columns("arrives", "+amount", "state", "contents", "rests_on"),
	}
	for _, p := range found.GetPayouts() {
		table.Rows = append(table.Rows, Row{Cells: []Cell{
			{Day: v.arrival(p)}, {Amount: value(p.GetAmount()), URL: v.link(under(payoutsPath, p.GetPayoutId()))},
			v.payoutState(p), v.payoutContents(p), {Ties: c.ties(v, p.GetPayoutId())},
		}})
	}
	page := &Listing{
		Desk: v.newDesk(v.spoken.Say("console.area.payouts"), "payouts"), Heading: v.spoken.Say("console.area.payouts"),
		Intro: []string{v.spoken.Say("console.payouts.intro")}, Tables: []Table{table},
	}
	v.turn(page, payoutsPath, found.GetNextPageToken())
	c.showList(w, v, page)
}

// payoutState says how a payout stands, and why it failed.
func (v *visit) payoutState(p *donationv1.Payout) Cell {
	cell := v.state("payout.status", p.GetStatus())
	if p.GetFailureCode() != "" {
		cell.Soft = append(cell.Soft, v.word("payout.failure", p.GetFailureCode()))
	}
	if p.GetStatus() == "failed" {
		cell.Soft = append(cell.Soft, v.spoken.Say("console.payout.do"))
	}
	return cell
}

// payoutContents says whether what is in a payout adds up.
func (v *visit) payoutContents(p *donationv1.Payout) Cell {
	switch {
	case !p.GetAutomatic():
		return Cell{Text: v.spoken.Say("console.payout.manual")}
	case !p.GetReconciled():
		return Cell{Text: v.spoken.Say("console.payout.open")}
	case p.GetDifference().GetMinor() != 0:
		return Cell{Text: v.spoken.Say("console.payout.differs"), Mark: "bad", Soft: []string{v.spoken.Money(*value(p.GetDifference()))}}
	}
	return Cell{Text: v.spoken.Say("console.payout.sound"), Mark: "good"}
}

// payout shows one payout and what is in it.
func (c *Console) payout(w http.ResponseWriter, v *visit) {
	id := v.r.PathValue("id")
	found, err := c.donations.GetPayout(v.ctx, &donationv1.GetPayoutRequest{PayoutId: id, PageToken: v.query.Get(pageParameter), PageSize: listed})
	if err != nil {
		c.fail(w, v, err)
		return
	}
	p := found.GetPayout()
	facts := []Fact{
		{v.spoken.Say("console.fact.id"), Cell{Ties: c.ties(v, p.GetPayoutId())}},
		{v.spoken.Say("console.column.state"), v.payoutState(p)},
		{v.spoken.Say("console.column.amount"), Cell{Amount: value(p.GetAmount())}},
		{v.spoken.Say("console.fact.created"), Cell{At: v.moment(p.GetCreatedAt())}},
		{v.spoken.Say("console.column.arrives"), Cell{Day: v.arrival(p)}},
		{v.spoken.Say("console.column.contents"), v.payoutContents(p)},
	}
	if p.GetReconciled() && p.GetAutomatic() {
		sum := amount(p.GetAmount().GetMinor()-p.GetDifference().GetMinor(), p.GetAmount().GetCurrency())
		facts = append(facts,
			Fact{v.spoken.Say("console.payout.sum"), Cell{Amount: &sum}},
			Fact{v.spoken.Say("console.column.difference"), Cell{Amount: value(p.GetDifference())}})
	}
	page := &Listing{
		Desk: v.newDesk(v.spoken.Say("console.payout.title"), "payouts"), Heading: v.spoken.Say("console.payout.title"),
		Aside: v.spoken.Money(*value(p.GetAmount())), Back: Choice{Label: v.spoken.Say("console.area.payouts"), URL: v.link(payoutsPath)},
		Facts: facts, Tables: []Table{c.payoutLines(v, p, found.GetLines())},
	}
	v.turn(page, under(payoutsPath, id), found.GetNextPageToken())
	c.showList(w, v, page)
}

// payoutLines lead to the gift that each is of, and to the entries that book it.
func (c *Console) payoutLines(v *visit, p *donationv1.Payout, lines []*donationv1.PayoutLine) Table {
	table := Table{
		Caption: v.spoken.Say("console.payout.lines"), Name: v.spoken.Say("console.payout.lines"),
		Columns: v.columns("day", "kind", "+amount", "+fees", "+net", "gift", "rests_on"), Empty: v.spoken.Say("console.payout.no_lines"),
	}
	if !p.GetAutomatic() {
		table.Empty = v.spoken.Say("console.payout.manual_text")
	}
	for _, l := range lines {
		row := Row{Cells: []Cell{
			{At: v.moment(l.GetCreatedAt())}, {Text: v.word("category", l.GetReportingCategory())},
			{Amount: value(l.GetAmount())}, {Amount: value(l.GetFee())}, {Amount: value(l.GetNet())}, {},
			{Ties: c.ties(v, l.GetTransactionId(), l.GetSourceId())},
		}}
		if l.GetDonationId() != "" {
			row.Cells[5].Links = []Choice{{Label: begin(l.GetDonationId()), URL: v.link(giftsPath + l.GetDonationId())}}
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}

// arrival is the day on which a payout arrives. Stripe means a day, and says it as
// midnight in UTC.
func (v *visit) arrival(p *donationv1.Payout) time.Time {
	if p.GetArrivalDate() == 0 {
		return time.Time{}
	}
	return time.UnixMicro(p.GetArrivalDate()).UTC()
}
