package app

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

// The events of what happens to a gift before and after it succeeds.

func donationProcessing(d domain.Donation, paymentID string, heard time.Time, traceparent string) (envelope.Event, error) {
	return giftEvent(d, d.Version, envelope.OnceID(d.AccountID, paymentID, "payment_intent", "processing"), heard, traceparent,
		&donationv1.DonationProcessing{
			DonationId: d.ID, AccountId: d.AccountID, Gift: wireAmount(d.Gift), Cover: wireAmount(d.Cover),
			Attribution: wireAttribution(d.Attribution), PaymentIntentId: paymentID, ProcessingAt: heard.UnixMicro(),
		})
}

func donationFailed(d domain.Donation, paymentID string, heard time.Time, traceparent string) (envelope.Event, error) {
	return giftEvent(d, d.Version, envelope.OnceID(d.AccountID, paymentID, "payment_intent", "failed"), heard, traceparent,
		&donationv1.DonationFailed{
			DonationId: d.ID, AccountId: d.AccountID, Gift: wireAmount(d.Gift), Cover: wireAmount(d.Cover),
			Attribution: wireAttribution(d.Attribution), PaymentIntentId: paymentID, FailedAt: heard.UnixMicro(),
		})
}

// happened is the event of something that happened to a gift's money.
func happened(d domain.Donation, h domain.Happening, heard time.Time, traceparent string) (envelope.Event, error) {
	switch h.Kind {
	case domain.RefundAccepted:
		return donationRefunded(d, h, traceparent)
	case domain.RefundFailedLater:
		return donationRefundFailed(d, h, heard, traceparent)
	case domain.DisputeInquiry, domain.DisputeOpened:
		return donationDisputed(d, h, traceparent)
	case domain.DisputeOver:
		return donationDisputeClosed(d, h, heard, traceparent)
	}
	return envelope.Event{}, fmt.Errorf("donation %s: nothing is told of %d", d.ID, h.Kind)
}

func donationRefunded(d domain.Donation, h domain.Happening, traceparent string) (envelope.Event, error) {
	r := h.Refund
	return giftEvent(d, h.Version, envelope.OnceID(d.AccountID, r.ID, "refund", "accepted"), time.UnixMicro(r.MadeAt), traceparent,
		&donationv1.DonationRefunded{
			DonationId: d.ID, AccountId: d.AccountID, RefundId: r.ID, Amount: wireAmount(r.Amount), Reduction: wireReduction(d, h.Reduction),
			Attribution: wireAttribution(d.Attribution), ChargeId: r.ChargeID, PaymentIntentId: d.PaymentIntentID, RefundedAt: r.MadeAt,
			RecurringPlanId: d.PlanID, LossShift: wireShift(d, h),
		})
}

func donationRefundFailed(d domain.Donation, h domain.Happening, heard time.Time, traceparent string) (envelope.Event, error) {
	r := h.Refund
	return giftEvent(d, h.Version, envelope.OnceID(d.AccountID, r.ID, "refund", "failed"), heard, traceparent,
		&donationv1.DonationRefundFailed{
			DonationId: d.ID, AccountId: d.AccountID, RefundId: r.ID, Amount: wireAmount(r.Amount), Reduction: wireReduction(d, h.Reduction),
			Attribution: wireAttribution(d.Attribution), ChargeId: r.ChargeID, PaymentIntentId: d.PaymentIntentID, FailedAt: heard.UnixMicro(),
			RecurringPlanId: d.PlanID, LossShift: wireShift(d, h),
		})
}

func donationDisputed(d domain.Donation, h domain.Happening, traceparent string) (envelope.Event, error) {
	inquiry, status := h.Kind == domain.DisputeInquiry, "open"
	if inquiry {
		status = "inquiry"
	}
	return giftEvent(d, h.Version, envelope.OnceID(d.AccountID, h.Dispute.ID, "dispute", status), time.UnixMicro(h.Dispute.CreatedAt), traceparent,
		&donationv1.DonationDisputed{
			DonationId: d.ID, AccountId: d.AccountID, DisputeId: h.Dispute.ID, Amount: wireAmount(h.Dispute.Amount), Inquiry: inquiry,
			Attribution: wireAttribution(d.Attribution), ChargeId: h.Dispute.ChargeID, DisputedAt: h.Dispute.CreatedAt,
		})
}

func donationDisputeClosed(d domain.Donation, h domain.Happening, heard time.Time, traceparent string) (envelope.Event, error) {
	outcome := map[domain.DisputeStatus]donationv1.DisputeOutcome{
		domain.DisputeWon:    donationv1.DisputeOutcome_DISPUTE_OUTCOME_WON,
		domain.DisputeLost:   donationv1.DisputeOutcome_DISPUTE_OUTCOME_LOST,
		domain.WarningClosed: donationv1.DisputeOutcome_DISPUTE_OUTCOME_INQUIRY_CLOSED,
	}[h.Dispute.Status]
	return giftEvent(d, h.Version, envelope.OnceID(d.AccountID, h.Dispute.ID, "dispute", "closed"), heard, traceparent,
		&donationv1.DonationDisputeClosed{
			DonationId: d.ID, AccountId: d.AccountID, DisputeId: h.Dispute.ID, Amount: wireAmount(h.Dispute.Amount), Outcome: outcome,
			Reduction: wireReduction(d, h.Reduction), Attribution: wireAttribution(d.Attribution), ChargeId: h.Dispute.ChargeID, ClosedAt: heard.UnixMicro(),
			RecurringPlanId: d.PlanID,
		})
}

func wireReduction(d domain.Donation, r domain.Reduction) *donationv1.Reduction {
	part := func(minor int64) *moneyv1.Money {
		return &moneyv1.Money{Minor: minor, Currency: d.Gift.Currency.Code()}
	}
	return &donationv1.Reduction{Gift: part(r.Gift), Cover: part(r.Cover), Excess: part(r.Excess)}
}

// wireShift is nil where nothing is shifted, which is nearly always.
func wireShift(d domain.Donation, h domain.Happening) *donationv1.Reduction {
	if h.LossShift == (domain.Reduction{}) {
		return nil
	}
	return wireReduction(d, h.LossShift)
}

func giftEvent(d domain.Donation, version int64, id string, at time.Time, traceparent string, message proto.Message) (envelope.Event, error) {
	event, err := envelope.New(id, d.ID, version, at, traceparent, message)
	if err != nil {
		return envelope.Event{}, fmt.Errorf("donation %s, %s: %w", d.ID, message.ProtoReflect().Descriptor().Name(), err)
	}
	return event, nil
}
