package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
)

// LockTotals is app.Tx's.
func (t *boundTx) LockTotals(ctx context.Context, appealIDs, pageIDs []string) (domain.Totals, error) {
	totals := domain.Totals{Appeals: map[string]domain.AppealTotal{}, Pages: map[string]domain.PageTotal{}}
	err := t.lockRows(ctx, `SELECT id, organization_id, currency, `+totalColumns+`
		FROM appeal_total AS total JOIN appeal ON id = appeal_id`, appealIDs, func(row scanner) error {
		var id, currency string
		var total domain.AppealTotal
		err := row.Scan(append([]any{&id, &total.OrganizationID, &currency}, totalFields(&total.Total)...)...)
		if err != nil {
			return err
		}
		total.Currency, err = money.ParseCurrency(currency)
		totals.Appeals[id] = total
		return err
	})
	if err != nil {
		return domain.Totals{}, fmt.Errorf("lock totals of appeals: %w", err)
	}
	err = t.lockRows(ctx, `SELECT id, appeal_id, `+totalColumns+`
		FROM fundraiser_total AS total JOIN fundraiser ON id = fundraiser_id`, pageIDs, func(row scanner) error {
		var id string
		var total domain.PageTotal
		err := row.Scan(append([]any{&id, &total.AppealID}, totalFields(&total.Total)...)...)
		totals.Pages[id] = total
		return err
	})
	if err != nil {
		return domain.Totals{}, fmt.Errorf("lock totals of fundraisers: %w", err)
	}
	return totals, nil
}

// lockRows reads the rows with these ids in the order of their ids, so that
// two writers never wait for each other, and locks their totals alone: the
// catalogue beside them may be read and loaded meanwhile.
func (t *boundTx) lockRows(ctx context.Context, query string, ids []string, read func(scanner) error) error {
	lock := t.tx.ForUpdate()
	if lock != "" {
		lock += " OF total"
	}
	for piece := range database.Pieces(slices.Sorted(slices.Values(ids))) {
		arguments := make([]any, 0, len(piece))
		for _, id := range piece {
			arguments = append(arguments, id)
		}
		rows, err := t.tx.QueryContext(ctx,
			query+` WHERE id IN `+database.Placeholders(1, len(piece))+` ORDER BY id`+lock, arguments...)
		_, err = all(rows, err, func(row scanner) (struct{}, error) { return struct{}{}, read(row) })
		if err != nil {
			return err
		}
	}
	return nil
}

// AddGifts is app.Tx's.
func (t *boundTx) AddGifts(ctx context.Context, gifts []domain.CountedGift, countedAt time.Time) (map[string]bool, error) {
	const columns = 11
	added := make(map[string]bool, len(gifts))
	for piece := range database.Pieces(gifts) {
		arguments := make([]any, 0, columns*len(piece))
		for _, g := range piece {
			arguments = append(arguments, g.DonationID, g.OrganizationID, g.AppealID, g.PageID, g.Amount.Minor,
				g.Amount.Currency.Code(), string(g.Visibility), g.PaidAt, g.Pos, countedAt.UnixMicro(), g.TotalAfter)
		}
		rows, err := t.tx.QueryContext(ctx, `INSERT INTO gift (donation_id, organization_id, appeal_id, fundraiser_id,
				gift_minor, currency, visibility, paid_at, pos, counted_at, total_minor)
			VALUES `+database.Placeholders(len(piece), columns)+`
			ON CONFLICT (donation_id) DO NOTHING RETURNING donation_id`, arguments...)
		ids, err := all(rows, err, func(row scanner) (string, error) {
			var id string
			err := row.Scan(&id)
			return id, err
		})
		if err != nil {
			return nil, fmt.Errorf("insert gifts: %w", err)
		}
		for _, id := range ids {
			added[id] = true
		}
	}
	return added, nil
}

// SetTotalsAfter is app.Tx's.
func (t *boundTx) SetTotalsAfter(ctx context.Context, gifts []domain.CountedGift) error {
	for piece := range database.Pieces(gifts) {
		arguments := make([]any, 0, 2*len(piece))
		for _, g := range piece {
			arguments = append(arguments, g.DonationID, g.TotalAfter)
		}
		_, err := t.tx.ExecContext(ctx, `WITH v(id, total) AS (VALUES `+
			database.CastPlaceholders(len(piece), "TEXT", "BIGINT")+`)
			UPDATE gift SET total_minor = v.total FROM v WHERE donation_id = v.id`, arguments...)
		if err != nil {
			return fmt.Errorf("update gifts: %w", err)
		}
	}
	return nil
}

