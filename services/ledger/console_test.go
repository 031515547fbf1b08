package ledger_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	attributionv1 "github.com/almoner/almoner/proto/gen/almoner/attribution/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

// A finance officer clicks from the overview's number down to the Stripe id and
// back, as the console does.
func TestFromTheOverviewDownToTheStripeID(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.organization(t, relief, "relief", "REL", "Europe/Zurich")
	w.fund(t, relief, "winter")
	w.tell(t, pay(1, 100_00, 0, 3_20, "EUR"))
	restricted := pay(2, 50_00, 0, 1_75, "EUR")
	restricted.gift.Attribution.FundCode = "winter"
	restricted.gift.Attribution.FundClass = attributionv1.FundClass_FUND_CLASS_RESTRICTED
	w.tell(t, restricted)
	w.caughtUp(t)

	books, err := w.web.ListBooks(t.Context(), &ledgerv1.ListBooksRequest{})
	if err != nil || len(books.GetBooks()) != 1 || len(books.GetCheckpoints()) != 2 {
		t.Fatalf("books %v (%v), want one and where it stands in two feeds", books, err)
	}
	book := books.GetBooks()[0]
	if book.GetCode() != "REL" || book.GetTimeZone() != "Europe/Zurich" || book.GetEntries() != 4 || len(book.GetHeadHash()) != 64 {
		t.Fatalf("book %v", book)
	}
	activity, err := w.web.SumActivity(t.Context(), &ledgerv1.SumActivityRequest{Organization: book.GetSlug()})
	if err != nil {
		t.Fatal(err)
	}
	total := activity.GetTotals()[0]
	if total.GetIncomeMinor() != 150_00 || total.GetFeesMinor() != 4_95 || total.GetGifts() != 2 || activity.GetFrom() != "2026-04-01" {
		t.Fatalf("totals %v from %s", total, activity.GetFrom())
	}
	funds := activity.GetByFund()
	winter := funds[slices.IndexFunc(funds, func(a *ledgerv1.Activity) bool { return a.GetKey() == "winter" })]
	account, err := w.web.ListPostings(t.Context(), &ledgerv1.ListPostingsRequest{AccountCode: "4100/winter"})
	if err != nil || len(account.GetLines()) != 1 {
		t.Fatalf("account %v (%v)", account, err)
	}
	line := account.GetLines()[0]
	if -line.GetMinor() != winter.GetIncomeMinor() || account.GetClosingMinor() != line.GetBalanceMinor() || account.GetCurrency() != "EUR" {
		t.Fatalf("the fund has %v, its account %v", winter, account)
	}
	got, err := w.web.GetEntry(t.Context(), &ledgerv1.GetEntryRequest{Organization: relief, Number: line.GetNumber()})
	if err != nil {
		t.Fatal(err)
	}
	entry := got.GetEntry()
	if entry.GetRule() != "gift" || entry.GetRuleVersion() != 1 || entry.GetTraceId() != traceID || entry.GetEventId() == "" ||
		len(entry.GetHash()) != 64 || entry.GetBookedOn() != "2026-04-01" || len(entry.GetStripeIds()) == 0 {
		t.Fatalf("entry %v", entry)
	}
	for _, reference := range append(entry.GetStripeIds(), entry.GetDonationId(), entry.GetEventId()) {
		found, err := w.web.ListEntries(t.Context(), &ledgerv1.ListEntriesRequest{Filter: &ledgerv1.EntryFilter{Reference: reference}})
		if err != nil || !slices.ContainsFunc(found.GetEntries(), func(e *ledgerv1.Entry) bool { return e.GetHash() == entry.GetHash() }) {
			t.Errorf("%s leads to %v (%v)", reference, found, err)
		}
	}

	page, err := w.web.ListEntries(t.Context(), &ledgerv1.ListEntriesRequest{NewestFirst: true, Limit: 3})
	if err != nil || len(page.GetEntries()) != 3 || !page.GetMore() || page.GetEntries()[0].GetNumber() != 4 {
		t.Errorf("newest three of four: %v (%v)", page, err)
	}
	file := w.exported(t, &ledgerv1.ExportJournalRequest{Format: "csv", Filter: &ledgerv1.EntryFilter{FundCode: "winter", Rule: "gift"}})
	if lines := strings.Count(file, "\r\n"); lines != 3 {
		t.Errorf("the filtered export has %d lines, want a header and the two of one gift:\n%s", lines, file)
	}
}

func (w *world) exported(t *testing.T, request *ledgerv1.ExportJournalRequest) string {
	t.Helper()
	stream, err := w.web.ExportJournal(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	var file strings.Builder
	for {
		piece, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return file.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		file.Write(piece.GetChunk())
	}
}

func TestTheBooksAreForStaff(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.organization(t, relief, "relief", "REL", "Europe/Zurich")
	w.caughtUp(t)
	for name, ask := range map[string]func(role string) error{
		"books": func(role string) error {
			_, err := w.web.ListBooks(rpc.WithPerson(t.Context(), rpc.Person{ID: "somebody", Roles: []string{role}}), &ledgerv1.ListBooksRequest{})
			return err
		},
		"an overview": func(role string) error {
			_, err := w.web.SumActivity(rpc.WithPerson(t.Context(), rpc.Person{ID: "somebody", Roles: []string{role}}), &ledgerv1.SumActivityRequest{})
			return err
		},
		"an account": func(role string) error {
			_, err := w.web.ListPostings(rpc.WithPerson(t.Context(), rpc.Person{ID: "somebody", Roles: []string{role}}), &ledgerv1.ListPostingsRequest{AccountCode: "1100"})
			return err
		},
	} {
		for _, role := range []string{"viewer", "accountant", "admin"} {
			err := ask(role)
			if err != nil {
				t.Errorf("%s for %s: %v", name, role, err)
			}
		}
		err := ask("supporter")
		if apperr.CodeOf(err) != apperr.PermissionDenied {
			t.Errorf("%s for a supporter: %v", name, err)
		}
	}
	_, err := w.web.GetEntry(t.Context(), &ledgerv1.GetEntryRequest{Number: 1})
	if apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("an entry that is not there: %v", err)
	}
	_, err = w.web.ListEntries(t.Context(), &ledgerv1.ListEntriesRequest{Filter: &ledgerv1.EntryFilter{AccountCode: "9999", From: "x"}})
	var refusal *apperr.Error
	if !errors.As(err, &refusal) || len(refusal.Fields) != 2 || refusal.Fields[0].Name != "from" || refusal.Fields[1].Name != "account_code" {
		t.Errorf("nonsense: %v", err)
	}
}
