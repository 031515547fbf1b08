package grpcapi

import (
	"context"

	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	"github.com/almoner/almoner/services/ledger/internal/app"
)

// ListPostings returns one account line by line, with its running balance.
func (s *Server) ListPostings(ctx context.Context, request *ledgerv1.ListPostingsRequest) (*ledgerv1.ListPostingsResponse, error) {
	lines, err := s.books.ListPostings(ctx, app.AccountPage{
		Period:   period(request),
		Account:  request.GetAccountCode(),
		Currency: request.GetCurrency(),
		After:    request.GetAfter(),
		Limit:    int(request.GetLimit()),
	})
	if err != nil {
		return nil, err
	}
	response := &ledgerv1.ListPostingsResponse{
		AccountName: lines.Account, Currency: lines.Currency.Code(),
		OpeningMinor: lines.Opening, ClosingMinor: lines.Closing, Next: lines.Next,
	}
	for _, currency := range lines.Currencies {
		response.Currencies = append(response.Currencies, currency.Code())
	}
	for _, l := range lines.Lines {
		response.Lines = append(response.Lines, &ledgerv1.AccountLine{
			Number: l.Place.Number, Line: int32(l.Place.Line), BookedOn: l.Place.Day,
			Description: l.Description, Rule: l.Rule, Minor: l.Minor, BalanceMinor: l.Balance,
			DonationId: l.DonationID, FundCode: l.Fund,
		})
	}
	return response, nil
}

// SumActivity adds up income and fees of a span.
func (s *Server) SumActivity(ctx context.Context, request *ledgerv1.SumActivityRequest) (*ledgerv1.SumActivityResponse, error) {
	overview, err := s.books.SumActivity(ctx, period(request))
	if err != nil {
		return nil, err
	}
	return &ledgerv1.SumActivityResponse{
		Totals:      activityMessages(overview.Totals),
		ByDay:       activityMessages(overview.ByDay),
		ByAppeal:    activityMessages(overview.ByAppeal),
		ByFund:      activityMessages(overview.ByFund),
		From:        overview.From,
		To:          overview.To,
		Checkpoints: checkpointMessages(overview.Checkpoints),
	}, nil
}

func activityMessages(activities []app.Activity) []*ledgerv1.Activity {
	messages := make([]*ledgerv1.Activity, len(activities))
	for i, a := range activities {
		messages[i] = &ledgerv1.Activity{
			Key: a.Key, Currency: a.Currency.Code(), IncomeMinor: a.Income, CoverMinor: a.Cover,
			ReductionsMinor: a.Reductions, FeesMinor: a.Fees, Gifts: a.Gifts,
		}
	}
	return messages
}
