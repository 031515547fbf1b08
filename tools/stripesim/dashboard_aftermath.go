package stripesim

// aftermathRows is what the dashboard shows of money after the gift.
type aftermathRows struct {
	Refunds       []refundRow
	RefundCount   int
	RefundReasons []string
}

type refundRow struct{ ID, Charge, Amount, Status, Reason string }

func (s *Server) aftermathRows() aftermathRows {
	st := s.state
	v := aftermathRows{RefundCount: len(st.refunds.order), RefundReasons: refundReasons()}
	for _, row := range newest(&st.refunds) {
		shown := refundRow{row.ID, row.Charge, money(row.Amount, row.Currency), row.Status, row.Reason}
		if row.FailureReason != "" {
			shown.Status += ": " + row.FailureReason
		}
		v.Refunds = append(v.Refunds, shown)
	}
	return v
}

func aftermathID(object any) string {
	if o, ok := object.(*Refund); ok {
		return o.ID
	}
	return ""
}
