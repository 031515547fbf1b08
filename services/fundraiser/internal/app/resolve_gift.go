package app

import (
	"context"
	"fmt"
	"slices"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

// Target is the address of a donate form: one of the slugs.
type Target struct {
	AppealSlug string
	PageSlug   string
	FundCode   string // empty for the appeal's first fund
	ShareCode  string // of the link that brought the donor; may be anything
}

// Terms are what a gift is attributed to and on which terms it is taken.
type Terms struct {
	Organization domain.Organization
	Appeal       Appeal
	Page         *Page // nil for a direct gift
	Fund         domain.Fund
	ShareCode    string
}

// ResolveGift answers NotFound for what nobody can see, Gone for what is
// closed, and InvalidArgument with the field "fund" for a fund that the appeal
// does not have.
func (a *App) ResolveGift(ctx context.Context, target Target) (Terms, error) {
	terms := Terms{ShareCode: domain.ShareCode(target.ShareCode)}
	err := a.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		var err error
		terms.Appeal, terms.Page, err = a.openTarget(ctx, tx, target)
		if err != nil {
			return err
		}
		funds := terms.Appeal.Funds
		chosen := 0
		if target.FundCode != "" {
			chosen = slices.IndexFunc(funds, func(f domain.Fund) bool { return f.Code == target.FundCode })
		}
		if chosen < 0 || chosen >= len(funds) {
			return errFundNotOnList
		}
		terms.Fund = funds[chosen]
		terms.Organization, _, err = tx.Organization(ctx, terms.Appeal.OrganizationID)
		return err
	})
	if err != nil {
		return Terms{}, fmt.Errorf("resolve gift: %w", err)
	}
	return terms, nil
}

// openTarget finds the appeal, and the page if one is named, if they take gifts.
func (a *App) openTarget(ctx context.Context, tx Reader, target Target) (Appeal, *Page, error) {
	now := a.now()
	if target.AppealSlug == "" && target.PageSlug == "" {
		return Appeal{}, nil, errNothingNamed
	}
	if target.PageSlug == "" {
		appeal, found, err := tx.AppealBySlug(ctx, target.AppealSlug)
		if err != nil {
			return Appeal{}, nil, err
		}
		switch {
		case !found || appeal.At(now) == domain.Draft:
			return Appeal{}, nil, errNoAppeal
		case appeal.At(now) == domain.Closed:
			return Appeal{}, nil, errAppealClosed
		}
		return appeal, nil, nil
	}
	page, appeal, err := findPage(ctx, tx, target.PageSlug)
	if err != nil {
		return Appeal{}, nil, err
	}
	switch state := page.At(appeal.Appeal, now); {
	case state == domain.Draft:
		return Appeal{}, nil, errNoPage
	case state == domain.Closed && page.State == domain.Paused && appeal.At(now) == domain.Live:
		return Appeal{}, nil, errPagePaused
	case state == domain.Closed:
		return Appeal{}, nil, errPageClosed
	}
	return appeal, &page, nil
}
