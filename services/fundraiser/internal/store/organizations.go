package store

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

const organizationColumns = `id, code, slug, name, legal_name, address, registration, country, time_zone,
	base_currency, receipt_profile, mission, contact_email, home, version, logo_id`

const selectOrganization = `SELECT organization.id, code, slug, name, legal_name, address, registration, country, time_zone,
		base_currency, receipt_profile, mission, contact_email, home, version,
		logo_id, COALESCE(alt, ''), COALESCE(width, 0), COALESCE(height, 0), COALESCE(widths, 'null')
	FROM organization LEFT JOIN image ON image.id = logo_id`

func scanOrganization(row scanner) (domain.Organization, error) {
	var o domain.Organization
	var home int64
	err := row.Scan(&o.ID, &o.Code, &o.Slug, &o.Name, &o.LegalName, list[string]{&o.Address}, &o.Registration,
		&o.Country, &o.TimeZone, &o.BaseCurrency, &o.ReceiptProfile, &o.Mission, &o.ContactEmail, &home, &o.Version,
		&o.Logo.ID, &o.Logo.Alt, &o.Logo.Width, &o.Logo.Height, list[int]{&o.Logo.Widths})
	o.Home = home == 1
	return o, err
}

// Organizations is app.Reader's.
func (t *boundTx) Organizations(ctx context.Context) ([]domain.Organization, error) {
	rows, err := t.tx.QueryContext(ctx, selectOrganization+` ORDER BY home DESC, ordinal`)
	organizations, err := all(rows, err, scanOrganization)
	if err != nil {
		return nil, fmt.Errorf("read organizations: %w", err)
	}
	return organizations, nil
}

// Organization is app.Reader's.
func (t *boundTx) Organization(ctx context.Context, id string) (domain.Organization, bool, error) {
	row := t.tx.QueryRowContext(ctx, selectOrganization+` WHERE organization.id = $1`, id)
	o, found, err := one(row, scanOrganization)
	if err != nil {
		return domain.Organization{}, false, fmt.Errorf("read organization: %w", err)
	}
	return o, found, nil
}

// LockCatalogue is app.Tx's.
func (t *boundTx) LockCatalogue(ctx context.Context) error {
	var row int64
	err := t.tx.QueryRowContext(ctx, `SELECT only_row FROM catalogue_lock`+t.tx.ForUpdate()).Scan(&row)
	if err != nil {
		return fmt.Errorf("lock catalogue: %w", err)
	}
	return nil
}

// PutOrganization is app.Tx's.
func (t *boundTx) PutOrganization(ctx context.Context, o domain.Organization) error {
	home := int64(0)
	if o.Home {
		home = 1
	}
	_, err := t.tx.ExecContext(ctx, `INSERT INTO organization (`+organizationColumns+`, ordinal)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, CAST($14 AS BIGINT), CAST($15 AS BIGINT), $16,
			COALESCE(MAX(ordinal), 0) + 1 FROM organization WHERE true
		ON CONFLICT (id) DO UPDATE SET code = excluded.code, slug = excluded.slug, name = excluded.name,
			legal_name = excluded.legal_name, address = excluded.address, registration = excluded.registration,
			country = excluded.country, time_zone = excluded.time_zone, base_currency = excluded.base_currency,
			receipt_profile = excluded.receipt_profile, mission = excluded.mission,
			contact_email = excluded.contact_email, home = excluded.home, version = excluded.version,
			logo_id = excluded.logo_id`,
		o.ID, o.Code, o.Slug, o.Name, o.LegalName, encode(o.Address), o.Registration, o.Country, o.TimeZone,
		o.BaseCurrency, o.ReceiptProfile, o.Mission, o.ContactEmail, home, o.Version, o.Logo.ID)
	if err != nil {
		return fmt.Errorf("put organization: %w", err)
	}
	_, err = t.reviseCatalogue(ctx)
	return err
}

func scanFund(row scanner) (domain.Fund, error) {
	var f domain.Fund
	err := row.Scan(&f.ID, &f.OrganizationID, &f.Code, &f.Name, &f.Class, &f.Version)
	return f, err
}

// Funds is app.Reader's.
func (t *boundTx) Funds(ctx context.Context) ([]domain.Fund, error) {
	rows, err := t.tx.QueryContext(ctx, `SELECT id, organization_id, code, name, class, version FROM fund
		ORDER BY organization_id, code`)
	funds, err := all(rows, err, scanFund)
	if err != nil {
		return nil, fmt.Errorf("read funds: %w", err)
	}
	return funds, nil
}

// PutFund is app.Tx's.
func (t *boundTx) PutFund(ctx context.Context, f domain.Fund) error {
	_, err := t.tx.ExecContext(ctx, `INSERT INTO fund (id, organization_id, code, name, class, version)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, class = excluded.class, version = excluded.version`,
		f.ID, f.OrganizationID, f.Code, f.Name, string(f.Class), f.Version)
	if err != nil {
		return fmt.Errorf("put fund: %w", err)
	}
	_, err = t.reviseCatalogue(ctx)
	return err
}
