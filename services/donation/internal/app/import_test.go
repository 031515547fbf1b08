package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"google.golang.org/grpc"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
)

// emptyStore is a database that knows its account and nothing else.
type emptyStore struct{ Store }

type emptyTx struct{ Tx }

func (emptyStore) InReadTx(ctx context.Context, fn func(context.Context, Tx) error) error {
	return fn(ctx, emptyTx{})
}

func (emptyTx) Account(context.Context) (string, error) { return "acct_harbour_relief", nil }

func (emptyTx) TransactionAnchor(context.Context, string, int64) (string, error) { return "", nil }

func (emptyTx) KnownTransactions(context.Context, []string) (map[string]bool, error) {
	return map[string]bool{}, nil
}

// oldAccount sold a book before it took donations.
type oldAccount struct{ Stripe }

func (oldAccount) TransactionsAfter(context.Context, string) ([]Transaction, bool, error) {
	return []Transaction{{ID: "txn_a_book", Category: "charge", SourceID: "ch_a_book", CreatedAt: 1_793_000_000_000_000}}, false, nil
}

// nobodyHome has no organization yet.
type nobodyHome struct {
	fundraiserv1.FundraiserServiceClient
}

func (nobodyHome) GetHomeOrganization(context.Context, *fundraiserv1.GetHomeOrganizationRequest, ...grpc.CallOption) (*fundraiserv1.GetHomeOrganizationResponse, error) {
	return nil, errors.New("there is none yet")
}

// The first import walks through all that the account ever did. When it fails it
// does not ask to be tried again at once: on an old account that is a thousand
// calls, again and again.
func TestAFirstImportThatFailsWaits(t *testing.T) {
	t.Parallel()
	a := New(Config{}, Parts{
		Store: emptyStore{}, Stripe: oldAccount{}, Fundraiser: nobodyHome{}, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	_, err := a.ImportDue(t.Context(), overlapStart)
	if err == nil {
		t.Fatal("the book was booked, and for nobody")
	}
	select {
	case <-a.toImport:
		t.Error("it is to be tried again at once")
	default:
	}
}

// In a rush passes go on from the newest known; now and then one looks back, over
// all that came since the last that did.
func TestPassesInARushLookBackNowAndThen(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC) // a Friday on which everybody gives
	look := looks{daily: now.Add(importDaily)}
	pass := func(after time.Duration, found int) time.Duration {
		now = now.Add(after)
		overlap := look.overlap(now)
		look.done(now, overlap, found)
		return overlap
	}
	for _, step := range []struct {
		what  string
		after time.Duration
		found int
		want  time.Duration
	}{
		{"the first of the process", 0, 0, overlapStart},
		{"nothing new before it", 15 * time.Second, 40, overlapUsual + 15*time.Second},
		{"in the rush", time.Second, 900, 0},
		{"still in the rush", 28 * time.Second, 900, 0},
		{"the rush has gone on for long", time.Second, 900, overlapUsual + 30*time.Second},
		{"again in the rush", time.Second, 0, 0},
		{"after the rush", time.Second, 0, overlapUsual + 2*time.Second},
		{"a quiet day later", importDaily, 0, overlapDaily},
		{"and then as usual", 15 * time.Second, 0, overlapUsual + 15*time.Second},
	} {
		got := pass(step.after, step.found)
		if got != step.want {
			t.Errorf("%s: the pass looks back %s, want %s", step.what, got, step.want)
		}
	}
}

// What failed is looked at again, as far back as before.
func TestAPassThatFailedLooksAsFarBackAgain(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	look := looks{daily: now.Add(importDaily)}
	if first, second := look.overlap(now), look.overlap(now.Add(time.Minute)); first != overlapStart || second != overlapStart {
		t.Errorf("looked back %s and then %s, want %s both times", first, second, overlapStart)
	}
}

// A call that brings next to nothing is one too many: others need those that Stripe
// allows.
func TestAnImportThatBringsLittleRestsLong(t *testing.T) {
	t.Parallel()
	for brought, want := range map[int]time.Duration{0: importPause, 1: importPause, 99: importPause, 100: importRush, 700: importRush} {
		if got := restAfter(brought); got != want {
			t.Errorf("%d transactions: %s until the next call, want %s", brought, got, want)
		}
	}
}
