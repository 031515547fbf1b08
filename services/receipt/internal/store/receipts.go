package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// TakeNumbers moves the series' counter. The row stays locked until the commit,
// and a rollback moves it back: numbers cannot be lost.
func (tx transaction) TakeNumbers(ctx context.Context, series domain.Series, count int) (int64, error) {
	var last int64
	err := tx.QueryRowContext(ctx, `
		INSERT INTO receipt_series (organization_id, year, last_sequence) VALUES ($1, $2, $3)
		ON CONFLICT (organization_id, year)
		DO UPDATE SET last_sequence = receipt_series.last_sequence + excluded.last_sequence
		RETURNING last_sequence`, series.OrganizationID, series.Year, count).Scan(&last)
	return last - int64(count) + 1, err
}

// receiptColumns name their table because mails have a number too.
const receiptColumns = `receipt.code, receipt.year, receipt.sequence, receipt.version,
	receipt.organization_id, receipt.donation_id, receipt.profile,
	receipt.organization_legal_name, receipt.organization_address,
	receipt.organization_registration, receipt.organization_contact,
	receipt.donor_name, receipt.donor_email, receipt.gift_minor, receipt.cover_minor, receipt.currency,
	receipt.fund_name, receipt.received_on, receipt.issued_on,
	receipt.payment_reference, receipt.language, receipt.issued_at, receipt.trace_id,
	receipt.replaces, receipt.monthly`

