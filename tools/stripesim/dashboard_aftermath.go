package stripesim

import (
	"fmt"
	"time"
)

// aftermathRows is what the dashboard shows of money after the gift.
type aftermathRows struct {
	Refunds                       []refundRow
	Disputes                      []disputeRow
	Payouts                       []payoutRow
	RefundCount, DisputeCount     int
	PayoutCount                   int
	RefundReasons, DisputeReasons []string
}

type (
	payoutRow struct {
		ID, Amount, Status, Kind, Arrives string
		Steps                             []string
	}
	refundRow  struct{ ID, Charge, Amount, Status, Reason string }
	disputeRow struct {
		ID, Charge, Amount, Status, Reason, DueBy string
		Outcomes                                  []string
	}
)

func (s *Server) aftermathRows() aftermathRows {
	st := s.state
	v := aftermathRows{
		RefundCount: len(st.refunds.order), RefundReasons: refundReasons(),
		DisputeCount: len(st.disputes.order), DisputeReasons: disputeReasons(), PayoutCount: len(st.payouts.order),
	}
	for _, row := range newest(&st.refunds) {
		shown := refundRow{row.ID, row.Charge, money(row.Amount, row.Currency), row.Status, row.Reason}
		if row.FailureReason != "" {
			shown.Status += ": " + row.FailureReason
		}
		v.Refunds = append(v.Refunds, shown)
	}
	for _, row := range newest(&st.disputes) {
		v.Disputes = append(v.Disputes, disputeRow{
			row.ID, row.Charge, money(row.Amount, row.Currency), row.Status, row.Reason,
			time.Unix(row.DueBy, 0).UTC().Format(time.DateTime), row.outcomes(),
		})
	}
	for _, row := range newest(&st.payouts) {
		kind := "manual"
		if row.Automatic {
			kind = fmt.Sprintf("automatic, %d transactions", len(st.contents[row.ID]))
		}
		v.Payouts = append(v.Payouts, payoutRow{
			row.ID, money(row.Amount, row.Currency), row.Status, kind,
			time.Unix(row.ArrivalDate, 0).UTC().Format(time.DateOnly), row.steps(),
		})
	}
	return v
}

// steps are the buttons of a payout.
func (p *Payout) steps() []string {
	switch p.Status {
	case payoutPending, payoutInTransit:
		return []string{payoutPaid, payoutFailed}
	case payoutPaid:
		return []string{payoutFailed}
	}
	return nil
}

// outcomes are the buttons of a dispute.
func (d *Dispute) outcomes() []string {
	switch {
	case d.closed():
		return nil
	case d.inquiry():
		return []string{"closed", "escalate"}
	}
	return []string{"won", "lost"}
}

func aftermathID(object any) string {
	switch o := object.(type) {
	case *Refund:
		return o.ID
	case *Dispute:
		return o.ID
	case *Payout:
		return o.ID
	case *FraudWarning:
		return o.ID
	case *Review:
		return o.ID
	}
	return ""
}
