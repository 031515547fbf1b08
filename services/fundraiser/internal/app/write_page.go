package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
)

// OwnPage is a page as its owner sees it.
type OwnPage struct {
	Page         Page
	Closed       bool // takes no gifts: it or its appeal
	Appeal       Appeal
	AppealClosed bool
}

func ownPage(page Page, appeal Appeal, now time.Time) OwnPage {
	above := appeal.At(now) == domain.Closed
	return OwnPage{
		Page:         page,
		Closed:       above || page.State == domain.TakenDown || page.At(appeal.Appeal, now) == domain.Closed,
		Appeal:       appeal,
		AppealClosed: above,
	}
}

// withAppeal finds the appeal that a page is under.
func withAppeal(ctx context.Context, tx Reader, page Page, now time.Time) (OwnPage, error) {
	appeal, found, err := tx.AppealByID(ctx, page.AppealID)
	if err != nil {
		return OwnPage{}, err
	}
	if !found {
		return OwnPage{}, errNoPage
	}
	return ownPage(page, appeal, now), nil
}

// instantOf is a moment as it is kept and read back.
func instantOf(t time.Time) time.Time { return instant(t.Truncate(time.Microsecond)) }

// checkIntent says whether an id can be what a server made when it drew a form.
func checkIntent(id string) error {
	parsed, err := uuid.Parse(id)
	if err != nil || parsed.String() != strings.ToLower(id) {
		return apperr.Invalid(apperr.Field{Name: "intent_id", Reason: "INTENT_INVALID", Message: "Open the form again."})
	}
	return nil
}

// write makes a page say what its owner wrote, as far as it may, and answers
// the appeal that it is then under. What is wrong comes back as one error with
// all fields. The page's version is the caller's to raise.
func write(ctx context.Context, tx Reader, page *domain.Page, in domain.PageInput, now time.Time) (Appeal, error) {
	var appeal Appeal
	var err error
	begun := page.AppealID != ""
	if begun {
		appeal, _, err = tx.AppealByID(ctx, page.AppealID)
		if err != nil {
			return Appeal{}, err
		}
		if in.AppealSlug == "" {
			in.AppealSlug = appeal.Slug
		}
	}
	faults := in.Faults()
	if in.AppealSlug != "" && in.AppealSlug != appeal.Slug {
		if begun && page.Published() {
			faults = append(faults, apperr.Field{Name: "appeal_slug", Reason: "APPEAL_FIXED", Message: "A page that was published stays under its appeal."})
		} else {
			var fault *apperr.Field
			appeal, fault, err = openAppeal(ctx, tx, in.AppealSlug, now)
			if err != nil {
				return Appeal{}, err
			}
			if fault != nil {
				faults = append(faults, *fault)
			}
		}
	}
	slug, fault, err := address(ctx, tx, *page, in, appeal.Slug)
	if err != nil {
		return Appeal{}, err
	}
	if fault != nil {
		faults = append(faults, *fault)
	}
	if len(faults) > 0 {
		return Appeal{}, apperr.Invalid(faults...)
	}
	page.AppealID, page.Slug = appeal.ID, slug
	page.Title, page.Owner, page.Goal, page.Story = in.Title, in.Owner, in.Goal, in.Story
	return appeal, nil
}

// openAppeal finds an appeal that takes gifts, or says why there is none.
func openAppeal(ctx context.Context, tx Reader, slug string, now time.Time) (Appeal, *apperr.Field, error) {
	appeal, found, err := tx.AppealBySlug(ctx, slug)
	if err != nil {
		return Appeal{}, nil, err
	}
	switch {
	case !found || appeal.At(now) == domain.Draft:
		return Appeal{}, &apperr.Field{Name: "appeal_slug", Reason: "APPEAL_UNKNOWN", Message: errNoAppeal.Message}, nil
	case appeal.At(now) == domain.Closed:
		return Appeal{}, &apperr.Field{Name: "appeal_slug", Reason: "APPEAL_CLOSED", Message: errAppealClosed.Message}, nil
	}
	return appeal, nil, nil
}

// address finds the address that a page gets: its own while nothing speaks
// against it, the one that was asked for, or one made from the title. When
// another page has the one that was asked for, a free one is offered.
func address(ctx context.Context, tx Reader, page domain.Page, in domain.PageInput, appealSlug string) (string, *apperr.Field, error) {
	switch {
	case page.Slug != "" && in.Slug == page.Slug, page.Slug != "" && in.Slug == "" && (page.Published() || in.Title == page.Title):
		return page.Slug, nil, nil
	case page.Slug != "" && page.Published():
		return "", &apperr.Field{Name: "slug", Reason: "SLUG_FIXED", Message: "The address was shared and cannot change any more."}, nil
	case in.Slug != "" && domain.CheckSlug(in.Slug) != "", !domain.Visible(in.Title):
		return "", nil, nil // said already
	}
	offers := domain.SlugsFor(in.Slug, in.Title, appealSlug, strings.ToLower(rand.Text()[:6]))
	candidates := offers
	if in.Slug != "" {
		candidates = append([]string{in.Slug}, offers...)
	}
	owners, err := tx.SlugOwners(ctx, candidates)
	if err != nil {
		return "", nil, err
	}
	free := ""
	for _, slug := range candidates {
		owner, taken := owners[slug]
		if !taken || owner == page.ID {
			free = slug
			break
		}
	}
	if in.Slug != "" && free != in.Slug {
		message := "Another page has this address."
		if free != "" {
			message += fmt.Sprintf(" %s is free.", free)
		}
		return "", &apperr.Field{Name: "slug", Reason: "SLUG_TAKEN", Message: message}, nil
	}
	return free, nil, nil
}

// tries bounds how often a page is written again because another one took the
// address between the look and the commit.
const tries = 3

var errRaced = apperr.New(apperr.Aborted, "FUNDRAISER_RACED", "Somebody else was quicker. Please try again.")

// inTxOnFreeAddress runs fn again when another page took what it had found free.
func (s *Supporters) inTxOnFreeAddress(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error {
	for range tries {
		err := s.store.InTx(ctx, fn)
		if !errors.Is(err, ErrPageTaken) {
			return err
		}
	}
	return errRaced
}