// AddReceipts stores receipts and makes their PDFs and mails due.
func (tx transaction) AddReceipts(ctx context.Context, receipts []domain.Receipt) error {
	for piece := range database.Pieces(receipts) {
		var args, numbers []any
		for _, r := range piece {
			d := r.Document
			numbers = append(numbers, r.Number.String())
			args = append(args, r.Number.String(), r.Number.Code, r.Number.Year, r.Number.Sequence, r.Version,
				r.OrganizationID, r.DonationID, d.Profile,
				d.OrganizationLegalName, strings.Join(d.OrganizationAddress, "\n"),
				d.OrganizationRegistration, d.OrganizationContact,
				d.DonorName, d.DonorEmail, d.Gift.Minor, d.Cover.Minor, d.Total.Currency.Code(),
				d.FundName, d.ReceivedOn, d.IssuedOn,
				d.PaymentReference, d.Language, r.IssuedAt.UnixMicro(), r.TraceID, before(r), flag(d.Monthly))
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO receipt (number, `+strings.ReplaceAll(receiptColumns, "receipt.", "")+`)
			VALUES `+database.Placeholders(len(piece), 26), args...)
		if err != nil {
			return err
		}
		for _, queue := range []string{"receipt_drawing", "receipt_mail"} {
			_, err = tx.ExecContext(ctx, `INSERT INTO `+queue+` (number) VALUES `+database.Placeholders(len(piece), 1), numbers...)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Receipt returns the receipt with that number.
func (tx transaction) Receipt(ctx context.Context, number domain.Number) (domain.Receipt, error) {
	var r domain.Receipt
	err := tx.QueryRowContext(ctx, `SELECT `+receiptColumns+` FROM receipt WHERE number = $1`, number.String()).
		Scan(receiptFields(&r)...)
	return finish(r, err)
}

// ReceiptOfDonation returns a donation's newest receipt and when it was mailed.
func (tx transaction) ReceiptOfDonation(ctx context.Context, donationID string) (domain.Receipt, time.Time, error) {
	var r domain.Receipt
	var mailedAt time.Time
	err := tx.QueryRowContext(ctx, `
		SELECT `+receiptColumns+`, CASE WHEN receipt_mail.withdrawn = 1 THEN 0 ELSE receipt_mail.mailed_at END
		FROM receipt JOIN receipt_mail ON receipt_mail.number = receipt.number
		WHERE receipt.donation_id = $1 ORDER BY receipt.version DESC LIMIT 1`, donationID).
		Scan(append(receiptFields(&r), moment{&mailedAt})...)
	r, err = finish(r, err)
	return r, mailedAt, err
}

// DueMails returns receipts whose mail may be tried now. What became of the PDF
// must be known first. Of the mails that were never tried only the first are
// looked at: PDFs are drawn in the same order, so where the first ones wait, all
// behind them do, and behind a rush that is thousands, looked at for each mail.
func (tx transaction) DueMails(ctx context.Context, now time.Time, limit int) ([]app.DueMail, error) {
	return collect(ctx, tx, readDueMail, `
		WITH untried AS (
			SELECT number, attempts, next_attempt_at FROM receipt_mail
			WHERE mailed_at = 0 AND parked_at = 0 AND next_attempt_at = 0 ORDER BY next_attempt_at, number LIMIT $2
		), tried AS (
			SELECT number, attempts, next_attempt_at FROM receipt_mail
			WHERE mailed_at = 0 AND parked_at = 0 AND next_attempt_at > 0 AND next_attempt_at <= $1 ORDER BY next_attempt_at, number LIMIT $2
		), mail AS (SELECT * FROM untried UNION ALL SELECT * FROM tried)
		SELECT `+receiptColumns+`, mail.attempts
		FROM mail
		JOIN receipt ON receipt.number = mail.number
		JOIN receipt_drawing ON receipt_drawing.number = mail.number
		WHERE receipt_drawing.drawn_at > 0 OR receipt_drawing.parked_at > 0 OR receipt_drawing.waits_for <> ''
		ORDER BY mail.next_attempt_at, mail.number LIMIT $2`, now.UnixMicro(), limit)
}

func readDueMail(scan func(...any) error) (app.DueMail, error) {
	var m app.DueMail
	err := scan(append(receiptFields(&m.Receipt), &m.Attempts)...)
	if err != nil {
		return app.DueMail{}, err
	}
	m.Receipt, err = finish(m.Receipt, nil)
	return m, err
}

// MarkMailed notes that a receipt's mail was handed over; the first time counts. A
// mail that was withdrawn while it was on its way went out all the same, and nobody
// has made the notice of what was thought to be unsent.
func (tx transaction) MarkMailed(ctx context.Context, number domain.Number, at time.Time) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE receipt_mail SET mailed_at = $1 WHERE number = $2 AND mailed_at = 0`, at.UnixMicro(), number.String())
	if err != nil {
		return err
	}
	late, err := tx.ExecContext(ctx, `
		UPDATE receipt_mail SET mailed_at = $1, withdrawn = 0 WHERE number = $2 AND withdrawn = 1`, at.UnixMicro(), number.String())
	if err != nil {
		return err
	}
	count, err := late.RowsAffected()
	if err != nil || count == 0 {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO receipt_notice (number)
		SELECT number FROM receipt_ending WHERE number = $1 AND state = 'void' ON CONFLICT (number) DO NOTHING`, number.String())
	return err
}

// receiptFields are where receiptColumns are read to.
func receiptFields(r *domain.Receipt) []any {
	d := &r.Document
	return []any{
		&r.Number.Code, &r.Number.Year, &r.Number.Sequence, &r.Version,
		&r.OrganizationID, &r.DonationID, &d.Profile,
		&d.OrganizationLegalName, address{&d.OrganizationAddress},
		&d.OrganizationRegistration, &d.OrganizationContact,
		&d.DonorName, &d.DonorEmail, &d.Gift.Minor, &d.Cover.Minor, currency{[]*money.Amount{&d.Gift, &d.Cover}},
		&d.FundName, &d.ReceivedOn, &d.IssuedOn,
		&d.PaymentReference, &d.Language, moment{&r.IssuedAt}, &r.TraceID,
		numbered{&r.Replaces}, &d.Monthly,
	}
}

// before is the number of the receipt that one replaces, as it is stored.
func before(r domain.Receipt) string {
	if r.Replaces == (domain.Number{}) {
		return ""
	}
	return r.Replaces.String()
}

// flag is a yes or no, as it is stored.
func flag(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// finish adds what no column holds to a receipt that was read.
func finish(r domain.Receipt, err error) (domain.Receipt, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return domain.Receipt{}, app.ErrNoReceipt
	}
	if err != nil {
		return domain.Receipt{}, err
	}
	r.Document.Total, err = r.Document.Gift.Add(r.Document.Cover)
	return r, err
}
