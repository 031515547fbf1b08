package grpcapi

import (
	"context"

	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// ListBooks returns the organizations that have books.
func (s *Server) ListBooks(ctx context.Context, _ *ledgerv1.ListBooksRequest) (*ledgerv1.ListBooksResponse, error) {
	books, checkpoints, err := s.books.ListBooks(ctx)
	if err != nil {
		return nil, err
	}
	response := &ledgerv1.ListBooksResponse{Checkpoints: checkpointMessages(checkpoints)}
	for _, b := range books {
		response.Books = append(response.Books, &ledgerv1.Book{
			OrganizationId: b.ID, Slug: b.Slug, Code: b.Code, Name: b.Name, TimeZone: b.TimeZone,
			Entries: b.Head.Number, HeadHash: b.Head.Hash,
		})
	}
	return response, nil
}

// GetEntry returns one journal entry.
func (s *Server) GetEntry(ctx context.Context, request *ledgerv1.GetEntryRequest) (*ledgerv1.GetEntryResponse, error) {
	entry, err := s.books.GetEntry(ctx, request.GetOrganization(), request.GetNumber())
	if err != nil {
		return nil, err
	}
	message, err := entryMessage(entry)
	if err != nil {
		return nil, err
	}
	return &ledgerv1.GetEntryResponse{Entry: message}, nil
}

// ListEntries returns journal entries in the order of their numbers.
func (s *Server) ListEntries(ctx context.Context, request *ledgerv1.ListEntriesRequest) (*ledgerv1.ListEntriesResponse, error) {
	page, err := s.books.ListEntries(ctx, request.GetOrganizationId(), app.EntryPage{
		DonationID:  request.GetDonationId(),
		Filter:      entryFilter(request.GetFilter()),
		After:       request.GetAfter(),
		NewestFirst: request.GetNewestFirst(),
		Limit:       int(request.GetLimit()),
	})
	if err != nil {
		return nil, err
	}
	response := &ledgerv1.ListEntriesResponse{More: page.More}
	for _, entry := range page.Entries {
		message, err := entryMessage(entry)
		if err != nil {
			return nil, err
		}
		response.Entries = append(response.Entries, message)
	}
	return response, nil
}

func entryFilter(f *ledgerv1.EntryFilter) app.EntryFilter {
	return app.EntryFilter{
		From: f.GetFrom(), To: f.GetTo(), Account: f.GetAccountCode(), Currency: f.GetCurrency(), Rule: f.GetRule(),
		Fund: f.GetFundCode(), Appeal: f.GetAppealId(), Fundraiser: f.GetFundraiserId(), Reference: f.GetReference(),
	}
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
