package app

import (
	"context"
	"fmt"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
)

// Drafts that nobody has claimed are written by anybody, so there are bounds:
// on what can be begun in an hour, on what is kept, and on how long.
const (
	draftsAnHour = 200
	draftsMost   = 5000
	draftsKept   = 7 * 24 * time.Hour
)

var (
	errNoDraft       = apperr.New(apperr.NotFound, "DRAFT_UNKNOWN", "There is no such draft. It may have been claimed, or thrown away after a week.")
	errTooManyDrafts = apperr.New(apperr.ResourceExhausted, "TOO_MANY_DRAFTS", "Very many pages are being begun right now. Please try again in an hour, or sign in first.")
)

// SaveDraft writes a draft that nobody owns yet and returns its id. The same
// intent is the same draft; what was sent last stands. Once it was claimed, its
// owner alone writes it.
func (s *Supporters) SaveDraft(ctx context.Context, intentID string, in domain.PageInput) (string, error) {
	err := checkIntent(intentID)
	if err != nil {
		return "", err
	}
	id, in := domain.DraftID(intentID), in.Clean()
	err = s.inTxOnFreeAddress(ctx, func(ctx context.Context, tx Tx) error {
		now := s.now()
		kept, found, err := tx.LockDraft(ctx, id)
		if err != nil {
			return err
		}
		if found {
			changed := kept.Page
			_, err = write(ctx, tx, &changed, in, now)
			if err != nil || samePage(changed, kept.Page) {
				return err
			}
			changed.Version++
			return tx.PutPage(ctx, changed)
		}
		claimed, err := tx.PageExists(ctx, id)
		if err != nil {
			return err
		}
		if claimed {
			return errNoDraft
		}
		err = checkDraftBounds(ctx, tx, now)
		if err != nil {
			return err
		}
		page := domain.Page{ID: id, State: domain.Draft, Unclaimed: true, Version: 1, CreatedAt: instantOf(now)}
		_, err = write(ctx, tx, &page, in, now)
		if err != nil {
			return err
		}
		return tx.AddPage(ctx, page)
	})
	if err != nil {
		return "", fmt.Errorf("save draft: %w", err)
	}
	return id, nil
}

func checkDraftBounds(ctx context.Context, tx Reader, now time.Time) error {
	all, recent, err := tx.CountDrafts(ctx, now.Add(-time.Hour))
	if err != nil {
		return err
	}
	if all >= draftsMost || recent >= draftsAnHour {
		return errTooManyDrafts
	}
	return nil
}

// samePage tells whether nothing that an owner writes is different.
func samePage(x, y domain.Page) bool {
	return x.AppealID == y.AppealID && x.Slug == y.Slug && x.Title == y.Title && x.Owner == y.Owner && x.Goal == y.Goal && x.Story == y.Story
}

// GetDraft returns a draft that nobody owns.
func (s *Supporters) GetDraft(ctx context.Context, id string) (OwnPage, error) {
	var draft OwnPage
	err := s.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		page, found, err := tx.Draft(ctx, id)
		if err != nil {
			return err
		}
		if !found {
			return errNoDraft
		}
		draft, err = withAppeal(ctx, tx, page, s.now())
		return err
	})
	if err != nil {
		return OwnPage{}, fmt.Errorf("get draft: %w", err)
	}
	return draft, nil
}

// ClaimDraft makes a supporter the owner of a draft that has none. Claiming
// one's own page again changes nothing.
func (s *Supporters) ClaimDraft(ctx context.Context, supporterID, id string) (OwnPage, error) {
	var claimed OwnPage
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		// First, so that two claims by one person count each other's pages.
		known, err := tx.LockSupporter(ctx, supporterID)
		if err != nil {
			return err
		}
		if !known {
			return errNoSupporter
		}
		page, found, err := tx.LockDraft(ctx, id)
		if err != nil {
			return err
		}
		if found {
			err = checkPageBound(ctx, tx, supporterID)
			if err != nil {
				return err
			}
			page.SupporterID, page.Unclaimed = supporterID, false
			page.Version++
			err = tx.PutPage(ctx, page.Page)
		} else {
			page, found, err = tx.OwnPage(ctx, supporterID, id)
		}
		if err != nil {
			return err
		}
		if !found {
			return errNoPage
		}
		claimed, err = withAppeal(ctx, tx, page, s.now())
		return err
	})
	if err != nil {
		return OwnPage{}, fmt.Errorf("claim draft: %w", err)
	}
	return claimed, nil
}

// DiscardOldDrafts throws away one batch of drafts that nobody claimed for a
// week, with their pictures. It reports whether there may be more.
func (s *Supporters) DiscardOldDrafts(ctx context.Context) (more bool, err error) {
	before := s.now().Add(-draftsKept)
	var ids []string
	err = s.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		var err error
		ids, err = tx.OldDrafts(ctx, before, batch)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("read old drafts: %w", err)
	}
	for _, id := range ids {
		err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			page, found, err := tx.LockDraft(ctx, id)
			if err != nil || !found {
				return err // claimed in the last moment
			}
			return remove(ctx, tx, page.Page)
		})
		if err != nil {
			return false, fmt.Errorf("discard old draft: %w", err)
		}
	}
	return len(ids) == batch, nil
}

// remove throws a draft away, with its picture.
func remove(ctx context.Context, tx Tx, page domain.Page) error {
	err := tx.RemovePage(ctx, page.ID)
	if err != nil {
		return err
	}
	return tx.RemoveImage(ctx, page.Photo.ID)
}
