package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// Books answers questions about the books. It is safe for concurrent use.
type Books struct {
	Store Store
	Now   func() time.Time
}

// Period asks for a part of one organization's books. Organization is its id,
// address or code, empty for the only one; From and To are days, YYYY-MM-DD,
// empty for the beginning and for today.
type Period struct {
	Organization string
	From, To     string
}

// TrialBalance adds up every account over the period, in the organization's own
// days. The sums over a currency are zero.
func (b *Books) TrialBalance(ctx context.Context, period Period) ([]Balance, error) {
	var balances []Balance
	err := b.Store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		_, span, err := b.open(ctx, r, period)
		if err != nil {
			return err
		}
		balances, err = r.Balances(ctx, span)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("trial balance: %w", err)
	}
	return balances, nil
}

// firstDay is before every day that an entry can be booked on.
const firstDay = "0001-01-01"

// open finds the organization and the span that a period means now.
func (b *Books) open(ctx context.Context, r Reader, period Period) (domain.Organization, Span, error) {
	organization, err := findOrganization(ctx, r, period.Organization)
	if err != nil {
		return domain.Organization{}, Span{}, err
	}
	calendar, err := organization.Calendar()
	if err != nil {
		return domain.Organization{}, Span{}, err
	}
	head, err := r.Head(ctx, organization.ID)
	if err != nil {
		return domain.Organization{}, Span{}, fmt.Errorf("read head: %w", err)
	}
	span := Span{OrganizationID: organization.ID, From: period.From, To: period.To, Until: head.Number}
	faults := dayFaults(period.From, period.To)
	if len(faults) > 0 {
		return domain.Organization{}, Span{}, apperr.Invalid(faults...)
	}
	if span.From == "" {
		span.From = firstDay
	}
	if span.To == "" {
		span.To = calendar.Day(b.Now())
	}
	return organization, span, nil
}

func isDay(text string) bool {
	day, err := time.Parse(time.DateOnly, text)
	// Days are compared as text, so only the one spelling is a day, and only of
	// years that have four digits.
	return err == nil && day.Format(time.DateOnly) == text && day.Year() > 0
}

func notADay(field string) apperr.Field {
	return apperr.Field{Name: field, Reason: "DATE_INVALID", Message: "Write the day as YYYY-MM-DD, for example 2026-03-31."}
}

// findOrganization finds an organization by id, address or code, in that order;
// an empty name means the only one.
func findOrganization(ctx context.Context, r Reader, name string) (domain.Organization, error) {
	organizations, err := r.Organizations(ctx)
	if err != nil {
		return domain.Organization{}, fmt.Errorf("read organizations: %w", err)
	}
	if name == "" {
		return onlyOrganization(organizations)
	}
	for _, matches := range []func(domain.Organization) bool{
		func(o domain.Organization) bool { return o.ID == name },
		func(o domain.Organization) bool { return o.Slug == name },
		func(o domain.Organization) bool { return strings.EqualFold(o.Code, name) },
	} {
		for _, o := range organizations {
			if matches(o) {
				return o, nil
			}
		}
	}
	return domain.Organization{}, apperr.New(apperr.NotFound, "ORGANIZATION_UNKNOWN", "There is no such organization in the books.")
}

// onlyOrganization refuses to guess: the books of the wrong organization look
// as good as those of the right one.
func onlyOrganization(organizations []domain.Organization) (domain.Organization, error) {
	switch len(organizations) {
	case 0:
		return domain.Organization{}, apperr.New(apperr.NotFound, "ORGANIZATION_NONE", "There is no organization in the books yet.")
	case 1:
		return organizations[0], nil
	}
	names := make([]string, len(organizations))
	for i, o := range organizations {
		names[i] = fmt.Sprintf("%s (%s)", o.Code, o.Name)
	}
	message := "There are several organizations, name one: " + strings.Join(names, ", ") + "."
	needed := apperr.Invalid(apperr.Field{Name: "organization", Reason: "ORGANIZATION_NEEDED", Message: message})
	needed.Message = message
	return domain.Organization{}, needed
}
