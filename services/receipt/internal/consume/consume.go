// Package consume applies the events that receipts are made from. It translates
// facts into the domain's words; a fact that makes no sense there can never
// be applied, and is parked with its aggregate by the permanent error.
package consume

import (
	"context"
	"fmt"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// Handlers are the event handlers. Each applies a batch in the consumer's
// transaction, and twice is the same as once.
type Handlers struct {
	app  *app.App
	bind func(*database.Tx) app.Tx
}

// New returns handlers that run the use cases in transactions made usable by
// bind.
func New(a *app.App, bind func(*database.Tx) app.Tx) Handlers {
	return Handlers{app: a, bind: bind}
}

// OnDonationSucceeded makes a receipt due for each gift.
func (h Handlers) OnDonationSucceeded(ctx context.Context, tx *database.Tx, items []feed.Item[*donationv1.DonationSucceeded]) error {
	var gifts []domain.Gift
	for _, item := range items {
		gift, err := giftOf(item)
		if err != nil {
			return unusable(item.ID, err)
		}
		gifts = append(gifts, gift)
	}
	return h.app.ReceiveGifts(ctx, h.bind(tx), gifts)
}

func giftOf(item feed.Item[*donationv1.DonationSucceeded]) (domain.Gift, error) {
	m := item.Message
	given, err := amount(m.GetGift())
	if err != nil {
		return domain.Gift{}, fmt.Errorf("gift: %w", err)
	}
	cover, err := amount(m.GetCover())
	if err != nil {
		return domain.Gift{}, fmt.Errorf("cover: %w", err)
	}
	gift := domain.Gift{
		DonationID: m.GetDonationId(),
		Fund: domain.FundKey{
			OrganizationID: m.GetAttribution().GetOrganizationId(),
			Code:           m.GetAttribution().GetFundCode(),
		},
		Amount:           given,
		Cover:            cover,
		PaidAt:           time.UnixMicro(m.GetPaidAt()),
		PaymentReference: m.GetPaymentIntentId(),
		Monthly:          m.GetRecurringPlanId() != "",
		Traceparent:      item.Traceparent,
		SucceededAt:      item.OccurredAt,
	}
	return gift, gift.Validate()
}

// OnOrganizationChanged keeps each organization as it is now.
func (h Handlers) OnOrganizationChanged(ctx context.Context, tx *database.Tx, items []feed.Item[*fundraiserv1.OrganizationChanged]) error {
	var organizations []domain.Organization
	for _, item := range items {
		organization, err := organizationOf(item.Message)
		if err != nil {
			return unusable(item.ID, err)
		}
		organizations = append(organizations, organization)
	}
	return h.app.ReceiveOrganizations(ctx, h.bind(tx), organizations)
}

func organizationOf(m *fundraiserv1.OrganizationChanged) (domain.Organization, error) {
	// LoadLocation takes "" for UTC and "Local" for the server's own zone;
	// neither is an organization's.
	name := m.GetTimeZone()
	if name == "" || name == "Local" {
		return domain.Organization{}, fmt.Errorf("time zone %q is none", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return domain.Organization{}, fmt.Errorf("time zone %.60q is not known", name)
	}
	organization := domain.Organization{
		ID:           m.GetOrganizationId(),
		Code:         m.GetCode(),
		LegalName:    m.GetLegalName(),
		Address:      m.GetAddress(),
		Registration: m.GetRegistration(),
		Contact:      m.GetContactEmail(),
		TimeZone:     zone,
		Profile:      m.GetReceiptProfile(),
		Version:      m.GetVersion(),
	}
	return organization, organization.Validate()
}

// OnFundChanged keeps each fund as it is now.
func (h Handlers) OnFundChanged(ctx context.Context, tx *database.Tx, items []feed.Item[*fundraiserv1.FundChanged]) error {
	var funds []domain.Fund
	for _, item := range items {
		m := item.Message
		fund := domain.Fund{
			FundKey: domain.FundKey{OrganizationID: m.GetOrganizationId(), Code: m.GetCode()},
			Name:    m.GetName(),
			Version: m.GetVersion(),
		}
		err := fund.Validate()
		if err != nil {
			return unusable(item.ID, err)
		}
		funds = append(funds, fund)
	}
	return h.app.ReceiveFunds(ctx, h.bind(tx), funds)
}

// amount reads money. An amount that was left out is no amount, not zero: a
// gift without currency must not be receipted in whatever comes next to it.
func amount(m *moneyv1.Money) (money.Amount, error) {
	currency, err := money.ParseCurrency(m.GetCurrency())
	if err != nil {
		return money.Amount{}, err
	}
	return money.Amount{Minor: m.GetMinor(), Currency: currency}, nil
}

// unusable is a fact that no retry can make sense of.
func unusable(eventID string, cause error) error {
	return apperr.Wrap(cause, apperr.InvalidArgument, "EVENT_UNUSABLE", fmt.Sprintf("event %s: %v", eventID, cause))
}
