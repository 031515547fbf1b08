package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

const changeColumns = `donation_id, kind, object, gift_minor, cover_minor, currency`

// AddChanges stores changes and makes corrections due. One that is there already
// makes none due: it was made due with the change.
func (tx transaction) AddChanges(ctx context.Context, changes []domain.Change) error {
	for piece := range database.Pieces(changes) {
		var args []any
		for _, c := range piece {
			args = append(args, c.DonationID, string(c.Kind), c.Object, c.Gift.Minor, c.Cover.Minor, c.Gift.Currency.Code())
		}
		donations, err := collect(ctx, tx, readText, `INSERT INTO gift_change (`+changeColumns+`)
			VALUES `+database.Placeholders(len(piece), 6)+`
			ON CONFLICT (donation_id, kind, object) DO NOTHING RETURNING donation_id`, args...)
		if err != nil {
			return err
		}
		slices.Sort(donations)
		donations = slices.Compact(donations)
		if len(donations) == 0 {
			continue
		}
		// One that is parked is tried again: what it lacked may be this.
		_, err = tx.ExecContext(ctx, `INSERT INTO receipt_correction (donation_id)
			VALUES `+database.Placeholders(len(donations), 1)+`
			ON CONFLICT (donation_id) DO UPDATE SET attempts = 0, next_attempt_at = 0, parked_at = 0, parked_reason = ''`, texts(donations)...)
		if err != nil {
			return err
		}
	}
	return nil
}

func readText(scan func(...any) error) (string, error) {
	var text string
	err := scan(&text)
	return text, err
}

// ChangesOf returns what happened to a donation.
func (tx transaction) ChangesOf(ctx context.Context, donationID string) ([]domain.Change, error) {
	return collect(ctx, tx, func(scan func(...any) error) (domain.Change, error) {
		var c domain.Change
		err := scan(&c.DonationID, &c.Kind, &c.Object, &c.Gift.Minor, &c.Cover.Minor, currency{[]*money.Amount{&c.Gift, &c.Cover}})
		return c, err
	}, `SELECT `+changeColumns+` FROM gift_change WHERE donation_id = $1 ORDER BY kind, object`, donationID)
}

// DueCorrections returns donations that have a receipt which may be corrected now.
func (tx transaction) DueCorrections(ctx context.Context, now time.Time, limit int) ([]app.DueCorrection, error) {
	return collect(ctx, tx, readDueCorrection, `
		SELECT donation_id, attempts FROM receipt_correction
		WHERE parked_at = 0 AND next_attempt_at <= $1
		AND EXISTS (SELECT 1 FROM receipt WHERE receipt.donation_id = receipt_correction.donation_id)
		ORDER BY next_attempt_at, donation_id LIMIT $2`, now.UnixMicro(), limit)
}

// LockCorrections returns those that are still due, locked by their ids.
func (tx transaction) LockCorrections(ctx context.Context, donationIDs []string) ([]app.DueCorrection, error) {
	var locked []app.DueCorrection
	for piece := range database.Pieces(slices.Sorted(slices.Values(donationIDs))) {
		found, err := collect(ctx, tx, readDueCorrection, `
			SELECT donation_id, attempts FROM receipt_correction
			WHERE parked_at = 0 AND donation_id IN `+database.Placeholders(1, len(piece))+`
			ORDER BY donation_id`+tx.ForUpdate(), texts(piece)...)
		if err != nil {
			return nil, err
		}
		locked = append(locked, found...)
	}
	return locked, nil
}

func readDueCorrection(scan func(...any) error) (app.DueCorrection, error) {
	var d app.DueCorrection
	err := scan(&d.DonationID, &d.Attempts)
	return d, err
}

// RemoveCorrections ends them. Their rows are locked, so nothing has come since.
func (tx transaction) RemoveCorrections(ctx context.Context, donationIDs []string) error {
	for piece := range database.Pieces(donationIDs) {
		_, err := tx.ExecContext(ctx, `DELETE FROM receipt_correction WHERE donation_id IN `+
			database.Placeholders(1, len(piece)), texts(piece)...)
		if err != nil {
			return err
		}
	}
	return nil
}

