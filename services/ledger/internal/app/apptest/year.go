package apptest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// season is small enough for a test and large enough for several pages of all
// that is looked for.
var season = Season{OrganizationID: relief, Gifts: 510}

// year posts a season to one organization, a few gifts to the other, and what
// reduces gifts: refunds of a gift with its cover, a refund that failed, a
// dispute that was lost.
func (b bench) year(t *testing.T) {
	t.Helper()
	b.ready(t)
	err := season.Post(t.Context(), b.poster, b.Books, 97)
	if err != nil {
		t.Fatal(err)
	}
	b.post(t, gift(pacific, 1, euros(70_00)), gift(pacific, 2, dollars(30_00)))
	dimensions := domain.Dimensions{Fund: restrictedFund, Appeal: season.AppealID(1), Channel: "online"}
	plain := domain.Dimensions{Fund: "general", Appeal: season.AppealID(0), Fundraiser: season.PageID(7), Channel: "peer_to_peer"}
	b.book(t, "refund", 40, line("4900", 25_00, plain), line("4040", 80, plain), owed(-25_80, "re_1"))
	b.book(t, "refund", 12, line("4900/winter", 40_00, dimensions), owed(-40_00, "re_2"))
	b.book(t, "refund_failed", 9, owed(25_80, "re_1"), line("4900", -25_00, plain), line("4040", -80, plain))
	b.book(t, "dispute_lost", 3, line("4910", 15_00, plain), line("6110", 20_00, plain), held(-35_00, "dp_1"))
}

func line(account domain.Account, minor int64, dimensions domain.Dimensions) domain.Posting {
	return domain.Posting{Account: account, Amount: euros(minor), Dimensions: dimensions}
}

func owed(minor int64, refund string) domain.Posting {
	return domain.Posting{Account: domain.RefundsPayable, Amount: euros(minor), Item: refund}
}

// held is a line on what is kept back for a dispute.
func held(minor int64, dispute string) domain.Posting {
	return domain.Posting{Account: domain.Disputed, Amount: euros(minor), Item: dispute}
}

// book adds an entry of a rule that occurred so many days ago.
func (b bench) book(t *testing.T, rule string, daysAgo int, postings ...domain.Posting) {
	t.Helper()
	occurred := noon.AddDate(0, 0, -daysAgo)
	b.inTx(t, func(ctx context.Context, tx app.Tx) error {
		heads, err := tx.LockHeads(ctx, []string{relief})
		if err != nil {
			return err
		}
		key := rule + "/" + occurred.Format(time.DateOnly)
		draft, err := domain.NewDraft(domain.Header{
			OrganizationID: relief, Key: key, Rule: domain.Rule{Name: rule, Version: 1}, Description: "Booked by hand",
			AccountID: "acct_1RELIEFrelief", StripeIDs: []string{"re_" + key}, OccurredAt: occurred,
		}, postings...)
		if err != nil {
			return err
		}
		entry, head := heads[relief].Seal(draft, domain.Provenance{
			EventID: "event-" + key, PostedAt: noon, BookedOn: occurred.Format(time.DateOnly),
		})
		return tx.AddEntries(ctx, []domain.Entry{entry}, []domain.Head{head})
	})
}

// all reads the whole journal of an organization, page by page.
func (b bench) all(t *testing.T, organization string) []domain.Entry {
	t.Helper()
	var entries []domain.Entry
	for {
		page := app.EntryPage{}
		if len(entries) > 0 {
			page.After = entries[len(entries)-1].Number
		}
		got, err := b.books.ListEntries(t.Context(), organization, page)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, got.Entries...)
		if !got.More {
			return entries
		}
	}
}

// lets says in the plainest words what a filter lets through.
func lets(f app.EntryFilter, e domain.Entry) bool {
	switch {
	case f.From != "" && e.BookedOn < f.From, f.To != "" && e.BookedOn > f.To, f.Rule != "" && e.Rule.Name != f.Rule:
		return false
	case f.Reference != "" && !slices.Contains(append([]string{e.EventID, e.DonationID, e.TraceID}, e.StripeIDs...), f.Reference):
		return false
	}
	return slices.ContainsFunc(e.Postings, func(p domain.Posting) bool {
		account := string(p.Account)
		return (f.Account == "" || account == f.Account || strings.HasPrefix(account, f.Account+"/")) &&
			(f.Currency == "" || strings.EqualFold(p.Amount.Currency.Code(), f.Currency)) &&
			(f.Fund == "" || p.Fund == f.Fund) && (f.Appeal == "" || p.Appeal == f.Appeal) &&
			(f.Fundraiser == "" || p.Fundraiser == f.Fundraiser)
	})
}

// numbers are the entries that a filter lets through.
func numbers(f app.EntryFilter, entries []domain.Entry) []int64 {
	var numbers []int64
	for _, e := range entries {
		if lets(f, e) {
			numbers = append(numbers, e.Number)
		}
	}
	return numbers
}
