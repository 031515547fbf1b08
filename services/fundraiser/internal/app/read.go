package app

import (
	"context"
	"fmt"
	"slices"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

// How much of a long list a page shows.
const (
	recentGifts = 20
	topPages    = 100
)

// Listing is what can be given to.
type Listing struct {
	Organizations []domain.Organization
	Appeals       []Appeal
}

// ListAppeals returns the organizations and the live appeals, crises first.
func (a *App) ListAppeals(ctx context.Context) (Listing, error) {
	var listing Listing
	now := a.now()
	err := a.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		var err error
		listing.Organizations, err = tx.Organizations(ctx)
		if err != nil {
			return err
		}
		listing.Appeals, err = tx.Appeals(ctx)
		return err
	})
	if err != nil {
		return Listing{}, fmt.Errorf("list appeals: %w", err)
	}
	listing.Appeals = slices.DeleteFunc(listing.Appeals, func(appeal Appeal) bool {
		return appeal.At(now) != domain.Live
	})
	slices.SortStableFunc(listing.Appeals, func(x, y Appeal) int {
		return urgency(x.Kind) - urgency(y.Kind)
	})
	return listing, nil
}

func urgency(kind domain.Kind) int {
	if kind == domain.Crisis {
		return 0
	}
	return 1
}

// AppealPage is what an appeal's page shows.
type AppealPage struct {
	Appeal       Appeal
	Closed       bool
	Organization domain.Organization
	Pages        []Page // the highest total first, at most a hundred
	Recent       []domain.Gift
}

// GetAppeal returns a published appeal.
func (a *App) GetAppeal(ctx context.Context, slug string) (AppealPage, error) {
	var page AppealPage
	now := a.now()
	err := a.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		appeal, found, err := tx.AppealBySlug(ctx, slug)
		if err != nil {
			return err
		}
		if !found || appeal.At(now) == domain.Draft {
			return errNoAppeal
		}
		page.Appeal, page.Closed = appeal, appeal.At(now) == domain.Closed
		page.Organization, _, err = tx.Organization(ctx, appeal.OrganizationID)
		if err != nil {
			return err
		}
		page.Pages, err = tx.TopPages(ctx, appeal.ID, topPages)
		if err != nil {
			return err
		}
		page.Recent, err = tx.RecentGifts(ctx, appeal.ID, "", recentGifts)
		return err
	})
	if err != nil {
		return AppealPage{}, fmt.Errorf("get appeal: %w", err)
	}
	return page, nil
}

// SupporterPage is what a supporter's page shows.
type SupporterPage struct {
	Page         Page
	Closed       bool
	Appeal       Appeal
	AppealClosed bool
	Organization domain.Organization
	Recent       []domain.Gift
}

// GetFundraiser returns a published page.
func (a *App) GetFundraiser(ctx context.Context, slug string) (SupporterPage, error) {
	var shown SupporterPage
	now := a.now()
	err := a.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		page, appeal, err := findPage(ctx, tx, slug)
		if err != nil {
			return err
		}
		state := page.At(appeal.Appeal, now)
		if state == domain.Draft {
			return errNoPage
		}
		shown.Page, shown.Closed = page, state == domain.Closed
		shown.Appeal, shown.AppealClosed = appeal, appeal.At(now) == domain.Closed
		shown.Organization, _, err = tx.Organization(ctx, appeal.OrganizationID)
		if err != nil {
			return err
		}
		shown.Recent, err = tx.RecentGifts(ctx, appeal.ID, page.ID, recentGifts)
		return err
	})
	if err != nil {
		return SupporterPage{}, fmt.Errorf("get fundraiser: %w", err)
	}
	return shown, nil
}

// findPage returns a page with its appeal, or errNoPage.
func findPage(ctx context.Context, tx Reader, slug string) (Page, Appeal, error) {
	page, found, err := tx.PageBySlug(ctx, slug)
	if err != nil {
		return Page{}, Appeal{}, err
	}
	if !found {
		return Page{}, Appeal{}, errNoPage
	}
	appeal, found, err := tx.AppealByID(ctx, page.AppealID)
	if err != nil {
		return Page{}, Appeal{}, err
	}
	if !found {
		return Page{}, Appeal{}, errNoPage
	}
	return page, appeal, nil
}

// HomeOrganization returns the id of the organization that books what belongs
// to no gift.
func (a *App) HomeOrganization(ctx context.Context) (string, error) {
	var id string
	err := a.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		organizations, err := tx.Organizations(ctx)
		if err != nil {
			return err
		}
		if len(organizations) == 0 || !organizations[0].Home {
			return errNoHome
		}
		id = organizations[0].ID
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("find home organization: %w", err)
	}
	return id, nil
}

// GetGift returns how a donation was counted.
func (a *App) GetGift(ctx context.Context, donationID string) (CountedGift, error) {
	var gift CountedGift
	err := a.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		var found bool
		var err error
		gift, found, err = tx.Gift(ctx, donationID)
		if err == nil && !found {
			return errNoGift
		}
		return err
	})
	if err != nil {
		return CountedGift{}, fmt.Errorf("get gift: %w", err)
	}
	return gift, nil
}
