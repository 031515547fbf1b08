package grpcapi

import (
	"context"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

// RequestRefund is staff giving money back.
func (s *Server) RequestRefund(ctx context.Context, r *donationv1.RequestRefundRequest) (*donationv1.RequestRefundResponse, error) {
	person, _ := rpc.ActingPerson(ctx)
	// An unknown currency stays the zero value, which no gift has: the app puts the
	// error beside the field.
	currency, _ := money.ParseCurrency(r.GetAmount().GetCurrency())
	made, err := s.app.RequestRefund(ctx, app.RefundOrder{
		RequestID: r.GetRequestId(), DonationID: r.GetDonationId(), By: person.ID,
		Amount: money.Amount{Minor: r.GetAmount().GetMinor(), Currency: currency}, Reason: r.GetReason(), Note: r.GetNote(),
	})
	if err != nil {
		return nil, err
	}
	return &donationv1.RequestRefundResponse{Refund: refund(made)}, nil
}

// DecideRefund is the second person's word.
func (s *Server) DecideRefund(ctx context.Context, r *donationv1.DecideRefundRequest) (*donationv1.DecideRefundResponse, error) {
	person, _ := rpc.ActingPerson(ctx)
	decided, err := s.app.DecideRefund(ctx, r.GetRequestId(), person.ID, r.GetApprove())
	if err != nil {
		return nil, err
	}
	return &donationv1.DecideRefundResponse{Refund: refund(decided)}, nil
}

// ListRefunds pages through refunds.
func (s *Server) ListRefunds(ctx context.Context, r *donationv1.ListRefundsRequest) (*donationv1.ListRefundsResponse, error) {
	list, next, err := s.app.ListRefunds(ctx, app.RefundList{
		Waiting: r.GetWaiting(), Failed: r.GetFailed(), Token: r.GetPageToken(), Size: int(r.GetPageSize()),
	})
	if err != nil {
		return nil, err
	}
	return &donationv1.ListRefundsResponse{Refunds: refunds(list), NextPageToken: next}, nil
}

// ListDisputes pages through disputes.
func (s *Server) ListDisputes(ctx context.Context, r *donationv1.ListDisputesRequest) (*donationv1.ListDisputesResponse, error) {
	list, next, err := s.app.ListDisputes(ctx, app.DisputeList{Open: r.GetOpen(), Token: r.GetPageToken(), Size: int(r.GetPageSize())})
	if err != nil {
		return nil, err
	}
	return &donationv1.ListDisputesResponse{Disputes: disputes(list), NextPageToken: next}, nil
}

func refunds(list []domain.Refund) []*donationv1.Refund {
	out := make([]*donationv1.Refund, len(list))
	for i := range list {
		out[i] = refund(list[i])
	}
	return out
}

func refund(r domain.Refund) *donationv1.Refund {
	return &donationv1.Refund{
		RefundId: r.ID, RequestId: r.RequestID, DonationId: r.Donation, Amount: amount(r.Amount), Status: string(r.Status),
		Reason: r.Reason, FailureReason: r.Failure, RequestedBy: r.Request.By, DecidedBy: r.Request.DecidedBy,
		CreatedAt: r.CreatedAt, Note: r.Request.Note,
	}
}

func disputes(list []domain.Dispute) []*donationv1.Dispute {
	out := make([]*donationv1.Dispute, len(list))
	for i, d := range list {
		out[i] = &donationv1.Dispute{
			DisputeId: d.ID, DonationId: d.Donation, Amount: amount(d.Amount), Status: string(d.Status), Reason: d.Reason,
			EvidenceDueAt: d.EvidenceDueAt, CreatedAt: d.CreatedAt, ChargeId: d.ChargeID,
		}
	}
	return out
}
