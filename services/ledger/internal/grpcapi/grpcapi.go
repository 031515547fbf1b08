// Package grpcapi answers LedgerService: it translates between the contract and
// the use cases, and decides nothing.
package grpcapi

import (
	"bytes"
	"context"

	"google.golang.org/grpc"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	"github.com/almoner/almoner/services/ledger/internal/app"
)

// Server implements ledgerv1.LedgerServiceServer.
type Server struct {
	ledgerv1.UnimplementedLedgerServiceServer
	books *app.Books
}

// New returns the server over the books.
func New(books *app.Books) *Server { return &Server{books: books} }

// TrialBalance adds up every account.
func (s *Server) TrialBalance(ctx context.Context, request *ledgerv1.TrialBalanceRequest) (*ledgerv1.TrialBalanceResponse, error) {
	balances, err := s.books.TrialBalance(ctx, period(request))
	if err != nil {
		return nil, err
	}
	response := &ledgerv1.TrialBalanceResponse{}
	for _, b := range balances {
		name, err := b.Account.Name(b.Currency)
		if err != nil {
			return nil, err
		}
		response.Rows = append(response.Rows, &ledgerv1.TrialBalanceRow{
			AccountCode:  string(b.Account),
			AccountName:  name,
			Currency:     b.Currency.Code(),
			OpeningMinor: b.Opening,
			DebitsMinor:  b.Debits,
			CreditsMinor: b.Credits,
			ClosingMinor: b.Closing,
		})
	}
	return response, nil
}

// period reads what several requests say in the same words.
func period(request interface {
	GetOrganization() string
	GetFrom() string
	GetTo() string
}) app.Period {
	return app.Period{Organization: request.GetOrganization(), From: request.GetFrom(), To: request.GetTo()}
}

// ExportJournal streams the journal in the order of days.
func (s *Server) ExportJournal(request *ledgerv1.ExportJournalRequest, stream grpc.ServerStreamingServer[ledgerv1.ExportJournalResponse]) error {
	return s.books.ExportJournal(stream.Context(), period(request), entryFilter(request.GetFilter()), request.GetFormat(), chunks(func(chunk []byte) error {
		return stream.Send(&ledgerv1.ExportJournalResponse{Chunk: chunk})
	}))
}

// ExportTrialBalance streams the trial balance.
func (s *Server) ExportTrialBalance(request *ledgerv1.ExportTrialBalanceRequest, stream grpc.ServerStreamingServer[ledgerv1.ExportTrialBalanceResponse]) error {
	return s.books.ExportTrialBalance(stream.Context(), period(request), request.GetFormat(), chunks(func(chunk []byte) error {
		return stream.Send(&ledgerv1.ExportTrialBalanceResponse{Chunk: chunk})
	}))
}

// chunks makes a stream a writer. Each piece is copied, because a message must
// not change after it was sent and the writer's buffer does.
type chunks func(chunk []byte) error

func (send chunks) Write(piece []byte) (int, error) {
	err := send(bytes.Clone(piece))
	if err != nil {
		return 0, err
	}
	return len(piece), nil
}

// VerifyChain walks the hash chains and recomputes every hash.
func (s *Server) VerifyChain(ctx context.Context, _ *ledgerv1.VerifyChainRequest) (*ledgerv1.VerifyChainResponse, error) {
	chains, err := s.books.VerifyChain(ctx)
	if err != nil {
		return nil, err
	}
	response := &ledgerv1.VerifyChainResponse{}
	for _, c := range chains {
		response.Chains = append(response.Chains, &ledgerv1.Chain{
			OrganizationId: c.OrganizationID, Entries: c.Entries, HeadHash: c.HeadHash, Fault: c.Fault,
		})
	}
	return response, nil
}

// SumBooks adds up what the conservation table compares.
func (s *Server) SumBooks(ctx context.Context, _ *ledgerv1.SumBooksRequest) (*ledgerv1.SumBooksResponse, error) {
	sums, err := s.books.SumBooks(ctx)
	if err != nil {
		return nil, err
	}
	response := &ledgerv1.SumBooksResponse{}
	for _, sum := range sums.Gifts {
		response.Sums = append(response.Sums, &ledgerv1.BookSum{
			OrganizationId: sum.OrganizationID, Currency: sum.Currency.Code(), GiftMinor: sum.Gift, CoverMinor: sum.Cover,
		})
	}
	for _, sum := range sums.AtStripe {
		response.Clearing = append(response.Clearing, &ledgerv1.ClearingSum{
			AccountId: sum.AccountID, Currency: sum.Currency.Code(), BalanceMinor: sum.Balance, ReservedMinor: sum.Reserved,
		})
	}
	for _, left := range sums.Imbalance {
		response.Imbalance = append(response.Imbalance, moneyMessage(left))
	}
	for _, item := range sums.OpenItems {
		response.OpenItems = append(response.OpenItems, &ledgerv1.OpenItem{
			OrganizationId: item.OrganizationID, AccountCode: string(item.Account), Currency: item.Currency.Code(),
			BalanceMinor: item.Minor, StripeId: item.Item,
		})
	}
	response.Checkpoints = checkpointMessages(sums.Checkpoints)
	return response, nil
}

func checkpointMessages(checkpoints []app.Checkpoint) []*feedv1.Checkpoint {
	messages := make([]*feedv1.Checkpoint, len(checkpoints))
	for i, c := range checkpoints {
		messages[i] = &feedv1.Checkpoint{Feed: c.Feed, Epoch: c.Epoch, Pos: c.Pos}
	}
	return messages
}
