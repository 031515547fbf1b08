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
