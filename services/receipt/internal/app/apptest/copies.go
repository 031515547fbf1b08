package apptest

import (
	"context"
	"testing"
	"time"

	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

func copiesKeepHighestVersion(t *testing.T, store app.Store) {
	zurich, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatalf("load time zone: %v", err)
	}
	second := domain.Organization{
		ID: refuge, Code: "REFUGE", LegalName: "Refuge Aid Association", Address: []string{"12 Harbour Street", "1204 Geneva"},
		Registration: "CHE-123.456.789", Contact: "gifts@refuge.example", TimeZone: zurich, Profile: "generic", Version: 2,
	}
	first := second
	first.LegalName, first.Version = "Refuge Aid", 1
	bare := domain.Organization{ID: harbour, Code: "HARBOUR", TimeZone: time.UTC, Version: 1}
	key := domain.FundKey{OrganizationID: refuge, Code: "WATER"}
	sameCodeElsewhere := domain.FundKey{OrganizationID: harbour, Code: "WATER"}

	write(t, store, func(ctx context.Context, tx app.Tx) error {
		err := tx.SaveOrganizations(ctx, []domain.Organization{second, bare})
		if err != nil {
			return err
		}
		return tx.SaveFunds(ctx, []domain.Fund{{FundKey: key, Name: "Water", Version: 1}, {FundKey: sameCodeElsewhere, Name: "Boats", Version: 7}})
	})
	// An older copy comes late, a newer one in time.
	write(t, store, func(ctx context.Context, tx app.Tx) error {
		err := tx.SaveOrganizations(ctx, []domain.Organization{first})
		if err != nil {
			return err
		}
		return tx.SaveFunds(ctx, []domain.Fund{{FundKey: key, Name: "Water in the camps", Version: 2}})
	})

	organizations := read(t, store, func(ctx context.Context, r app.Reader) (map[string]domain.Organization, error) {
		return r.Organizations(ctx, []string{refuge, harbour, "never-seen"})
	})
	equal(t, "organizations", len(organizations), 2)
	equal(t, "time zone", organizations[refuge].TimeZone.String(), "Europe/Zurich")
	kept := organizations[refuge]
	kept.TimeZone = zurich // locations are equal by name
	equal(t, "organization", kept, second)
	equal(t, "address of an organization without one", organizations[harbour].Address, []string(nil))

	funds := read(t, store, func(ctx context.Context, r app.Reader) (map[domain.FundKey]domain.Fund, error) {
		return r.Funds(ctx, []domain.FundKey{key, sameCodeElsewhere, {OrganizationID: refuge, Code: "NONE"}})
	})
	equal(t, "funds", funds, map[domain.FundKey]domain.Fund{
		key:               {FundKey: key, Name: "Water in the camps", Version: 2},
		sameCodeElsewhere: {FundKey: sameCodeElsewhere, Name: "Boats", Version: 7},
	})
}
