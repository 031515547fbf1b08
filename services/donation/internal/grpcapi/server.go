// Package grpcapi is the DonationService on the wire: proto to app and back, and
// nothing else. Errors are returned as the apperr.Errors that they are; the
// server's interceptor writes them onto the wire.
package grpcapi

import (
	"context"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

// Server answers calls. It is safe for concurrent use.
type Server struct {
	donationv1.UnimplementedDonationServiceServer
	app *app.App
}

// New makes a server of the use cases.
func New(a *app.App) *Server { return &Server{app: a} }

// StartCheckout turns a form into a checkout session.
func (s *Server) StartCheckout(ctx context.Context, r *donationv1.StartCheckoutRequest) (*donationv1.StartCheckoutResponse, error) {
	// An unknown currency stays the zero value, which no appeal takes: the app
	// puts the error beside the field.
	currency, _ := money.ParseCurrency(r.GetGift().GetCurrency())
	if _, known := donationv1.Frequency_name[int32(r.GetFrequency())]; !known {
		// Of a newer caller: taken for a single gift, the donor would get something else.
		return nil, apperr.Invalid(apperr.Field{Name: "frequency", Reason: "FREQUENCY_UNKNOWN", Message: "Choose how often to give."})
	}
	checkout, err := s.app.StartCheckout(ctx, app.Submission{
		IntentID: r.GetIntentId(),
		Form: domain.Form{
			AppealSlug: r.GetAppealSlug(), FundraiserSlug: r.GetFundraiserSlug(),
			Gift:      money.Amount{Minor: r.GetGift().GetMinor(), Currency: currency},
			CoverFees: r.GetCoverFees(), FundCode: r.GetFundCode(), Name: r.GetName(), Email: r.GetEmail(),
			Visibility: visibilityIn(r.GetVisibility()), Message: r.GetMessage(), ShareCode: r.GetShareCode(),
			Language: r.GetLanguage(), Monthly: r.GetFrequency() == donationv1.Frequency_FREQUENCY_MONTHLY,
		},
		ClientAddress: r.GetClientAddress(),
	})
	if err != nil {
		return nil, err
	}
	return &donationv1.StartCheckoutResponse{
		DonationId: checkout.DonationID, CheckoutUrl: checkout.URL, AlreadyPaid: checkout.AlreadyPaid, SessionId: checkout.SessionID,
	}, nil
}

// GetDonation finds by donation or by session.
func (s *Server) GetDonation(ctx context.Context, r *donationv1.GetDonationRequest) (*donationv1.GetDonationResponse, error) {
	find := func() (app.View, error) { return s.app.View(ctx, r.GetDonationId()) }
	if r.GetDonationId() == "" {
		find = func() (app.View, error) { return s.app.ViewBySession(ctx, r.GetSessionId()) }
	}
	view, err := find()
	if err != nil {
		return nil, err
	}
	out := donation(view)
	if person, _ := rpc.ActingPerson(ctx); !person.Is("viewer", "accountant", "admin") {
		withoutStaff(out)
		return &donationv1.GetDonationResponse{Donation: out}, nil
	}
	left, alone := s.app.Refundable(view)
	return &donationv1.GetDonationResponse{Donation: out, Left: amount(left), Alone: amount(alone)}, nil
}

// ConfirmDonation is the donor's return from Stripe.
func (s *Server) ConfirmDonation(ctx context.Context, r *donationv1.ConfirmDonationRequest) (*donationv1.ConfirmDonationResponse, error) {
	view, err := s.app.Confirm(ctx, r.GetDonationId(), r.GetSessionId())
	if err != nil {
		return nil, err
	}
	out := donation(view)
	withoutStaff(out)
	return &donationv1.ConfirmDonationResponse{Donation: out}, nil
}

// GetCheckoutForm gives back what was typed.
func (s *Server) GetCheckoutForm(ctx context.Context, r *donationv1.GetCheckoutFormRequest) (*donationv1.GetCheckoutFormResponse, error) {
	form, err := s.app.Form(ctx, r.GetDonationId())
	if err != nil {
		return nil, err
	}
	d := form.Donation
	return &donationv1.GetCheckoutFormResponse{
		IntentId: d.IntentID, AppealSlug: d.AppealSlug, FundraiserSlug: d.FundraiserSlug, Gift: amount(d.Gift),
		CoverFees: d.CoverFees, FundCode: d.Attribution.FundCode, Name: form.Donor.Name, Email: form.Donor.Email,
		Visibility: visibilityOut(d.Visibility), Message: form.Donor.Message, ShareCode: d.Attribution.ShareCode,
		State: state(d.State), Frequency: frequency(d),
	}, nil
}

func frequency(d domain.Donation) donationv1.Frequency {
	if d.PlanID != "" {
		return donationv1.Frequency_FREQUENCY_MONTHLY
	}
	return donationv1.Frequency_FREQUENCY_ONCE
}

// FindDonations looks a reference up, for the console's search box.
func (s *Server) FindDonations(ctx context.Context, r *donationv1.FindDonationsRequest) (*donationv1.FindDonationsResponse, error) {
	person, _ := rpc.ActingPerson(ctx)
	views, err := s.app.Find(ctx, r.GetReference(), person.Is("accountant", "admin"))
	if err != nil {
		return nil, err
	}
	out := &donationv1.FindDonationsResponse{}
	for _, view := range views {
		out.Donations = append(out.Donations, donation(view))
	}
	return out, nil
}

// GetDonor is for receipts and for staff who answer the donor. Personal data.
func (s *Server) GetDonor(ctx context.Context, r *donationv1.GetDonorRequest) (*donationv1.GetDonorResponse, error) {
	form, err := s.app.Form(ctx, r.GetDonationId())
	if err != nil {
		return nil, err
	}
	return &donationv1.GetDonorResponse{Name: form.Donor.Name, Email: form.Donor.Email, Language: form.Donor.Language}, nil
}

// GetDonors is for many receipts. Personal data.
func (s *Server) GetDonors(ctx context.Context, r *donationv1.GetDonorsRequest) (*donationv1.GetDonorsResponse, error) {
	donors, err := s.app.Donors(ctx, r.GetDonationIds())
	if err != nil {
		return nil, err
	}
	out := &donationv1.GetDonorsResponse{}
	for id, d := range donors {
		out.Donors = append(out.Donors, &donationv1.Donor{DonationId: id, Name: d.Name, Email: d.Email, Language: d.Language})
	}
	return out, nil
}

// PublicGifts is what pages may show.
func (s *Server) PublicGifts(ctx context.Context, r *donationv1.PublicGiftsRequest) (*donationv1.PublicGiftsResponse, error) {
	gifts, err := s.app.PublicGifts(ctx, r.GetDonationIds())
	if err != nil {
		return nil, err
	}
	out := &donationv1.PublicGiftsResponse{}
	for _, g := range gifts {
		out.Gifts = append(out.Gifts, &donationv1.PublicGift{DonationId: g.DonationID, Name: g.Name, Message: g.Message})
	}
	return out, nil
}

// SumGifts is the donation's side of an audit.
func (s *Server) SumGifts(ctx context.Context, _ *donationv1.SumGiftsRequest) (*donationv1.SumGiftsResponse, error) {
	sums, err := s.app.Sums(ctx)
	if err != nil {
		return nil, err
	}
	out := &donationv1.SumGiftsResponse{
		Head: sums.Head, Unsequenced: sums.Unsequenced, StripeEventsUndone: sums.EventsUndone,
		StripeEventsParked: sums.EventsParked, GiftsWithoutFee: sums.GiftsWithoutFee,
	}
	for _, g := range sums.Gifts {
		out.Sums = append(out.Sums, &donationv1.GiftSum{
			OrganizationId: g.OrganizationID, Currency: g.Currency, GiftMinor: g.GiftMinor, CoverMinor: g.CoverMinor, Gifts: g.Gifts,
		})
	}
	return out, nil
}

// GetStripeBalance is Stripe's side of an audit.
func (s *Server) GetStripeBalance(ctx context.Context, _ *donationv1.GetStripeBalanceRequest) (*donationv1.GetStripeBalanceResponse, error) {
	holdings, err := s.app.Holdings(ctx)
	if err != nil {
		return nil, err
	}
	out := &donationv1.GetStripeBalanceResponse{TransactionsMissing: holdings.Missing}
	for _, b := range holdings.Balances {
		out.Balances = append(out.Balances, &donationv1.StripeBalance{
			AccountId: holdings.AccountID, Currency: b.Currency, BalanceMinor: b.Minor, ReservedMinor: b.Reserved,
		})
	}
	return out, nil
}

func donation(v app.View) *donationv1.Donation {
	d := v.Donation
	out := &donationv1.Donation{
		DonationId: d.ID, State: state(d.State), Gift: amount(d.Gift), Cover: amount(d.Cover),
		OrganizationId: d.Attribution.OrganizationID, AppealId: d.Attribution.AppealID, FundraiserId: d.Attribution.FundraiserID,
		PaymentIntentId: d.PaymentIntentID, ChargeId: d.ChargeID, BalanceTransactionId: d.BalanceTransactionID,
		Traceparent: d.Traceparent, EventPos: v.EventPos, WebhookReceivedAt: d.WebhookReceivedAt, SucceededAt: d.SucceededAt,
		DeclineCode: d.DeclineCode, AppealSlug: d.AppealSlug, FundraiserSlug: d.FundraiserSlug, CreatedAt: d.CreatedAt, PaidAt: d.PaidAt,
		RecurringPlanId: d.PlanID, InvoiceId: d.InvoiceID,
	}
	if !d.Fee.Currency.IsZero() {
		out.Fee = amount(d.Fee)
	}
	total := d.Gift.Minor + d.Cover.Minor
	out.Returned = amount(money.Amount{Minor: min(d.ReturnedMinor, total), Currency: d.Gift.Currency})
	out.Refunds, out.Disputes, out.PaymentMethod = refunds(v.Refunds), disputes(v.Disputes), d.PaymentMethod
	return out
}

// withoutStaff leaves out who decided about refunds, and what they wrote: that is not
// for the donor.
func withoutStaff(d *donationv1.Donation) {
	for _, r := range d.GetRefunds() {
		r.RequestedBy, r.DecidedBy, r.Note = "", "", ""
	}
}

func amount(a money.Amount) *moneyv1.Money {
	return &moneyv1.Money{Minor: a.Minor, Currency: a.Currency.Code()}
}

func state(s domain.State) donationv1.State {
	switch s {
	case domain.Created:
		return donationv1.State_STATE_CREATED
	case domain.CheckoutOpen:
		return donationv1.State_STATE_CHECKOUT_OPEN
	case domain.Processing:
		return donationv1.State_STATE_PROCESSING
	case domain.Succeeded:
		return donationv1.State_STATE_SUCCEEDED
	case domain.Expired:
		return donationv1.State_STATE_EXPIRED
	case domain.Failed:
		return donationv1.State_STATE_FAILED
	case domain.Abandoned:
		return donationv1.State_STATE_ABANDONED
	}
	return donationv1.State_STATE_UNSPECIFIED
}

func visibilityIn(v donationv1.Visibility) domain.Visibility {
	switch v {
	case donationv1.Visibility_VISIBILITY_UNSPECIFIED:
		return "" // means public: the form's default
	case donationv1.Visibility_VISIBILITY_PUBLIC:
		return domain.Public
	case donationv1.Visibility_VISIBILITY_FIRST_NAME:
		return domain.FirstName
	case donationv1.Visibility_VISIBILITY_ANONYMOUS:
		return domain.Anonymous
	}
	return domain.Visibility(v.String()) // refused with the field's error
}

func visibilityOut(v domain.Visibility) donationv1.Visibility {
	switch v {
	case domain.Public:
		return donationv1.Visibility_VISIBILITY_PUBLIC
	case domain.FirstName:
		return donationv1.Visibility_VISIBILITY_FIRST_NAME
	case domain.Anonymous:
		return donationv1.Visibility_VISIBILITY_ANONYMOUS
	}
	return donationv1.Visibility_VISIBILITY_UNSPECIFIED
}