// SetTotals is app.Tx's.
func (t *boundTx) SetTotals(ctx context.Context, totals domain.Totals) error {
	appeals := make(map[string]domain.Total, len(totals.Appeals))
	for id, total := range totals.Appeals {
		appeals[id] = total.Total
	}
	pages := make(map[string]domain.Total, len(totals.Pages))
	for id, total := range totals.Pages {
		pages[id] = total.Total
	}
	// Last of all rows that are locked here, so that two writers never wait for
	// each other.
	revision, err := t.revise(ctx, "totals")
	if err != nil {
		return err
	}
	err = t.setTotals(ctx, "appeal", appeals, revision)
	if err != nil {
		return err
	}
	return t.setTotals(ctx, "fundraiser", pages, revision)
}

// setTotals writes all totals of one table at once: a page that everybody
// gives to costs one row version a batch, not one a gift.
func (t *boundTx) setTotals(ctx context.Context, table string, totals map[string]domain.Total, revision int64) error {
	for piece := range database.Pieces(slices.Sorted(maps.Keys(totals))) {
		arguments := make([]any, 0, 9*len(piece))
		for _, id := range piece {
			total := totals[id]
			arguments = append(arguments, id, total.Settled, total.Gifts, total.AsOf,
				total.Processing, total.Refunded, total.Lost, total.Disputed, revision)
		}
		_, err := t.tx.ExecContext(ctx, `WITH v(id, settled, gifts, as_of, processing, refunded, lost, disputed, revision) AS (VALUES `+
			database.CastPlaceholders(len(piece), "TEXT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT")+`)
			UPDATE `+table+`_total SET settled_minor = v.settled, gifts = v.gifts, as_of = v.as_of,
				processing_minor = v.processing, refunded_minor = v.refunded, lost_minor = v.lost, disputed_minor = v.disputed,
				totals_revision = v.revision
			FROM v WHERE `+table+`_id = v.id`, arguments...)
		if err != nil {
			return fmt.Errorf("update totals of %ss: %w", table, err)
		}
	}
	return nil
}

const giftColumns = `donation_id, organization_id, appeal_id, fundraiser_id, gift_minor, currency, visibility,
	paid_at, pos, counted_at, total_minor, returned_minor`

// totalColumns and totalFields are a total, of an appeal or of a page.
const totalColumns = `settled_minor, gifts, as_of, processing_minor, refunded_minor, lost_minor, disputed_minor`

func totalFields(t *domain.Total) []any {
	return []any{&t.Settled, &t.Gifts, &t.AsOf, &t.Processing, &t.Refunded, &t.Lost, &t.Disputed}
}

func scanGift(row scanner) (app.CountedGift, error) {
	var g app.CountedGift
	var currency string
	var countedAt int64
	err := row.Scan(&g.DonationID, &g.OrganizationID, &g.AppealID, &g.PageID, &g.Amount.Minor, &currency,
		&g.Visibility, &g.PaidAt, &g.Pos, &countedAt, &g.TotalAfter, &g.Returned)
	if err != nil {
		return app.CountedGift{}, err
	}
	g.CountedAt = fromMicros(countedAt)
	g.Amount.Currency, err = money.ParseCurrency(currency)
	return g, err
}

// Gift is app.Reader's.
func (t *boundTx) Gift(ctx context.Context, donationID string) (app.CountedGift, bool, error) {
	row := t.tx.QueryRowContext(ctx, `SELECT `+giftColumns+` FROM gift WHERE donation_id = $1`, donationID)
	gift, found, err := one(row, scanGift)
	return gift, found, wrap("read gift", err)
}

// RecentGifts is app.Reader's.
func (t *boundTx) RecentGifts(ctx context.Context, appealID, pageID string, limit int) ([]domain.Gift, error) {
	where, key := `appeal_id = $1`, appealID
	if pageID != "" {
		// Said twice so that SQLite sees that the partial index will do.
		where, key = `fundraiser_id = $1 AND fundraiser_id <> ''`, pageID
	}
	rows, err := t.tx.QueryContext(ctx, `SELECT `+giftColumns+` FROM gift WHERE `+where+` AND returned_minor < gift_minor
		ORDER BY paid_at DESC, donation_id LIMIT $2`, key, limit)
	gifts, err := all(rows, err, func(row scanner) (domain.Gift, error) {
		gift, err := scanGift(row)
		return gift.Gift, err
	})
	return gifts, wrap("read recent gifts", err)
}
