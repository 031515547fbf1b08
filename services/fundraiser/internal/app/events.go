package app

import (
	"context"
	"fmt"
	"time"

	attributionv1 "github.com/almoner/almoner/proto/gen/almoner/attribution/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
)

// organizationChanged tells the whole organization as it is now. The contact
// address is the organization's, not a person's.
func organizationChanged(ctx context.Context, o domain.Organization, at time.Time) (envelope.Event, error) {
	event, err := envelope.New(envelope.NewID(at), o.ID, o.Version, at, telemetry.Traceparent(ctx), OrganizationMessage(o))
	if err != nil {
		return envelope.Event{}, fmt.Errorf("organization %s: %w", o.Code, err)
	}
	return event, nil
}

// OrganizationMessage is the contract's word for an organization, with all that
// receipts and books say of it.
func OrganizationMessage(o domain.Organization) *fundraiserv1.OrganizationChanged {
	return &fundraiserv1.OrganizationChanged{
		OrganizationId: o.ID,
		Slug:           o.Slug,
		Code:           o.Code,
		Name:           o.Name,
		LegalName:      o.LegalName,
		Address:        o.Address,
		Registration:   o.Registration,
		Country:        o.Country,
		TimeZone:       o.TimeZone,
		BaseCurrency:   o.BaseCurrency,
		ReceiptProfile: o.ReceiptProfile,
		ContactEmail:   o.ContactEmail,
		Version:        o.Version,
		Home:           o.Home,
	}
}

// fundChanged tells the whole fund as it is now.
func fundChanged(ctx context.Context, f domain.Fund, at time.Time) (envelope.Event, error) {
	event, err := envelope.New(envelope.NewID(at), f.ID, f.Version, at, telemetry.Traceparent(ctx), FundMessage(f))
	if err != nil {
		return envelope.Event{}, fmt.Errorf("fund %s: %w", f.Code, err)
	}
	return event, nil
}

// FundMessage is the contract's word for a fund.
func FundMessage(f domain.Fund) *fundraiserv1.FundChanged {
	return &fundraiserv1.FundChanged{
		FundId:         f.ID,
		OrganizationId: f.OrganizationID,
		Code:           f.Code,
		Name:           f.Name,
		FundClass:      FundClass(f.Class),
		Version:        f.Version,
	}
}

// FundClass is the contract's word for a class.
func FundClass(class domain.FundClass) attributionv1.FundClass {
	switch class {
	case domain.Unrestricted:
		return attributionv1.FundClass_FUND_CLASS_UNRESTRICTED
	case domain.Restricted:
		return attributionv1.FundClass_FUND_CLASS_RESTRICTED
	}
	return attributionv1.FundClass_FUND_CLASS_UNSPECIFIED
}
