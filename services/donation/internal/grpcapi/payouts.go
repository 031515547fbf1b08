package grpcapi

import (
	"context"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
)

// ListPayouts pages through payouts.
func (s *Server) ListPayouts(ctx context.Context, r *donationv1.ListPayoutsRequest) (*donationv1.ListPayoutsResponse, error) {
	list, next, err := s.app.ListPayouts(ctx, app.Slice{Token: r.GetPageToken(), Size: int(r.GetPageSize())})
	if err != nil {
		return nil, err
	}
	out := &donationv1.ListPayoutsResponse{NextPageToken: next}
	for _, p := range list {
		out.Payouts = append(out.Payouts, payout(p))
	}
	return out, nil
}

// GetPayout is a payout and what is in it.
func (s *Server) GetPayout(ctx context.Context, r *donationv1.GetPayoutRequest) (*donationv1.GetPayoutResponse, error) {
	found, err := s.app.PayoutContents(ctx, r.GetPayoutId(), app.Slice{Token: r.GetPageToken(), Size: int(r.GetPageSize())})
	if err != nil {
		return nil, err
	}
	out := &donationv1.GetPayoutResponse{Payout: payout(found.Payout), NextPageToken: found.Next}
	for _, l := range found.Lines {
		out.Lines = append(out.Lines, &donationv1.PayoutLine{
			TransactionId: l.TransactionID, ReportingCategory: l.Category, Amount: settled(l.Amount), Fee: settled(l.Fee), Net: settled(l.Net),
			SourceId: l.SourceID, DonationId: l.DonationID, CreatedAt: l.CreatedAt,
		})
	}
	return out, nil
}

func payout(p domain.Payout) *donationv1.Payout {
	out := &donationv1.Payout{
		PayoutId: p.ID, AccountId: p.AccountID, Amount: &moneyv1.Money{Minor: p.Minor, Currency: p.Currency}, Status: string(p.Status),
		ArrivalDate: p.ArrivalAt, CreatedAt: p.CreatedAt, Automatic: p.Automatic, Reconciled: p.ListedAt > 0, FailureCode: p.Failure,
	}
	if out.GetReconciled() {
		out.Difference = &moneyv1.Money{Minor: p.Difference, Currency: p.Currency}
	}
	return out
}

func settled(m app.Money) *moneyv1.Money { return &moneyv1.Money{Minor: m.Minor, Currency: m.Currency} }
