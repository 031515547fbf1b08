package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// fontPause is how long a PDF rests that waits for a font: somebody has to
// install it, which also restarts us most of the time.
const fontPause = time.Hour

// DrawDue draws one batch of due PDFs. It reports whether there may be more to
// do at once.
//
// What is drawn is stored by itself before the next one is begun: drawing takes
// longer than committing, and a mail waits for each.
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
	var stops []Stop
	for _, d := range due {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		stop, err := a.draw(ctx, d)
		if err != nil {
			return false, fmt.Errorf("draw PDF of %s: %w", d.Receipt.Number, err)
		}
		stops = append(stops, stop...)
	}
	a.report(ctx, "receipt PDF", nil, stops, nil)
	return len(due) == batch, nil
}

// draw tries one PDF. What the printer cannot do it will not be able to do the
// next time either: that is parked, and the mail goes out without.
func (a *App) draw(ctx context.Context, d DueDrawing) (stops []Stop, err error) {
	now := a.now()
	number := d.Receipt.Number
	sheet, err := a.letters.sheet(d.Receipt)
	var file []byte
	var missing []string
	if err == nil {
		file, missing, err = a.print(ctx, number, sheet)
	}
	if err != nil {
		stops = []Stop{{ID: number.String(), Attempts: d.Attempts + 1, Reason: "the PDF cannot be drawn: " + err.Error()}}
	}
	err = a.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		tx.AfterCommit(func() { signal(a.mailsDue) })
		switch {
		case len(stops) > 0:
			return tx.Park(ctx, DrawingQueue, stops, now)
		case len(missing) > 0:
			return tx.AwaitFonts(ctx, []FontWait{{Number: number, WaitsFor: missing, Until: now.Add(fontPause)}})
		}
		digest := sha256.Sum256(file)
		return tx.AddPDFs(ctx, []PDF{{Number: number, SHA256: hex.EncodeToString(digest[:]), Content: file, DrawnAt: now}})
	})
	if err == nil && len(missing) > 0 && len(d.WaitsFor) == 0 {
		a.logger.WarnContext(ctx, "receipt PDF waits for a font", "id", number.String(), "scripts", missing)
	}
	return stops, err
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
