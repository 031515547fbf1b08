package store

import (
	"context"
	"fmt"
	"time"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/receipt/internal/app"
)

// queue says where the rows of a queue are. All tables have the same columns
// for what was tried and what is parked.
type queue struct{ table, id string }

func queueOf(q app.Queue) (queue, error) {
	switch q {
	case app.GiftQueue:
		return queue{"receipt_due", "donation_id"}, nil
	case app.MailQueue:
		return queue{"receipt_mail", "number"}, nil
	case app.DrawingQueue:
		return queue{"receipt_drawing", "number"}, nil
	case app.CorrectionQueue:
		return queue{"receipt_correction", "donation_id"}, nil
	case app.NoticeQueue:
		return queue{"receipt_notice", "number"}, nil
	}
	return queue{}, fmt.Errorf("there is no queue %d", q)
}

// Delay keeps rows from being tried before their time.
func (tx transaction) Delay(ctx context.Context, in app.Queue, delays []app.Delay) error {
	q, err := queueOf(in)
	if err != nil || len(delays) == 0 {
		return err
	}
	var args []any
	for _, d := range delays {
		args = append(args, d.ID, int64(d.Attempts), d.Until.UnixMicro())
	}
	_, err = tx.ExecContext(ctx, `
		WITH v(id, attempts, until) AS (VALUES `+database.CastPlaceholders(len(delays), "TEXT", "BIGINT", "BIGINT")+`)
		UPDATE `+q.table+` SET attempts = v.attempts, next_attempt_at = v.until
		FROM v WHERE `+q.table+`.`+q.id+` = v.id`, args...)
	return err
}

// Park takes rows out of their queue until they are released.
func (tx transaction) Park(ctx context.Context, in app.Queue, stops []app.Stop, at time.Time) error {
	q, err := queueOf(in)
	if err != nil || len(stops) == 0 {
		return err
	}
	var args []any
	for _, s := range stops {
		args = append(args, s.ID, int64(s.Attempts), s.Reason, at.UnixMicro())
	}
	_, err = tx.ExecContext(ctx, `
		WITH v(id, attempts, reason, at) AS (VALUES `+database.CastPlaceholders(len(stops), "TEXT", "BIGINT", "TEXT", "BIGINT")+`)
		UPDATE `+q.table+` SET attempts = v.attempts, parked_reason = v.reason, parked_at = v.at
		FROM v WHERE `+q.table+`.`+q.id+` = v.id`, args...)
	return err
}

// Release puts parked rows back, to be tried at once.
func (tx transaction) Release(ctx context.Context, in app.Queue, id string) error {
	q, err := queueOf(in)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE `+q.table+` SET parked_at = 0, parked_reason = '', attempts = 0, next_attempt_at = 0
		WHERE parked_at > 0 AND (CAST($1 AS TEXT) = '' OR `+q.id+` = CAST($1 AS TEXT))`, id)
	return err
}

// Parked returns what waits for staff, the longest parked first.
func (tx transaction) Parked(ctx context.Context) ([]app.Parked, error) {
	return collect(ctx, tx, readParked, `
		SELECT CAST($1 AS BIGINT) AS queue, donation_id AS id, donation_id, attempts, parked_reason, parked_at
		FROM receipt_due WHERE parked_at > 0
		UNION ALL
		SELECT CAST($2 AS BIGINT), receipt_mail.number, receipt.donation_id, attempts, parked_reason, parked_at
		FROM receipt_mail JOIN receipt ON receipt.number = receipt_mail.number WHERE parked_at > 0
		UNION ALL
		SELECT CAST($3 AS BIGINT), receipt_drawing.number, receipt.donation_id, attempts, parked_reason, parked_at
		FROM receipt_drawing JOIN receipt ON receipt.number = receipt_drawing.number WHERE parked_at > 0
		UNION ALL
		SELECT CAST($4 AS BIGINT), donation_id, donation_id, attempts, parked_reason, parked_at
		FROM receipt_correction WHERE parked_at > 0
		UNION ALL
		SELECT CAST($5 AS BIGINT), receipt_notice.number, receipt.donation_id, attempts, parked_reason, parked_at
		FROM receipt_notice JOIN receipt ON receipt.number = receipt_notice.number WHERE parked_at > 0
		ORDER BY parked_at, queue, id`, int64(app.GiftQueue), int64(app.MailQueue), int64(app.DrawingQueue),
		int64(app.CorrectionQueue), int64(app.NoticeQueue))
}

func readParked(scan func(...any) error) (app.Parked, error) {
	var p app.Parked
	err := scan(&p.Queue, &p.ID, &p.DonationID, &p.Attempts, &p.Reason, moment{&p.Since})
	return p, err
}
