package app_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/typeset"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/document"
)

// shown returns a donation's receipt as whoever has the link sees it.
func (w *world) shown(donationID string) app.Shown {
	w.t.Helper()
	link, err := w.GetReceiptLink(context.Background(), donationID)
	if err != nil {
		w.t.Fatalf("get link: %v", err)
	}
	shown, err := w.GetReceipt(context.Background(), link.Number.String(), link.Token)
	if err != nil {
		w.t.Fatalf("get receipt: %v", err)
	}
	return shown
}

func (w *world) pdf(donationID string) (app.PDF, error) {
	w.t.Helper()
	link, err := w.GetReceiptLink(context.Background(), donationID)
	if err != nil {
		w.t.Fatalf("get link: %v", err)
	}
	return w.GetPDF(context.Background(), link.Number.String(), link.Token)
}

func TestPDFIsDrawnOnceAndMailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1))
	w.issue()
	_, err := w.pdf(id(1))
	if apperr.Public(err).Reason != "PDF_NOT_READY" || apperr.CodeOf(err) != apperr.FailedPrecondition || w.shown(id(1)).Drawing.Drawn {
		t.Errorf("before the drawing: %v", err)
	}
	w.send()
	file, err := w.pdf(id(1))
	if err != nil || !bytes.HasPrefix(file.Content, []byte("%PDF-")) || len(file.SHA256) != 64 || !w.shown(id(1)).Drawing.Drawn {
		t.Fatalf("file of %d bytes with hash %q, %v", len(file.Content), file.SHA256, err)
	}
	letter := w.mail.only(t)
	if letter.PDFName != "REFUGE-2026-000001.pdf" || !bytes.Equal(letter.PDF, file.Content) {
		t.Errorf("the mail has %q of %d bytes", letter.PDFName, len(letter.PDF))
	}

	// The organization gets another name; the file stays what it was.
	w.clock.Advance(24 * time.Hour)
	w.restart()
	w.draw()
	again, err := w.pdf(id(1))
	if err != nil || !bytes.Equal(again.Content, file.Content) {
		t.Errorf("served again it differs, %v", err)
	}
	_, err = w.GetPDF(t.Context(), "REFUGE-2026-000001", "wrong")
	if apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("with a wrong token: %v", err)
	}
}

// The donor gets the receipt now and the file when there is a font for the name.
func TestPDFWaitsForAFontAndTheMailDoesNot(t *testing.T) {
	t.Parallel()
	// given: a donor whose name is written in a script that no font covers
	w := newWorld(t)
	dir := t.TempDir()
	fonts, err := typeset.New(typeset.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	w.cfg.Printer = document.New(fonts)
	w.restart()
	w.give(id(1))
	w.donor.set(id(1), donorAnswer{name: "សុខា ចាន់", email: "sokha@example.org"})
	w.issue()
	// when
	w.send()
	// then: the mail is out, without a file, and nothing is due or parked
	letter := w.mail.only(t)
	if len(letter.PDF) != 0 || !strings.Contains(letter.Text, "សុខា ចាន់") {
		t.Errorf("a file of %d bytes in the mail:\n%s", len(letter.PDF), letter.Text)
	}
	if got := w.shown(id(1)).Drawing; got.Drawn || !slices.Equal(got.WaitsFor, []string{"Khmer"}) {
		t.Errorf("drawing = %+v", got)
	}
	_, err = w.pdf(id(1))
	if apperr.Public(err).Reason != "PDF_WAITS_FOR_FONT" || !strings.Contains(apperr.Public(err).Message, "Khmer") {
		t.Errorf("the file: %v", err)
	}
	parked, err := w.ListParked(t.Context())
	if err != nil || len(parked) != 0 || w.summary().Backlog != (app.Backlog{}) {
		t.Errorf("parked %v, backlog %+v, %v", parked, w.summary().Backlog, err)
	}

	// when: the operator installs a font, and an hour passes
	err = os.WriteFile(filepath.Join(dir, "Khmer.ttf"), testkit.Font('ក', 'ៜ'), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	w.send()
	if w.shown(id(1)).Drawing.Drawn {
		t.Error("it was tried before its time")
	}
	w.clock.Advance(time.Hour)
	w.send()
	// then: the file is there, and no second mail
	file, err := w.pdf(id(1))
	if err != nil || len(file.Content) == 0 || w.mail.handed != 1 {
		t.Errorf("file of %d bytes, %d mails, %v", len(file.Content), w.mail.handed, err)
	}
}

// An operator who installed a font restarts the program and does not wait an
// hour.
func TestStartTriesWhatWaitsForFonts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1))
	w.donor.set(id(1), donorAnswer{name: "សុខា", email: "sokha@example.org"})
	w.issue()
	w.draw()
	printer := &watching{Printer: w.cfg.Printer, tried: make(chan struct{}, 10)}
	w.cfg.Printer = printer
	w.restart()
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		w.Work(ctx)
	}()
	<-printer.tried
	stop()
	<-stopped
}

type watching struct {
	app.Printer
	tried chan struct{}
}

func (w *watching) Print(sheet app.Sheet) ([]byte, []string, error) {
	w.tried <- struct{}{}
	return w.Printer.Print(sheet)
}

// broken is a printer that cannot draw.
type broken struct{ app.Printer }

func (broken) Print(app.Sheet) ([]byte, []string, error) {
	return nil, nil, errors.New("embed Faulty: reduce font: index out of range")
}

