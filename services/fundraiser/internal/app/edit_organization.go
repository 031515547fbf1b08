package app

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

// OrganizationInput is what staff can change about an organization. Code,
// country, currency, receipts and home stay: numbers already issued rest on
// them.
type OrganizationInput struct {
	Name         string
	LegalName    string
	Address      []string
	Registration string
	TimeZone     string
	Mission      string
	ContactEmail string
}

// ListOrganizations returns all, the home organization first.
func (a *App) ListOrganizations(ctx context.Context) ([]domain.Organization, error) {
	var organizations []domain.Organization
	err := a.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		var err error
		organizations, err = tx.Organizations(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list organizations: %w", err)
	}
	return organizations, nil
}

// UpdateOrganization changes an organization and tells who keeps a copy. Days
// of its appeals stay the same days in another time zone.
func (a *App) UpdateOrganization(ctx context.Context, personID, id string, version int64, input OrganizationInput) (domain.Organization, error) {
	var after domain.Organization
	err := a.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		err := tx.LockCatalogue(ctx)
		if err != nil {
			return err
		}
		before, found, err := tx.Organization(ctx, id)
		if err != nil {
			return err
		}
		if !found {
			return errNoOrganization
		}
		if before.Version != version {
			return errChanged
		}
		after, err = input.apply(before)
		if err != nil || reflect.DeepEqual(before, after) {
			return err
		}
		return a.putOrganization(ctx, tx, personID, before, &after)
	})
	if err != nil {
		return domain.Organization{}, fmt.Errorf("update organization: %w", err)
	}
	return after, nil
}

// putOrganization writes a changed organization with all that follows from it.
func (a *App) putOrganization(ctx context.Context, tx Tx, personID string, before domain.Organization, after *domain.Organization) error {
	at := a.moment()
	after.Version = before.Version + 1
	err := tx.PutOrganization(ctx, *after)
	if err != nil {
		return err
	}
	if before.TimeZone != after.TimeZone {
		err = moveDays(ctx, tx, before, *after)
		if err != nil {
			return err
		}
	}
	err = tx.AddChanges(ctx, []Change{{
		At: at, PersonID: personID, Subject: OrganizationSubject, SubjectID: after.ID, SubjectName: after.Code,
		Action: "changed", Fields: difference(sayOrganization(before), sayOrganization(*after)),
	}})
	if err != nil {
		return err
	}
	event, err := organizationChanged(ctx, *after, at)
	if err != nil {
		return err
	}
	return tx.Append(ctx, event)
}

func (in OrganizationInput) apply(o domain.Organization) (domain.Organization, error) {
	o.Name, o.LegalName = domain.OneLine(in.Name), domain.OneLine(in.LegalName)
	o.Registration, o.Mission = domain.OneLine(in.Registration), domain.OneLine(in.Mission)
	o.TimeZone, o.ContactEmail = in.TimeZone, domain.OneLine(in.ContactEmail)
	o.Address = nil
	for _, line := range in.Address {
		line = domain.OneLine(line)
		if line != "" {
			o.Address = append(o.Address, line)
		}
	}
	var problems domain.Problems
	domain.CheckOrganization("", o, &problems)
	_, problem := readZone(o.TimeZone)
	problems.Add("time_zone", problem)
	problems.Add("contact_email", checkEmail(o.ContactEmail))
	return o, inForm(problems)
}

// moveDays keeps the first and last days of an organization's appeals when its
// time zone becomes another.
func moveDays(ctx context.Context, tx Tx, before, after domain.Organization) error {
	old, err := time.LoadLocation(before.TimeZone)
	if err != nil {
		return fmt.Errorf("read the time zone that it had: %w", err)
	}
	zone, err := time.LoadLocation(after.TimeZone)
	if err != nil {
		return fmt.Errorf("read the time zone that it has: %w", err)
	}
	appeals, err := tx.Appeals(ctx)
	if err != nil {
		return err
	}
	for _, appeal := range appeals {
		if appeal.OrganizationID != after.ID || (appeal.StartsAt.IsZero() && appeal.EndsAt.IsZero()) {
			continue
		}
		var problems domain.Problems
		appeal.StartsAt, appeal.EndsAt = days(domain.FirstDay(appeal.StartsAt, old), domain.LastDay(appeal.EndsAt, old), zone, "", &problems)
		appeal.Version++
		err = tx.PutAppeal(ctx, appeal.Appeal)
		if err != nil {
			return fmt.Errorf("appeal %s: %w", appeal.Slug, err)
		}
	}
	return nil
}
