package app

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
)

const (
	// pagesMost is how many pages one supporter may have.
	pagesMost = 50
	// ownGifts is how many of a page's gifts its owner's desk shows.
	ownGifts = 50
)

var (
	errTooManyPages = apperr.New(apperr.ResourceExhausted, "TOO_MANY_FUNDRAISERS", fmt.Sprintf("You have %d pages already. Throw a draft away first.", pagesMost))
	errPageChanged  = apperr.New(apperr.Aborted, "FUNDRAISER_CHANGED", "This page was changed in another window. Open it again, so that nothing is undone.")
	errTakenDown    = apperr.New(apperr.FailedPrecondition, "FUNDRAISER_TAKEN_DOWN", "This page was taken down and cannot be changed.")
	errNotPossible  = apperr.New(apperr.FailedPrecondition, "FUNDRAISER_STATE", "This cannot be done with the page as it stands.")
)

func checkPageBound(ctx context.Context, tx Reader, supporterID string) error {
	pages, err := tx.OwnPages(ctx, supporterID)
	if err != nil {
		return err
	}
	if len(pages) >= pagesMost {
		return errTooManyPages
	}
	return nil
}

// ListOwn returns a supporter's pages, the newest first.
func (s *Supporters) ListOwn(ctx context.Context, supporterID string) ([]OwnPage, error) {
	var own []OwnPage
	err := s.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		own = nil
		pages, err := tx.OwnPages(ctx, supporterID)
		if err != nil || len(pages) == 0 {
			return err
		}
		appeals, err := tx.Appeals(ctx)
		if err != nil {
			return err
		}
		byID := map[string]Appeal{}
		for _, appeal := range appeals {
			byID[appeal.ID] = appeal
		}
		for _, page := range pages {
			own = append(own, ownPage(page, byID[page.AppealID], s.now()))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list own fundraisers: %w", err)
	}
	return own, nil
}

// OwnDesk is what a page's owner works at.
type OwnDesk struct {
	OwnPage
	Organization domain.Organization
	Recent       []domain.Gift // the newest first
}

// GetOwn returns one of a supporter's pages.
func (s *Supporters) GetOwn(ctx context.Context, supporterID, id string) (OwnDesk, error) {
	var desk OwnDesk
	err := s.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		page, found, err := tx.OwnPage(ctx, supporterID, id)
		if err != nil {
			return err
		}
		if !found {
			return errNoPage
		}
		desk.OwnPage, err = withAppeal(ctx, tx, page, s.now())
		if err != nil {
			return err
		}
		desk.Organization, _, err = tx.Organization(ctx, desk.Appeal.OrganizationID)
		if err != nil {
			return err
		}
		desk.Recent, err = tx.RecentGifts(ctx, page.AppealID, page.ID, ownGifts)
		return err
	})
	if err != nil {
		return OwnDesk{}, fmt.Errorf("get own fundraiser: %w", err)
	}
	return desk, nil
}

// BeginPage begins a page of a supporter. The same intent is the same page:
// sent again, what was sent last stands as long as it is a draft.
func (s *Supporters) BeginPage(ctx context.Context, supporterID, intentID string, in domain.PageInput) (OwnPage, error) {
	err := checkIntent(intentID)
	if err != nil {
		return OwnPage{}, err
	}
	id, in := domain.OwnDraftID(supporterID, intentID), in.Clean()
	var begun OwnPage
	err = s.inTxOnFreeAddress(ctx, func(ctx context.Context, tx Tx) error {
		now := s.now()
		known, err := tx.LockSupporter(ctx, supporterID)
		if err != nil {
			return err
		}
		if !known {
			return errNoSupporter
		}
		page, found, err := tx.LockOwnPage(ctx, supporterID, id)
		if err != nil {
			return err
		}
		if found {
			begun, err = s.rewrite(ctx, tx, page, in, func(page domain.Page) bool { return page.State == domain.Draft })
			return err
		}
		err = checkPageBound(ctx, tx, supporterID)
		if err != nil {
			return err
		}
		page.Page = domain.Page{ID: id, State: domain.Draft, SupporterID: supporterID, Version: 1, CreatedAt: instantOf(now)}
		appeal, err := write(ctx, tx, &page.Page, in, now)
		if err != nil {
			return err
		}
		begun = ownPage(page, appeal, now)
		return tx.AddPage(ctx, page.Page)
	})
	if err != nil {
		return OwnPage{}, fmt.Errorf("begin fundraiser: %w", err)
	}
	return begun, nil
}