func TestPDFThatCannotBeDrawnIsParkedAndTheMailGoesOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	whole := w.cfg.Printer
	w.cfg.Printer = broken{whole}
	w.restart()
	w.give(id(1))
	w.issue()
	w.send()
	if letter := w.mail.only(t); len(letter.PDF) != 0 {
		t.Errorf("a file of %d bytes in the mail", len(letter.PDF))
	}
	parked, err := w.ListParked(t.Context())
	if err != nil || len(parked) != 1 || parked[0].Queue != app.DrawingQueue || !strings.Contains(parked[0].Reason, "Faulty") {
		t.Fatalf("parked %+v, %v", parked, err)
	}
	// Repaired, it is drawn when staff retry it.
	w.cfg.Printer = whole
	w.restart()
	err = w.RetryParked(t.Context(), app.DrawingQueue, parked[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if !w.shown(id(1)).Drawing.Drawn {
		t.Error("it is not drawn after the retry")
	}
}

// startled is a printer that one name makes panic.
type startled struct{ app.Printer }

func (s startled) Print(sheet app.Sheet) ([]byte, []string, error) {
	if strings.Contains(sheet.Donor.Value, "Zalgo") {
		panic("no glyphs for " + sheet.Donor.Value)
	}
	return s.Printer.Print(sheet)
}

// One donor's name must not end the process at each start, and everybody's
// receipts with it.
func TestAPrinterThatPanicsStopsOneReceiptAndNotTheOthers(t *testing.T) {
	t.Parallel()
	// given: two gifts, and a name that the printer cannot bear
	w := newWorld(t)
	w.cfg.Printer = startled{w.cfg.Printer}
	var log bytes.Buffer
	w.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	w.restart()
	w.give(id(1), id(2))
	w.donor.set(id(1), donorAnswer{name: "Zalgo Secretname", email: "zalgo@example.org"})
	w.issue()
	// when
	w.send()
	// then
	if w.shown(id(1)).Drawing.Drawn || !w.shown(id(2)).Drawing.Drawn || w.mail.handed != 2 {
		t.Errorf("drawn %v and %v, %d mails", w.shown(id(1)).Drawing.Drawn, w.shown(id(2)).Drawing.Drawn, w.mail.handed)
	}
	parked, err := w.ListParked(t.Context())
	if err != nil || len(parked) != 1 || parked[0].Queue != app.DrawingQueue || parked[0].DonationID != id(1) {
		t.Fatalf("parked %+v, %v", parked, err)
	}
	// What it panicked with held the name.
	if strings.Contains(parked[0].Reason+log.String(), "Secretname") || !strings.Contains(log.String(), "startled") {
		t.Errorf("parked because %q, and the log says:\n%s", parked[0].Reason, log.String())
	}
}

func TestReceiptsAndLettersSpeakTheDonorsLanguage(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string][]string{
		"fr":    {"Reçu REFUGE-2026-000001 pour votre don à Refuge Aid Association", "Bonjour Amina Diallo,", "4 novembre 2026", `<html lang="fr" dir="ltr">`},
		"es-MX": {"Recibo REFUGE-2026-000001 de su donación a Refuge Aid Association", "Hola, Amina Diallo:", "4 de noviembre de 2026", `<html lang="es" dir="ltr">`},
		"ar":    {"إيصال REFUGE-2026-000001 عن تبرعكم إلى Refuge Aid Association", "تحية طيبة Amina Diallo،", "4 نوفمبر 2026", `<html lang="ar" dir="rtl">`},
	} {
		t.Run(tag, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.give(id(1))
			w.donor.set(id(1), donorAnswer{name: "Amina Diallo", email: "amina@example.org", language: tag})
			w.issue()
			w.send()
			letter := w.mail.only(t)
			if letter.Subject != want[0] || !strings.HasPrefix(letter.Text, want[1]) || !strings.Contains(letter.Text, want[2]) || !strings.Contains(letter.HTML, want[3]) {
				t.Errorf("%s\n%s", letter.Subject, letter.Text)
			}
			if len(letter.PDF) == 0 {
				t.Error("the mail has no file")
			}
		})
	}
}

func TestWhoHoldsAReceiptCanCheckIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1), id(2))
	w.issue()
	code := w.shown(id(1)).CheckCode
	for _, typed := range []string{code, strings.ToLower(code), code[:5] + "-" + code[5:], " " + code[:3] + " " + code[3:] + " "} {
		receipt, err := w.VerifyReceipt(t.Context(), " refuge-2026-000001", typed)
		if err != nil || receipt.Number.Sequence != 1 {
			t.Errorf("code typed as %q: %v", typed, err)
		}
	}
	_, unknown := w.VerifyReceipt(t.Context(), "REFUGE-2026-000099", code)
	for _, typed := range []string{"", w.shown(id(2)).CheckCode, code[:9], code + "0", strings.Repeat("0", 1<<20), "\x00\xff"} {
		_, err := w.VerifyReceipt(t.Context(), "REFUGE-2026-000001", typed)
		if apperr.CodeOf(err) != apperr.NotFound || apperr.Public(err).Message != apperr.Public(unknown).Message {
			t.Errorf("wrong code %.20q: %v, want the same as for an unknown number", typed, err)
		}
	}
	link, err := w.GetReceiptLink(t.Context(), id(2))
	if err != nil {
		t.Fatal(err)
	}
	found, token, err := w.FindReceipt(t.Context(), "refuge-2026-000002")
	if err != nil || found.DonationID != id(2) || token != link.Token {
		t.Errorf("found %q for %q, %v", token, found.DonationID, err)
	}
	_, _, err = w.FindReceipt(t.Context(), "REFUGE-2026-2")
	if apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("another spelling: %v", err)
	}
}
