// Package apptest is the definition of a receipt store: whatever passes Tests
// on an empty store may serve the use cases.
package apptest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// Test is one promise of a store. Run needs an empty store of its own.
type Test struct {
	Name string
	Run  func(t *testing.T, store app.Store)
}

// Tests returns all promises.
func Tests() []Test {
	return []Test{
		{"copies keep the highest version", copiesKeepHighestVersion},
		{"a gift is due once", giftIsDueOnce},
		{"a receipted gift is not due again", receiptedGiftIsNotDueAgain},
		{"numbers follow each other", numbersFollowEachOther},
		{"a rollback gives its numbers back", rollbackGivesNumbersBack},
		{"issuers at the same time leave no gap", issuersAtTheSameTime},
		{"a receipt is read as it was written", receiptIsReadAsWritten},
		{"a receipt that does not exist", noReceipt},
		{"delayed work waits for its time", delayedWorkWaits},
		{"parked work waits for its release", parkedWorkWaits},
		{"mail is due until it is marked", mailIsDueUntilMarked},
		{"mail waits for the PDF to be tried", mailWaitsForPDF},
		{"mails pass those that have no PDF", mailsPassThoseWithoutPDF},
		{"a PDF is stored once and for ever", pdfIsStoredOnce},
		{"a PDF that waits for a font wakes up", pdfAwaitsFonts},
		{"sums keep organizations and currencies apart", sumsKeepApart},
		{"what is due and parked is counted", standingIsCounted},
		{"a hole in a series is found", holeIsFound},
		{"a receipt ends once and for ever", receiptEnds},
		{"what happened to a gift counts once", changesCountOnce},
		{"signals come after the commit alone", signalsComeAfterCommit},
	}
}

// Noon is when the suite's gifts are given.
var noon = time.Date(2026, 11, 4, 12, 0, 0, 0, time.UTC)

const (
	refuge  = "7d1c6b0e-6c43-5f0e-9a53-0c5d9f3b1a01"
	harbour = "7d1c6b0e-6c43-5f0e-9a53-0c5d9f3b1a02"
)

func write(t *testing.T, store app.Store, fn func(ctx context.Context, tx app.Tx) error) {
	t.Helper()
	err := store.InTx(t.Context(), fn)
	if err != nil {
		t.Fatalf("write: %v", err)
	}
}

func read[T any](t *testing.T, store app.Store, question func(ctx context.Context, r app.Reader) (T, error)) T {
	t.Helper()
	var answer T
	err := store.InReadTx(t.Context(), func(ctx context.Context, r app.Reader) error {
		var err error
		answer, err = question(ctx, r)
		return err
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return answer
}

// readAll is read for questions without arguments, named as methods.
func readAll[T any](t *testing.T, store app.Store, question func(app.Reader, context.Context) (T, error)) T {
	t.Helper()
	return read(t, store, func(ctx context.Context, r app.Reader) (T, error) { return question(r, ctx) })
}

// donation is a donation's id; donations with lower numbers came earlier.
func donation(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func gift(n int) domain.Gift {
	eur := money.MustCurrency("EUR")
	return domain.Gift{
		DonationID:       donation(n),
		Fund:             domain.FundKey{OrganizationID: refuge, Code: "WATER"},
		Amount:           money.Amount{Minor: 10000, Currency: eur},
		Cover:            money.Amount{Minor: 330, Currency: eur},
		PaidAt:           noon.Add(time.Duration(n) * time.Second),
		PaymentReference: fmt.Sprintf("pi_%d", n),
		Traceparent:      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		SucceededAt:      noon.Add(time.Duration(n)*time.Second + 250*time.Millisecond),
	}
}

func receipt(organization string, year int, sequence int64, n int, total money.Amount) domain.Receipt {
	code := map[string]string{refuge: "REFUGE", harbour: "HARBOUR"}[organization]
	return domain.Receipt{
		Number:         domain.Number{Code: code, Year: year, Sequence: sequence},
		Version:        domain.FirstVersion,
		OrganizationID: organization,
		DonationID:     donation(n),
		Document: domain.Document{
			Profile:                  "generic",
			OrganizationLegalName:    "Refuge Aid Association",
			OrganizationAddress:      []string{"12 Harbour Street", "1204 Geneva"},
			OrganizationRegistration: "CHE-123.456.789",
			OrganizationContact:      "gifts@refuge.example",
			DonorName:                "أمينة الديالو <b>",
			DonorEmail:               "amina@example.org",
			Gift:                     money.Amount{Minor: total.Minor - 100, Currency: total.Currency},
			Cover:                    money.Amount{Minor: 100, Currency: total.Currency},
			Total:                    total,
			FundName:                 "Water in the camps",
			ReceivedOn:               "2026-11-04",
			IssuedOn:                 "2026-11-05",
			PaymentReference:         fmt.Sprintf("pi_%d", n),
			Language:                 "en",
		},
		IssuedAt: noon.Add(time.Duration(n) * time.Microsecond),
		TraceID:  "4bf92f3577b34da6a3ce929d0e0e4736",
	}
}

func euros(minor int64) money.Amount {
	return money.Amount{Minor: minor, Currency: money.MustCurrency("EUR")}
}

// issue gives count receipts of a series to the donations from n on.
func issue(ctx context.Context, tx app.Tx, series domain.Series, n, count int, total money.Amount) error {
	first, err := tx.TakeNumbers(ctx, series, count)
	if err != nil {
		return err
	}
	var receipts []domain.Receipt
	for i := range count {
		receipts = append(receipts, receipt(series.OrganizationID, series.Year, first+int64(i), n+i, total))
	}
	return tx.AddReceipts(ctx, receipts)
}

// draw stores files for receipts, after which their mails are due.
func draw(t *testing.T, store app.Store, numbers ...domain.Number) {
	t.Helper()
	var files []app.PDF
	for _, number := range numbers {
		files = append(files, pdf(number))
	}
	write(t, store, func(ctx context.Context, tx app.Tx) error { return tx.AddPDFs(ctx, files) })
}

func pdf(number domain.Number) app.PDF {
	return app.PDF{Number: number, SHA256: "5e1f", Content: []byte("%PDF-1.7\n\x00\xff" + number.String()), DrawnAt: noon.Add(time.Minute)}
}

// refuges is a number of the suite's series.
func refuges(sequence int64) domain.Number {
	return domain.Number{Code: "REFUGE", Year: 2026, Sequence: sequence}
}

func dueGifts(t *testing.T, store app.Store, now time.Time, limit int) []app.DueGift {
	t.Helper()
	return read(t, store, func(ctx context.Context, r app.Reader) ([]app.DueGift, error) {
		return r.DueGifts(ctx, now, limit)
	})
}

func dueMails(t *testing.T, store app.Store, now time.Time) []app.DueMail {
	t.Helper()
	return read(t, store, func(ctx context.Context, r app.Reader) ([]app.DueMail, error) {
		return r.DueMails(ctx, now, 100)
	})
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

var errGivenUp = errors.New("the transaction is given up")