// AddEndings ends receipts. The mail decides whether the donor must hear of it:
// who was never told of a receipt need not be told that it is void.
func (tx transaction) AddEndings(ctx context.Context, endings []domain.Ending) error {
	for _, e := range endings {
		number, by := e.Number.String(), ""
		if e.ReplacedBy != (domain.Number{}) {
			by = e.ReplacedBy.String()
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO receipt_ending (number, state, replaced_by, ended_at) VALUES ($1, $2, $3, $4)`,
			number, string(e.State), by, e.EndedAt.UnixMicro())
		if err != nil {
			return err
		}
		withdrawn, err := tx.ExecContext(ctx, `UPDATE receipt_mail SET mailed_at = $1, withdrawn = 1
			WHERE number = $2 AND mailed_at = 0`, e.EndedAt.UnixMicro(), number)
		if err != nil {
			return err
		}
		count, err := withdrawn.RowsAffected()
		if err != nil {
			return err
		}
		if e.State != domain.Void || count > 0 {
			continue
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO receipt_notice (number) VALUES ($1)`, number)
		if err != nil {
			return err
		}
	}
	return nil
}

// ReceiptStanding adds what became of a receipt.
func (tx transaction) ReceiptStanding(ctx context.Context, r domain.Receipt) (domain.Standing, error) {
	s := domain.Standing{Receipt: r}
	err := tx.QueryRowContext(ctx, `SELECT state, ended_at FROM receipt_ending WHERE number = $1`, r.Number.String()).
		Scan(&s.Ending.State, moment{&s.Ending.EndedAt})
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return domain.Standing{}, err
	default:
		s.Ending.Number = r.Number
	}
	err = tx.QueryRowContext(ctx, `SELECT number FROM receipt WHERE donation_id = $1 AND version = $2`, r.DonationID, r.Version+1).Scan(numbered{&s.ReplacedBy})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return domain.Standing{}, err
	}
	if s.Ending.State == domain.Replaced {
		s.Ending.ReplacedBy = s.ReplacedBy
	}
	err = tx.QueryRowContext(ctx, `SELECT COUNT(*) > 0 FROM gift_change AS opened
		WHERE donation_id = $1 AND kind = $2 AND NOT EXISTS (SELECT 1 FROM gift_change AS decided
			WHERE decided.donation_id = opened.donation_id AND decided.kind = $3 AND decided.object = opened.object)`,
		r.DonationID, string(domain.DisputeOpened), string(domain.DisputeDecided)).Scan(&s.Held)
	return s, err
}

// FirstReceipt returns the one that says what was given.
func (tx transaction) FirstReceipt(ctx context.Context, donationID string) (domain.Receipt, error) {
	var r domain.Receipt
	err := tx.QueryRowContext(ctx, `SELECT `+receiptColumns+` FROM receipt WHERE donation_id = $1 AND version = $2`,
		donationID, domain.FirstVersion).Scan(receiptFields(&r)...)
	return finish(r, err)
}

// DueNotices returns void receipts of which the donor may be told now.
func (tx transaction) DueNotices(ctx context.Context, now time.Time, limit int) ([]app.DueMail, error) {
	return collect(ctx, tx, readDueMail, `
		SELECT `+receiptColumns+`, receipt_notice.attempts
		FROM receipt_notice JOIN receipt ON receipt.number = receipt_notice.number
		WHERE receipt_notice.mailed_at = 0 AND receipt_notice.parked_at = 0 AND receipt_notice.next_attempt_at <= $1
		ORDER BY receipt_notice.next_attempt_at, receipt_notice.number LIMIT $2`, now.UnixMicro(), limit)
}

// MarkNoticed notes that a donor was told; the first time counts.
func (tx transaction) MarkNoticed(ctx context.Context, number domain.Number, at time.Time) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE receipt_notice SET mailed_at = $1 WHERE number = $2 AND mailed_at = 0`, at.UnixMicro(), number.String())
	return err
}
