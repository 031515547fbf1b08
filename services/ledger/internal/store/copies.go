package store

import (
	"context"
	"database/sql"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

const organizationColumns = `id, slug, code, name, time_zone, version`

func scanOrganization(rows *sql.Rows) (domain.Organization, error) {
	var o domain.Organization
	err := rows.Scan(&o.ID, &o.Slug, &o.Code, &o.Name, &o.TimeZone, &o.Version)
	return o, err
}

// Organizations returns all that have been seen, ordered by code and id.
func (r reader) Organizations(ctx context.Context) ([]domain.Organization, error) {
	return query(ctx, r.tx, scanOrganization,
		`SELECT `+organizationColumns+` FROM organization ORDER BY code, id`)
}

// OrganizationsByID returns those of the ids that have been seen.
func (w writer) OrganizationsByID(ctx context.Context, ids []string) (map[string]domain.Organization, error) {
	found := make(map[string]domain.Organization, len(ids))
	for batch := range database.Pieces(ids) {
		organizations, err := query(ctx, w.tx, scanOrganization,
			`SELECT `+organizationColumns+` FROM organization WHERE id IN `+database.Placeholders(1, len(batch)), anyOf(batch)...)
		if err != nil {
			return nil, err
		}
		for _, o := range organizations {
			found[o.ID] = o
		}
	}
	return found, nil
}

// SaveOrganizations keeps each organization unless the same or a higher version
// is there.
func (w writer) SaveOrganizations(ctx context.Context, organizations []domain.Organization) error {
	for batch := range database.Pieces(organizations) {
		args := make([]any, 0, 6*len(batch))
		for _, o := range batch {
			args = append(args, o.ID, o.Slug, o.Code, o.Name, o.TimeZone, o.Version)
		}
		_, err := w.tx.ExecContext(ctx,
			`INSERT INTO organization (`+organizationColumns+`) VALUES `+database.Placeholders(len(batch), 6)+`
			ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, code = excluded.code, name = excluded.name,
				time_zone = excluded.time_zone, version = excluded.version
			WHERE excluded.version > organization.version`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// SaveFunds does the same for funds.
func (w writer) SaveFunds(ctx context.Context, funds []domain.Fund) error {
	for batch := range database.Pieces(funds) {
		args := make([]any, 0, 4*len(batch))
		for _, f := range batch {
			args = append(args, f.ID, f.OrganizationID, f.Code, f.Version)
		}
		_, err := w.tx.ExecContext(ctx,
			`INSERT INTO fund (id, organization_id, code, version) VALUES `+database.Placeholders(len(batch), 4)+`
			ON CONFLICT (id) DO UPDATE SET organization_id = excluded.organization_id, code = excluded.code, version = excluded.version
			WHERE excluded.version > fund.version`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// KnownFunds returns those of the keys that have been seen.
func (w writer) KnownFunds(ctx context.Context, keys []domain.FundKey) (map[domain.FundKey]bool, error) {
	known := make(map[domain.FundKey]bool, len(keys))
	scan := func(rows *sql.Rows) (domain.FundKey, error) {
		var key domain.FundKey
		err := rows.Scan(&key.OrganizationID, &key.Code)
		return key, err
	}
	for batch := range database.Pieces(keys) {
		args := make([]any, 0, 2*len(batch))
		for _, key := range batch {
			args = append(args, key.OrganizationID, key.Code)
		}
		found, err := query(ctx, w.tx, scan,
			`WITH v(organization_id, code) AS (VALUES `+database.CastPlaceholders(len(batch), "TEXT", "TEXT")+`)
			SELECT f.organization_id, f.code FROM v JOIN fund f ON f.organization_id = v.organization_id AND f.code = v.code`, args...)
		if err != nil {
			return nil, err
		}
		for _, key := range found {
			known[key] = true
		}
	}
	return known, nil
}
