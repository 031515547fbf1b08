package console

import (
	"slices"
	"strings"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
)

// afterwards puts onto a gift's page what happened after it was paid, and how it was.
func (c *Console) afterwards(v *visit, page *Gift, found *donationv1.GetDonationResponse) {
	donation := found.GetDonation()
	page.Returned, page.Left = *value(donation.GetReturned()), *value(found.GetLeft())
	if donation.GetPaymentMethod() != "" {
		page.Method = v.word("method", donation.GetPaymentMethod())
	}
	if id := donation.GetRecurringPlanId(); id != "" {
		page.Plan = Tie{ID: id, URL: v.link(under(plansPath, id))}
	}
	page.Invoice = c.tie(v, donation.GetInvoiceId())
	if len(donation.GetRefunds()) > 0 {
		table := v.refundTable(donation.GetRefunds(), c.who(v), false)
		c.tieRefunds(v, &table, donation.GetRefunds())
		page.Refunds = &table
	}
	if len(donation.GetDisputes()) > 0 {
		table := c.disputeTable(v, donation.GetDisputes(), false)
		page.Disputes = &table
	}
	page.AtBank = disputed(donation)
	if v.mayAct() && found.GetLeft().GetMinor() > 0 && !page.AtBank {
		page.GiveBack = v.link(giftsPath + donation.GetDonationId() + "/refund")
	}
	// What a form did is read from the refund itself, so that it is true whenever the
	// page is loaded.
	asked := v.query.Get("request")
	at := slices.IndexFunc(donation.GetRefunds(), func(r *donationv1.Refund) bool { return asked != "" && r.GetRequestId() == asked })
	if at >= 0 {
		r := donation.GetRefunds()[at]
		page.Request = &Fact{Label: v.spoken.Say("console.refund.sent"), Cell: v.refundState(r)}
		page.Request.Cell.Amount = value(r.GetAmount())
		if r.GetStatus() == "waiting" {
			page.Request.Cell.Links = []Choice{{Label: v.spoken.Say("console.refunds.waiting"), URL: v.link(refundsPath, showParameter, "waiting")}}
		}
	}
}

// giftState says how a gift stands, and what of it went back.
func (v *visit) giftState(d *donationv1.Donation) Cell {
	cell := v.state("state", strings.ToLower(strings.TrimPrefix(d.GetState().String(), "STATE_")))
	if d.GetReturned().GetMinor() > 0 {
		cell.Soft = append(cell.Soft, v.spoken.Say("console.figure.returned")+": "+v.spoken.Money(*value(d.GetReturned())))
	}
	return cell
}
