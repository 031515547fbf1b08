package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// fontPause is how long a PDF rests that waits for a font: somebody has to
// install it, which also restarts us most of the time.
const fontPause = time.Hour

// drawnTogether is how many PDFs are stored in one transaction: few enough that
// mails do not wait long for theirs.
const drawnTogether = 8

// DrawDue draws one batch of due PDFs and stores them a few at a time. It reports
// whether there may be more to do at once. In a rush it stops after the first few.
func (a *App) DrawDue(ctx context.Context) (more bool, err error) {
	now := a.now()
	var due []DueDrawing
	err = a.store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		var err error
		due, err = r.DueDrawings(ctx, now, batch)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("read due PDFs: %w", err)
	}
	for _, d := range due {
		if len(d.WaitsFor) > 0 {
			a.printer.RefreshFonts()
			break
		}
	}
	for few := range slices.Chunk(due, drawnTogether) {
		err := a.draw(ctx, few)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if err != nil {
			return false, fmt.Errorf("draw PDFs from %s: %w", few[0].Receipt.Number, err)
		}
		if a.rush.on(a.now()) {
			return true, nil
		}
	}
	return len(due) == batch, nil
}

// drawings are what became of some PDFs.
type drawings struct {
	files []PDF
	waits []FontWait
	stops []Stop
}

// draw tries some PDFs. What the printer cannot do it will not be able to do the
// next time either: that is parked, and the mail goes out without.
func (a *App) draw(ctx context.Context, due []DueDrawing) error {
	now := a.now()
	var done drawings
	for _, d := range due {
		if ctx.Err() != nil {
			break
		}
		number := d.Receipt.Number
		sheet, err := a.letters.sheet(d.Receipt)
		var file []byte
		var missing []string
		if err == nil {
			file, missing, err = a.print(ctx, number, sheet)
		}
		switch {
		case err != nil:
			done.stops = append(done.stops, Stop{ID: number.String(), Attempts: d.Attempts + 1, Reason: "the PDF cannot be drawn: " + err.Error()})
		case len(missing) > 0:
			done.waits = append(done.waits, FontWait{Number: number, WaitsFor: missing, Until: now.Add(fontPause)})
		default:
			digest := sha256.Sum256(file)
			done.files = append(done.files, PDF{Number: number, SHA256: hex.EncodeToString(digest[:]), Content: file, DrawnAt: now})
		}
	}
	// Drawing took longer than storing takes: a process that is being stopped keeps
	// what it has.
	err := a.store.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx Tx) error {
		tx.AfterCommit(func() { signal(a.mailsDue) })
		err := tx.AddPDFs(ctx, done.files)
		if err != nil {
			return err
		}
		err = tx.AwaitFonts(ctx, done.waits)
		if err != nil {
			return err
		}
		return tx.Park(ctx, DrawingQueue, done.stops, now)
	})
	if err != nil {
		return err
	}
	a.reportFonts(ctx, due, done.waits)
	a.report(ctx, "receipt PDF", nil, done.stops, nil)
	return nil
}

// reportFonts says which fonts are missing, once for each PDF.
func (a *App) reportFonts(ctx context.Context, due []DueDrawing, waits []FontWait) {
	for _, w := range waits {
		waited := slices.ContainsFunc(due, func(d DueDrawing) bool { return d.Receipt.Number == w.Number && len(d.WaitsFor) > 0 })
		if !waited {
			a.logger.WarnContext(ctx, "receipt PDF waits for a font", "id", w.Number.String(), "scripts", w.WaitsFor)
		}
	}
}

// print has a sheet drawn. Donors choose what stands on it and fonts are programs,
// so a printer may panic; that must not end the process, now and after each
// restart, and with it everything else that flows. What it panicked with may hold
// the donor's name, so only its type is told.
func (a *App) print(ctx context.Context, number domain.Number, sheet Sheet) (file []byte, missing []string, err error) {
	defer func() {
		panicked := recover()
		if panicked == nil {
			return
		}
		a.logger.ErrorContext(ctx, "printer panicked", "id", number.String(),
			"panic", fmt.Sprintf("%T", panicked), "stack", string(debug.Stack()))
		file, missing, err = nil, nil, fmt.Errorf("the printer panicked (%T)", panicked)
	}()
	return a.printer.Print(sheet)
}

// wakeDrawings has everything that waits for a font tried again: this start may
// be for the sake of one.
func (a *App) wakeDrawings(ctx context.Context) {
	err := a.store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.WakeDrawings(ctx) })
	if err != nil && ctx.Err() == nil {
		// They are tried within the hour anyway.
		a.logger.ErrorContext(ctx, "wake PDFs that wait for fonts", "error", err)
	}
}
