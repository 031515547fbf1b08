package app

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/almoner/almoner/services/internal/platform/telemetry"
)

// Standing is what is not done yet, and what waits for staff.
type Standing struct {
	Backlog
	Drawings int64
	// Oldest is when the gift succeeded that has waited longest for its receipt;
	// zero without one.
	Oldest time.Time
	// Parked counts, by queue.
	Parked map[Queue]int64
}

// Watch tells operators what donors are owed.
func (a *App) Watch() prometheus.Collector {
	due := prometheus.NewDesc("almoner_receipts_due", "Gifts that wait for their receipt.", nil, nil)
	age := prometheus.NewDesc("almoner_receipts_due_age_seconds", "How long the oldest of them has waited; 0 without one.", nil, nil)
	mails := prometheus.NewDesc("almoner_receipt_mails_due", "Receipts whose mail was not handed over yet.", nil, nil)
	drawings := prometheus.NewDesc("almoner_receipt_drawings_due", "Receipts whose PDF was not drawn yet; those that wait for a font included.", nil, nil)
	parked := map[Queue]*prometheus.Desc{}
	for queue, kind := range map[Queue]string{GiftQueue: "receipt", DrawingQueue: "pdf", MailQueue: "mail",
		CorrectionQueue: "correction", NoticeQueue: "notice"} {
		parked[queue] = prometheus.NewDesc("almoner_parked_items", "What could not be applied and waits for staff.", nil,
			prometheus.Labels{"service": "receipt", "kind": kind})
	}
	return telemetry.NewLook("receipts", telemetry.LookEvery, a.now, func(ctx context.Context, tell telemetry.Tell) error {
		var s Standing
		err := a.store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
			var err error
			s, err = r.Standing(ctx)
			return err
		})
		if err != nil {
			return fmt.Errorf("read what is due: %w", err)
		}
		waited := 0.0
		if !s.Oldest.IsZero() {
			waited = max(0, a.now().Sub(s.Oldest).Seconds())
		}
		tell(due, float64(s.Receipts))
		tell(age, waited)
		tell(mails, float64(s.Mails))
		tell(drawings, float64(s.Drawings))
		for queue, metric := range parked {
			tell(metric, float64(s.Parked[queue]))
		}
		return nil
	}, due, age, mails, drawings, parked[GiftQueue], parked[DrawingQueue], parked[MailQueue],
		parked[CorrectionQueue], parked[NoticeQueue])
}
