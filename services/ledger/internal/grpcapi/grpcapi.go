// Package grpcapi answers LedgerService: it translates between the contract and
// the use cases, and decides nothing.
package grpcapi

import (
	"bytes"
	"context"

	"google.golang.org/grpc"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// Server implements ledgerv1.LedgerServiceServer.
type Server struct {
	ledgerv1.UnimplementedLedgerServiceServer
	books *app.Books
}

// New returns the server over the books.
func New(books *app.Books) *Server { return &Server{books: books} }

// ListEntries returns journal entries in the order of their numbers.
func (s *Server) ListEntries(ctx context.Context, request *ledgerv1.ListEntriesRequest) (*ledgerv1.ListEntriesResponse, error) {
	entries, err := s.books.ListEntries(ctx, request.GetOrganizationId(), app.EntryFilter{
		DonationID: request.GetDonationId(),
		After:      request.GetAfter(),
		Limit:      int(request.GetLimit()),
	})
	if err != nil {
		return nil, err
	}
	response := &ledgerv1.ListEntriesResponse{}
	for _, entry := range entries {
		message, err := entryMessage(entry)
		if err != nil {
			return nil, err
		}
		response.Entries = append(response.Entries, message)
	}
	return response, nil
}

func entryMessage(e domain.Entry) (*ledgerv1.Entry, error) {
	message := &ledgerv1.Entry{
		Number:         e.Number,
		OrganizationId: e.OrganizationID,
		Description:    e.Description,
		Rule:           e.Rule.Name,
		RuleVersion:    int32(e.Rule.Version),
		EventId:        e.EventID,
		AccountId:      e.AccountID,
		StripeIds:      e.StripeIDs,
		DonationId:     e.DonationID,
		TraceId:        e.TraceID,
		OccurredAt:     e.OccurredAt.UnixMicro(),
		PostedAt:       e.PostedAt.UnixMicro(),
		BookedOn:       e.BookedOn,
		PreviousHash:   e.PreviousHash,
		Hash:           e.Hash,
	}
	for _, p := range e.Postings {
		name, err := p.Account.Name(p.Amount.Currency)
		if err != nil {
			return nil, err
		}
		message.Postings = append(message.Postings, &ledgerv1.Posting{
			AccountCode:  string(p.Account),
			AccountName:  name,
			Amount:       moneyMessage(p.Amount),
			FundCode:     p.Fund,
			AppealId:     p.Appeal,
			FundraiserId: p.Fundraiser,
			TeamId:       p.Team,
			Channel:      p.Channel,
		})
	}
	return message, nil
}

func moneyMessage(a money.Amount) *moneyv1.Money {
	return &moneyv1.Money{Minor: a.Minor, Currency: a.Currency.Code()}
}

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

// period reads what three requests say in the same words.
func period(request interface {
	GetOrganization() string
	GetFrom() string
	GetTo() string
}) app.Period {
	return app.Period{Organization: request.GetOrganization(), From: request.GetFrom(), To: request.GetTo()}
}

// ExportJournal streams the journal in the order of days.
func (s *Server) ExportJournal(request *ledgerv1.ExportJournalRequest, stream grpc.ServerStreamingServer[ledgerv1.ExportJournalResponse]) error {
	return s.books.ExportJournal(stream.Context(), period(request), request.GetFormat(), chunks(func(chunk []byte) error {
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
	for _, c := range sums.Checkpoints {
		response.Checkpoints = append(response.Checkpoints, &feedv1.Checkpoint{Feed: c.Feed, Epoch: c.Epoch, Pos: c.Pos})
	}
	return response, nil
}
