package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

// refunds lists them: all, those that wait for a second person, those that failed.
func (c *Console) refunds(w http.ResponseWriter, v *visit) {
	page, err := c.refundList(v)
	if err != nil {
		c.fail(w, v, err)
		return
	}
	switch v.query.Get("done") {
	case "approved", "declined":
		page.Done = v.spoken.Say("console.refunds.done." + v.query.Get("done"))
	}
	c.showList(w, v, page)
}

var errNoPage = apperr.New(apperr.NotFound, "PAGE_UNKNOWN", "There is no such page.")

func (c *Console) refundList(v *visit) (*Listing, error) {
	show, tabs, known := v.tabs(refundsPath, "refunds", []string{"all", "waiting", "failed"})
	if !known {
		return nil, errNoPage
	}
	listed, err := c.donations.ListRefunds(v.ctx, &donationv1.ListRefundsRequest{
		Waiting: show == "waiting", Failed: show == "failed", PageToken: v.query.Get(pageParameter), PageSize: listed,
	})
	if err != nil {
		return nil, err
	}
	page := &Listing{
		Desk: v.newDesk(v.spoken.Say("console.area.refunds"), "refunds"), Heading: v.spoken.Say("console.area.refunds"), Tabs: tabs,
		Intro: []string{v.spoken.Say("console.refunds.intro." + show)},
	}
	table := v.refundTable(listed.GetRefunds(), c.who(v), true)
	table.Empty = v.spoken.Say("console.refunds.none." + show)
	if v.mayAct() {
		v.decisions(&table, listed.GetRefunds())
	}
	c.tieRefunds(v, &table, listed.GetRefunds())
	page.Tables = []Table{table}
	v.turn(page, refundsPath, listed.GetNextPageToken())
	return page, nil
}

// refundTable draws refunds, with the way to each one's gift where that is not the
// page itself.
func (v *visit) refundTable(refunds []*donationv1.Refund, who func(string) string, ofMany bool) Table {
	table := Table{
		Name:    v.spoken.Say("console.area.refunds"),
		Columns: v.columns("day", "+amount", "state", "reason", "who", "rests_on"),
	}
	for _, r := range refunds {
		back := Cell{Amount: value(r.GetAmount())}
		if ofMany {
			back.URL = v.link(giftsPath + r.GetDonationId())
		}
		table.Rows = append(table.Rows, Row{Cells: []Cell{
			{At: v.moment(r.GetCreatedAt())}, back, v.refundState(r),
			{Text: v.word("refund.reason", r.GetReason()), Typed: r.GetNote()},
			{Soft: v.refundPeople(r, who)},
			{},
		}})
	}
	return table
}

// refundState says how a refund stands, and what is to be done where the donor was not
// paid.
func (v *visit) refundState(r *donationv1.Refund) Cell {
	cell := v.state("refund.status", r.GetStatus())
	if r.GetFailureReason() != "" {
		cell.Soft = append(cell.Soft, v.word("refund.failure", r.GetFailureReason()))
	}
	switch r.GetStatus() {
	case "failed", "canceled":
		cell.Soft = append(cell.Soft, v.spoken.Say("console.refund.unpaid"))
	case "refused", "requires_action", "asked":
		cell.Soft = append(cell.Soft, v.spoken.Say("console.refund.do."+r.GetStatus()))
	}
	return cell
}

func (v *visit) refundPeople(r *donationv1.Refund, who func(string) string) []string {
	if r.GetRequestId() == "" {
		return []string{v.spoken.Say("console.refund.dashboard")}
	}
	people := []string{v.spoken.Say("console.refund.asked_by", "Who", who(r.GetRequestedBy()))}
	switch {
	case r.GetDecidedBy() == "":
	case r.GetStatus() == "declined":
		people = append(people, v.spoken.Say("console.refund.declined_by", "Who", who(r.GetDecidedBy())))
	default:
		people = append(people, v.spoken.Say("console.refund.approved_by", "Who", who(r.GetDecidedBy())))
	}
	return people
}

func (c *Console) tieRefunds(v *visit, table *Table, refunds []*donationv1.Refund) {
	for i, r := range refunds {
		last := len(table.Rows[i].Cells) - 1
		table.Rows[i].Cells[last].Ties = c.ties(v, r.GetRefundId())
	}
}

// decisions puts the second person's buttons beside what waits for one. Whoever asked
// for the money is told why there are none.
func (v *visit) decisions(table *Table, refunds []*donationv1.Refund) {
	me, _ := rpc.ActingPerson(v.ctx)
	some := false
	for i, r := range refunds {
		if r.GetStatus() != "waiting" {
			continue
		}
		if r.GetRequestedBy() == me.ID {
			table.Rows[i].Cells[2].Soft = append(table.Rows[i].Cells[2].Soft, v.spoken.Say("console.refund.own"))
			continue
		}
		some = true
		button := func(value, key string, quiet bool) Button {
			return Button{
				Action: v.link(under(refundsPath, r.GetRequestId()) + "/decision"), Name: "approve", Value: value,
				Label: v.spoken.Say(key), About: v.spoken.Money(*table.Rows[i].Cells[1].Amount), Quiet: quiet,
			}
		}
		table.Rows[i].Buttons = []Button{button("1", "console.refund.approve", false), button("0", "console.refund.decline", true)}
	}
	if some {
		table.Columns = append(table.Columns, v.columns("do")...)
	}
}

// decide is the second person's word.
func (c *Console) decide(w http.ResponseWriter, v *visit) {
	if !c.front.ReadForm(w, v.r, largestForm) {
		return
	}
	word := v.r.PostForm.Get("approve")
	if word != "1" && word != "0" {
		c.unknown(w, v)
		return
	}
	_, err := c.donations.DecideRefund(v.ctx, &donationv1.DecideRefundRequest{RequestId: v.r.PathValue("id"), Approve: word == "1"})
	if err != nil {
		c.undecided(w, v, err)
		return
	}
	done := map[string]string{"1": "approved", "0": "declined"}[word]
	v.goTo(w, v.link(refundsPath, "done", done))
}

// undecided shows the list as it is by now, with what speaks against the decision.
func (c *Console) undecided(w http.ResponseWriter, v *visit, err error) {
	var refusal *apperr.Error
	if !errors.As(err, &refusal) || !slices.Contains([]string{"SAME_PERSON", "DECIDED"}, refusal.Reason) && len(refusal.Fields) == 0 {
		c.fail(w, v, err)
		return
	}
	page, err := c.refundList(v)
	if err != nil {
		c.fail(w, v, err)
		return
	}
	c.again(w, v, page, refusal)
}

// lately is how long something that went wrong is called to mind.
const lately = 30 * 24 * time.Hour

func (c *Console) since(micros int64) time.Duration { return c.front.Now().Sub(time.UnixMicro(micros)) }

// disputed reports whether a gift is at its donor's bank, where nothing can be given
// back.
func disputed(donation *donationv1.Donation) bool {
	return slices.ContainsFunc(donation.GetDisputes(), func(d *donationv1.Dispute) bool {
		return isOpen(d) && !isInquiry(d)
	})
}

func isInquiry(d *donationv1.Dispute) bool { return strings.HasPrefix(d.GetStatus(), "warning_") }

func isOpen(d *donationv1.Dispute) bool {
	return !slices.Contains([]string{"won", "lost", "warning_closed", "prevented"}, d.GetStatus())
}
