package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// SaveOrganizations keeps each unless the same or a higher version is there.
func (tx transaction) SaveOrganizations(ctx context.Context, organizations []domain.Organization) error {
	if len(organizations) == 0 {
		return nil
	}
	var args []any
	for _, o := range organizations {
		args = append(args, o.ID, o.Code, o.LegalName, strings.Join(o.Address, "\n"),
			o.Registration, o.Contact, o.TimeZone.String(), o.Profile, o.Version)
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO organization (id, code, legal_name, address, registration, contact, time_zone, profile, version)
		VALUES `+database.Placeholders(len(organizations), 9)+`
		ON CONFLICT (id) DO UPDATE SET
			code = excluded.code, legal_name = excluded.legal_name, address = excluded.address,
			registration = excluded.registration, contact = excluded.contact,
			time_zone = excluded.time_zone, profile = excluded.profile, version = excluded.version
		WHERE excluded.version > organization.version`, args...)
	return err
}

// SaveFunds keeps each unless the same or a higher version is there.
func (tx transaction) SaveFunds(ctx context.Context, funds []domain.Fund) error {
	if len(funds) == 0 {
		return nil
	}
	var args []any
	for _, f := range funds {
		args = append(args, f.OrganizationID, f.Code, f.Name, f.Version)
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO fund (organization_id, code, name, version)
		VALUES `+database.Placeholders(len(funds), 4)+`
		ON CONFLICT (organization_id, code) DO UPDATE SET name = excluded.name, version = excluded.version
		WHERE excluded.version > fund.version`, args...)
	return err
}

// Organizations returns those of the ids that are kept.
func (tx transaction) Organizations(ctx context.Context, ids []string) (map[string]domain.Organization, error) {
	found := map[string]domain.Organization{}
	if len(ids) == 0 {
		return found, nil
	}
	list, err := collect(ctx, tx, readOrganization, `
		SELECT id, code, legal_name, address, registration, contact, time_zone, profile, version
		FROM organization WHERE id IN `+database.Placeholders(1, len(ids)), texts(ids)...)
	if err != nil {
		return nil, err
	}
	for _, o := range list {
		found[o.ID] = o
	}
	return found, nil
}

func readOrganization(scan func(...any) error) (domain.Organization, error) {
	var o domain.Organization
	var zone string
	err := scan(&o.ID, &o.Code, &o.LegalName, address{&o.Address}, &o.Registration, &o.Contact, &zone, &o.Profile, &o.Version)
	if err != nil {
		return domain.Organization{}, err
	}
	o.TimeZone, err = time.LoadLocation(zone)
	if err != nil {
		return domain.Organization{}, fmt.Errorf("load time zone of organization %s: %w", o.ID, err)
	}
	return o, nil
}

// Funds returns those of the keys that are kept.
func (tx transaction) Funds(ctx context.Context, keys []domain.FundKey) (map[domain.FundKey]domain.Fund, error) {
	found := map[domain.FundKey]domain.Fund{}
	if len(keys) == 0 {
		return found, nil
	}
	var args []any
	for _, key := range keys {
		args = append(args, key.OrganizationID, key.Code)
	}
	list, err := collect(ctx, tx, readFund, `
		WITH v(organization_id, code) AS (VALUES `+database.CastPlaceholders(len(keys), "TEXT", "TEXT")+`)
		SELECT fund.organization_id, fund.code, fund.name, fund.version
		FROM v JOIN fund ON fund.organization_id = v.organization_id AND fund.code = v.code`, args...)
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		found[f.FundKey] = f
	}
	return found, nil
}

func readFund(scan func(...any) error) (domain.Fund, error) {
	var f domain.Fund
	err := scan(&f.OrganizationID, &f.Code, &f.Name, &f.Version)
	return f, err
}
