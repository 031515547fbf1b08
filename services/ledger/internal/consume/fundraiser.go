package consume

import (
	"context"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// OnOrganizationChanged keeps what the books need of organizations.
func (h Handlers) OnOrganizationChanged(ctx context.Context, tx *database.Tx, items []feed.Item[*fundraiserv1.OrganizationChanged]) error {
	return keep(ctx, h, tx, items, func(m *fundraiserv1.OrganizationChanged) domain.Organization {
		return domain.Organization{
			ID:       m.GetOrganizationId(),
			Slug:     m.GetSlug(),
			Code:     m.GetCode(),
			Name:     m.GetName(),
			TimeZone: m.GetTimeZone(),
			Version:  m.GetVersion(),
		}
	}, app.SaveOrganizations)
}

// OnFundChanged keeps what the books need of funds.
func (h Handlers) OnFundChanged(ctx context.Context, tx *database.Tx, items []feed.Item[*fundraiserv1.FundChanged]) error {
	return keep(ctx, h, tx, items, func(m *fundraiserv1.FundChanged) domain.Fund {
		return domain.Fund{
			ID:             m.GetFundId(),
			OrganizationID: m.GetOrganizationId(),
			Code:           m.GetCode(),
			Version:        m.GetVersion(),
		}
	}, app.SaveFunds)
}
