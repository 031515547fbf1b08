package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// scripts is a column with names, a line each.
func scripts(names []string) string { return strings.Join(names, "\n") }

// DueDrawings returns receipts whose PDF may be tried now.
func (tx transaction) DueDrawings(ctx context.Context, now time.Time, limit int) ([]app.DueDrawing, error) {
	return collect(ctx, tx, readDueDrawing, `
		SELECT `+receiptColumns+`, receipt_drawing.attempts, receipt_drawing.waits_for
		FROM receipt_drawing JOIN receipt ON receipt.number = receipt_drawing.number
		WHERE receipt_drawing.drawn_at = 0 AND receipt_drawing.parked_at = 0 AND receipt_drawing.next_attempt_at <= $1
		ORDER BY receipt_drawing.next_attempt_at, receipt_drawing.number LIMIT $2`, now.UnixMicro(), limit)
}

func readDueDrawing(scan func(...any) error) (app.DueDrawing, error) {
	var d app.DueDrawing
	err := scan(append(receiptFields(&d.Receipt), &d.Attempts, address{&d.WaitsFor})...)
	if err != nil {
		return app.DueDrawing{}, err
	}
	d.Receipt, err = finish(d.Receipt, nil)
	return d, err
}

// Drawing returns how far a receipt's PDF is.
func (tx transaction) Drawing(ctx context.Context, number domain.Number) (app.Drawing, error) {
	var d app.Drawing
	err := tx.QueryRowContext(ctx, `
		SELECT drawn_at > 0, waits_for FROM receipt_drawing WHERE number = $1`, number.String()).
		Scan(&d.Drawn, address{&d.WaitsFor})
	if errors.Is(err, sql.ErrNoRows) {
		return app.Drawing{}, app.ErrNoReceipt
	}
	return d, err
}

// PDF returns the file of a receipt.
func (tx transaction) PDF(ctx context.Context, number domain.Number) (app.PDF, error) {
	file := app.PDF{Number: number}
	err := tx.QueryRowContext(ctx, `
		SELECT sha256, content, drawn_at FROM receipt_pdf WHERE number = $1`, number.String()).
		Scan(&file.SHA256, &file.Content, moment{&file.DrawnAt})
	if errors.Is(err, sql.ErrNoRows) {
		return app.PDF{}, app.ErrNoPDF
	}
	return file, err
}

// AddPDFs stores files; one that is there stays.
func (tx transaction) AddPDFs(ctx context.Context, files []app.PDF) error {
	for _, file := range files {
		// Row by row, for a file is large and a batch of them larger than the
		// arguments of one statement may be.
		marked, err := tx.ExecContext(ctx, `
			UPDATE receipt_drawing SET drawn_at = $1, waits_for = '' WHERE number = $2 AND drawn_at = 0`,
			file.DrawnAt.UnixMicro(), file.Number.String())
		if err != nil {
			return err
		}
		count, err := marked.RowsAffected()
		if err != nil {
			return err
		}
		if count == 0 {
			continue // another process drew it first
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO receipt_pdf (number, sha256, content, drawn_at) VALUES ($1, $2, $3, $4)`,
			file.Number.String(), file.SHA256, file.Content, file.DrawnAt.UnixMicro())
		if err != nil {
			return err
		}
	}
	return nil
}

// AwaitFonts notes what drawings wait for, and when they are tried again.
func (tx transaction) AwaitFonts(ctx context.Context, waits []app.FontWait) error {
	for piece := range database.Pieces(waits) {
		var args []any
		for _, w := range piece {
			args = append(args, w.Number.String(), scripts(w.WaitsFor), w.Until.UnixMicro())
		}
		_, err := tx.ExecContext(ctx, `
			WITH v(number, waits_for, until) AS (VALUES `+database.CastPlaceholders(len(piece), "TEXT", "TEXT", "BIGINT")+`)
			UPDATE receipt_drawing SET waits_for = v.waits_for, next_attempt_at = v.until
			FROM v WHERE receipt_drawing.number = v.number AND receipt_drawing.drawn_at = 0`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// WakeDrawings makes what waits for fonts due.
func (tx transaction) WakeDrawings(ctx context.Context) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE receipt_drawing SET next_attempt_at = 0 WHERE drawn_at = 0 AND parked_at = 0 AND waits_for <> ''`)
	return err
}