// SavePage changes one of a supporter's pages. version is the one that was
// shown when it was edited; when it is not the newest any more, nothing is
// changed and the answer is Aborted. What the page says already can be sent
// again.
func (s *Supporters) SavePage(ctx context.Context, supporterID, id string, version int64, in domain.PageInput) (OwnPage, error) {
	in = in.Clean()
	var saved OwnPage
	err := s.inTxOnFreeAddress(ctx, func(ctx context.Context, tx Tx) error {
		page, found, err := tx.LockOwnPage(ctx, supporterID, id)
		if err != nil {
			return err
		}
		if !found {
			return errNoPage
		}
		saved, err = s.rewrite(ctx, tx, page, in, func(page domain.Page) bool { return page.Version == version })
		return err
	})
	if err != nil {
		return OwnPage{}, fmt.Errorf("save fundraiser: %w", err)
	}
	return saved, nil
}

// rewrite changes a page that is locked, if current says that whoever wrote the
// input had seen it as it is.
func (s *Supporters) rewrite(ctx context.Context, tx Tx, page Page, in domain.PageInput, current func(domain.Page) bool) (OwnPage, error) {
	if page.State == domain.TakenDown {
		return OwnPage{}, errTakenDown
	}
	changed := page.Page
	appeal, err := write(ctx, tx, &changed, in, s.now())
	if err != nil {
		// To who edits an old version, what is wrong with it is no help.
		if apperr.CodeOf(err) == apperr.InvalidArgument && !current(page.Page) {
			return OwnPage{}, errPageChanged
		}
		return OwnPage{}, err
	}
	if samePage(changed, page.Page) {
		return ownPage(page, appeal, s.now()), nil
	}
	if !current(page.Page) {
		return OwnPage{}, errPageChanged
	}
	if page.Published() && !domain.Visible(changed.Story) {
		return OwnPage{}, apperr.Invalid(changed.Unfinished(appeal.Slug)...)
	}
	changed.Version++
	page.Page = changed
	return ownPage(page, appeal, s.now()), tx.PutPage(ctx, changed)
}

// ChangeState does with a supporter's page what can be done with it, and
// returns it; nil once it was thrown away.
func (s *Supporters) ChangeState(ctx context.Context, supporterID, id string, action domain.Action) (*OwnPage, error) {
	var changed *OwnPage
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		changed = nil
		now := s.now()
		page, found, err := tx.LockOwnPage(ctx, supporterID, id)
		if err != nil {
			return err
		}
		if !found {
			return errNoPage
		}
		next, can := page.State.After(action)
		switch {
		case page.State == domain.TakenDown:
			return errTakenDown
		case !can:
			return errNotPossible
		case action == domain.Discard:
			return remove(ctx, tx, page.Page)
		}
		own, err := withAppeal(ctx, tx, page, now)
		if err != nil {
			return err
		}
		if next != page.State {
			err = s.move(ctx, tx, &own, next)
			if err != nil {
				return err
			}
		}
		own = ownPage(own.Page, own.Appeal, now)
		changed = &own
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s fundraiser: %w", action, err)
	}
	return changed, nil
}

// move puts a page into another state. It is shown for the first time only when
// nothing of it is missing.
func (s *Supporters) move(ctx context.Context, tx Tx, own *OwnPage, next domain.State) error {
	now := s.now()
	if !own.Page.Published() {
		faults := own.Page.Unfinished(own.Appeal.Slug)
		_, fault, err := openAppeal(ctx, tx, own.Appeal.Slug, now)
		if err != nil {
			return err
		}
		if fault != nil {
			faults = append(faults, *fault)
		}
		if len(faults) > 0 {
			return apperr.Invalid(faults...)
		}
		own.Page.PublishedAt = instantOf(now)
	}
	own.Page.State = next
	own.Page.Version++
	return tx.PutPage(ctx, own.Page.Page)
}
