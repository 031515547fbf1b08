package apptest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

func dueDrawings(t *testing.T, store app.Store, now time.Time) []app.DueDrawing {
	t.Helper()
	return read(t, store, func(ctx context.Context, r app.Reader) ([]app.DueDrawing, error) {
		return r.DueDrawings(ctx, now, 100)
	})
}

func drawing(t *testing.T, store app.Store, number domain.Number) app.Drawing {
	t.Helper()
	return read(t, store, func(ctx context.Context, r app.Reader) (app.Drawing, error) { return r.Drawing(ctx, number) })
}

func issueThree(t *testing.T, store app.Store) {
	t.Helper()
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		return issue(ctx, tx, domain.Series{OrganizationID: refuge, Year: 2026}, 1, 3, euros(10330))
	})
}

func mailWaitsForPDF(t *testing.T, store app.Store) {
	issueThree(t, store)
	equal(t, "due PDFs", len(dueDrawings(t, store, noon)), 3)
	equal(t, "its receipt", dueDrawings(t, store, noon)[0], app.DueDrawing{Receipt: receipt(refuge, 2026, 1, 1, euros(10330))})
	equal(t, "due mails before any PDF was tried", len(dueMails(t, store, noon)), 0)

	// One is drawn, one waits for a font, and one cannot be drawn at all.
	draw(t, store, refuges(1))
	equal(t, "due mails after the first", len(dueMails(t, store, noon)), 1)
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		err := tx.AwaitFonts(ctx, []app.FontWait{{Number: refuges(2), WaitsFor: []string{"Khmer"}, Until: noon.Add(time.Hour)}})
		if err != nil {
			return err
		}
		return tx.Park(ctx, app.DrawingQueue, []app.Stop{{ID: refuges(3).String(), Attempts: 1, Reason: "the PDF cannot be drawn"}}, noon)
	})
	equal(t, "due mails after all were tried", len(dueMails(t, store, noon)), 3)
	equal(t, "due PDFs after all were tried", len(dueDrawings(t, store, noon)), 0)
	equal(t, "parked", readAll(t, store, app.Reader.Parked), []app.Parked{
		{Queue: app.DrawingQueue, ID: refuges(3).String(), DonationID: donation(3), Attempts: 1, Reason: "the PDF cannot be drawn", Since: noon},
	})
	equal(t, "what waits for a font is not due", readAll(t, store, app.Reader.Backlog), app.Backlog{Mails: 3})
}

// Given a rush that left more PDFs undrawn than are looked at, then what is drawn
// is mailed, and so is what was tried before and failed, which comes last.
func mailsPassThoseWithoutPDF(t *testing.T, store app.Store) {
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		return issue(ctx, tx, domain.Series{OrganizationID: refuge, Year: 2026}, 1, 300, euros(10330))
	})
	draw(t, store, refuges(1), refuges(2), refuges(3))
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		return tx.Delay(ctx, app.MailQueue, []app.Delay{{ID: refuges(1).String(), Attempts: 1, Until: noon}})
	})
	var numbers []domain.Number
	for _, due := range dueMails(t, store, noon) {
		numbers = append(numbers, due.Receipt.Number)
	}
	equal(t, "due mails", numbers, []domain.Number{refuges(2), refuges(3), refuges(1)})
	equal(t, "due mails before the second attempt's time", len(dueMails(t, store, noon.Add(-time.Microsecond))), 2)
}

func pdfIsStoredOnce(t *testing.T, store app.Store) {
	issueThree(t, store)
	draw(t, store, refuges(1))
	second := pdf(refuges(1))
	second.Content, second.SHA256 = []byte("another drawing"), "0000"
	write(t, store, func(ctx context.Context, tx app.Tx) error { return tx.AddPDFs(ctx, []app.PDF{second}) })

	kept := read(t, store, func(ctx context.Context, r app.Reader) (app.PDF, error) { return r.PDF(ctx, refuges(1)) })
	equal(t, "the file", kept, pdf(refuges(1)))
	equal(t, "how far it is", drawing(t, store, refuges(1)), app.Drawing{Drawn: true})
	equal(t, "due PDFs", len(dueDrawings(t, store, noon)), 2)

	err := store.InReadTx(t.Context(), func(ctx context.Context, r app.Reader) error {
		_, err := r.PDF(ctx, refuges(2))
		if !errors.Is(err, app.ErrNoPDF) {
			t.Errorf("file of a receipt that is not drawn: %v", err)
		}
		_, err = r.Drawing(ctx, refuges(99))
		if !errors.Is(err, app.ErrNoReceipt) {
			t.Errorf("drawing of no receipt: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func pdfAwaitsFonts(t *testing.T, store app.Store) {
	issueThree(t, store)
	draw(t, store, refuges(1))
	scripts := []string{"Khmer", "emoji"}
	later := noon.Add(time.Hour)
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		// The first was drawn meanwhile, by another process.
		return tx.AwaitFonts(ctx, []app.FontWait{
			{Number: refuges(1), WaitsFor: scripts, Until: later}, {Number: refuges(2), WaitsFor: scripts, Until: later},
		})
	})
	equal(t, "what is drawn waits for nothing", drawing(t, store, refuges(1)), app.Drawing{Drawn: true})
	equal(t, "how far the second is", drawing(t, store, refuges(2)), app.Drawing{WaitsFor: scripts})
	equal(t, "due before the hour", len(dueDrawings(t, store, later.Add(-time.Microsecond))), 1)
	equal(t, "due at the hour", len(dueDrawings(t, store, later)), 2)

	write(t, store, func(ctx context.Context, tx app.Tx) error { return tx.WakeDrawings(ctx) })
	due := dueDrawings(t, store, noon)
	equal(t, "due once woken", len(due), 2)
	equal(t, "what the second waited for", due[0].WaitsFor, scripts)
	draw(t, store, refuges(2))
	equal(t, "drawn at last", drawing(t, store, refuges(2)), app.Drawing{Drawn: true})
}
