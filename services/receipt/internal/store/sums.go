package store

import (
	"context"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/receipt/internal/app"
)

// Sums adds up the receipts in force. (SUM is not an integer on PostgreSQL.)
func (tx transaction) Sums(ctx context.Context) ([]app.Sum, error) {
	return collect(ctx, tx, readSum, `
		SELECT organization_id, currency, CAST(SUM(gift_minor + cover_minor) AS BIGINT), COUNT(*)
		FROM receipt WHERE NOT EXISTS (SELECT 1 FROM receipt_ending WHERE receipt_ending.number = receipt.number)
		GROUP BY organization_id, currency ORDER BY organization_id, currency`)
}

func readSum(scan func(...any) error) (app.Sum, error) {
	var s app.Sum
	err := scan(&s.OrganizationID, currency{[]*money.Amount{&s.Total}}, &s.Total.Minor, &s.Receipts)
	return s, err
}

// Backlog counts what is due and not parked.
func (tx transaction) Backlog(ctx context.Context) (app.Backlog, error) {
	var b app.Backlog
	err := tx.QueryRowContext(ctx, `
		SELECT (SELECT COUNT(*) FROM receipt_due WHERE parked_at = 0)
		           + (SELECT COUNT(*) FROM receipt_correction WHERE parked_at = 0),
		       (SELECT COUNT(*) FROM receipt_mail WHERE mailed_at = 0 AND parked_at = 0)
		           + (SELECT COUNT(*) FROM receipt_notice WHERE mailed_at = 0 AND parked_at = 0)`).Scan(&b.Receipts, &b.Mails)
	return b, err
}

// Standing reads small tables and small indexes: it is asked again and again.
func (tx transaction) Standing(ctx context.Context) (app.Standing, error) {
	s := app.Standing{Parked: map[app.Queue]int64{}}
	var since, gifts, mails, drawings, corrections, notices int64
	err := tx.QueryRowContext(ctx, `
		SELECT (SELECT COUNT(*) FROM receipt_due WHERE parked_at = 0),
		       (SELECT COALESCE(MIN(succeeded_at), 0) FROM receipt_due WHERE parked_at = 0),
		       (SELECT COUNT(*) FROM receipt_mail WHERE mailed_at = 0 AND parked_at = 0),
		       (SELECT COUNT(*) FROM receipt_drawing WHERE drawn_at = 0 AND parked_at = 0),
		       (SELECT COUNT(*) FROM receipt_due WHERE parked_at > 0),
		       (SELECT COUNT(*) FROM receipt_mail WHERE parked_at > 0),
		       (SELECT COUNT(*) FROM receipt_drawing WHERE parked_at > 0),
		       (SELECT COUNT(*) FROM receipt_correction WHERE parked_at > 0),
		       (SELECT COUNT(*) FROM receipt_notice WHERE parked_at > 0)`).
		Scan(&s.Receipts, &since, &s.Mails, &s.Drawings, &gifts, &mails, &drawings, &corrections, &notices)
	if err != nil {
		return app.Standing{}, err
	}
	if since > 0 {
		s.Oldest = time.UnixMicro(since).UTC()
	}
	s.Parked[app.GiftQueue], s.Parked[app.MailQueue], s.Parked[app.DrawingQueue] = gifts, mails, drawings
	s.Parked[app.CorrectionQueue], s.Parked[app.NoticeQueue] = corrections, notices
	return s, nil
}

// SeriesFaults returns the series that are not dense. Sequences are positive,
// so n different ones up to n are 1, 2, …, n. A series with receipts but
// without a counter is found too.
func (tx transaction) SeriesFaults(ctx context.Context) ([]app.SeriesFault, error) {
	return collect(ctx, tx, readSeriesFault, `
		WITH issued AS (
			SELECT organization_id, year, COUNT(*) AS receipts,
			       COUNT(DISTINCT sequence) AS different, MAX(sequence) AS highest
			FROM receipt GROUP BY organization_id, year
		), series AS (
			SELECT organization_id, year FROM receipt_series
			UNION
			SELECT organization_id, year FROM issued
		), compared AS (
			SELECT series.organization_id, series.year,
			       COALESCE(receipt_series.last_sequence, 0) AS counter,
			       COALESCE(issued.receipts, 0) AS receipts,
			       COALESCE(issued.different, 0) AS different,
			       COALESCE(issued.highest, 0) AS highest
			FROM series
			LEFT JOIN receipt_series
				ON receipt_series.organization_id = series.organization_id AND receipt_series.year = series.year
			LEFT JOIN issued
				ON issued.organization_id = series.organization_id AND issued.year = series.year
		)
		SELECT organization_id, year, counter, receipts, different, highest FROM compared
		WHERE NOT (counter = receipts AND different = receipts AND highest = receipts)
		ORDER BY organization_id, year`)
}

func readSeriesFault(scan func(...any) error) (app.SeriesFault, error) {
	var f app.SeriesFault
	err := scan(&f.Series.OrganizationID, &f.Series.Year, &f.Counter, &f.Receipts, &f.Distinct, &f.Highest)
	return f, err
}

// Checkpoints returns how far the consumed feeds are applied.
func (tx transaction) Checkpoints(ctx context.Context) ([]app.Checkpoint, error) {
	list, err := feed.Checkpoints(ctx, tx)
	if err != nil {
		return nil, err
	}
	var checkpoints []app.Checkpoint
	for _, c := range list {
		checkpoints = append(checkpoints, app.Checkpoint{Feed: c.Feed, Epoch: c.Epoch, Pos: c.Pos})
	}
	return checkpoints, nil
}
