package app

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
)

const (
	// listedMost is how many pages staff are shown at once.
	listedMost = 100
	// reasonLongest bounds what staff say to a page's owner, in characters.
	reasonLongest = 500
)

// ListedPage is a supporter's page as staff see it.
type ListedPage struct {
	Page
	Appeal domain.Appeal
	Closed bool
}

// PageCursor is where a list of pages goes on: after this one.
type PageCursor struct {
	PublishedAt time.Time
	ID          string
}

// String is the cursor as a word; "" for the begin.
func (c PageCursor) String() string {
	if c.ID == "" {
		return ""
	}
	return fmt.Sprintf("%d.%s", max(c.PublishedAt.UnixMicro(), 0), c.ID)
}

// readPageCursor reads a cursor that was handed out before.
func readPageCursor(word string) (PageCursor, error) {
	if word == "" {
		return PageCursor{}, nil
	}
	at, id, found := strings.Cut(word, ".")
	us, err := strconv.ParseInt(at, 10, 64)
	if err != nil || !found || id == "" || us < 0 {
		return PageCursor{}, apperr.Invalid(apperr.Field{Name: "after", Reason: "CURSOR_INVALID", Message: "This is no page of the list."})
	}
	cursor := PageCursor{ID: id}
	if us > 0 {
		cursor.PublishedAt = time.UnixMicro(us).UTC()
	}
	return cursor, nil
}

// ListPages returns pages that were published, the newest first, and the cursor
// of the next ones, "" when these are the last.
func (a *App) ListPages(ctx context.Context, after string, limit int) (listed []ListedPage, next string, err error) {
	if limit <= 0 || limit > listedMost {
		limit = listedMost
	}
	cursor, err := readPageCursor(after)
	if err != nil {
		return nil, "", err
	}
	now := a.now()
	err = a.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		pages, err := tx.PublishedPages(ctx, cursor, limit+1)
		if err != nil {
			return err
		}
		listed, next = nil, ""
		if len(pages) > limit {
			pages = pages[:limit]
			last := pages[limit-1]
			next = PageCursor{PublishedAt: last.PublishedAt, ID: last.ID}.String()
		}
		appeals := map[string]Appeal{}
		for _, page := range pages {
			appeal, known := appeals[page.AppealID]
			if !known {
				appeal, _, err = tx.AppealByID(ctx, page.AppealID)
				if err != nil {
					return err
				}
				appeals[page.AppealID] = appeal
			}
			listed = append(listed, ListedPage{Page: page, Appeal: appeal.Appeal, Closed: page.At(appeal.Appeal, now) != domain.Live})
		}
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("list fundraisers: %w", err)
	}
	return listed, next, nil
}

// TakeDown hides a page and says why to its owner, or with restore shows it
// again as it was before. What is so already stays so.
func (a *App) TakeDown(ctx context.Context, personID, id, reason string, restore bool) (ListedPage, error) {
	reason = domain.OneLine(reason)
	if !restore {
		switch {
		case !domain.Visible(reason):
			return ListedPage{}, apperr.Invalid(apperr.Field{Name: "reason", Reason: "REASON_MISSING", Message: "Say why, for its owner to read."})
		case domain.Characters(reason) > reasonLongest || len(reason) > 4*reasonLongest:
			return ListedPage{}, apperr.Invalid(apperr.Field{Name: "reason", Reason: "REASON_TOO_LONG",
				Message: fmt.Sprintf("Use at most %d characters.", reasonLongest)})
		}
	}
	var listed ListedPage
	err := a.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		err := tx.LockCatalogue(ctx)
		if err != nil {
			return err
		}
		page, found, err := tx.LockPage(ctx, id)
		if err != nil {
			return err
		}
		// What was never shown is nobody's but its owner's.
		if !found || page.State == domain.Draft {
			return errNoPage
		}
		appeal, _, err := tx.AppealByID(ctx, page.AppealID)
		if err != nil {
			return err
		}
		after, action := page.Page, "taken_down"
		if restore {
			after, action = after.Restored(), "restored"
		} else {
			after = after.TakenDown(reason)
		}
		if after.State != page.State || after.Reason != page.Reason {
			after.Version++
			err = tx.PutPage(ctx, after)
			if err != nil {
				return err
			}
			err = tx.AddChanges(ctx, []Change{{
				At: a.moment(), PersonID: personID, Subject: FundraiserSubject, SubjectID: after.ID, SubjectName: after.Slug,
				Action: action, Fields: difference(sayPage(page.Page, appeal.Currency), sayPage(after, appeal.Currency)),
			}})
			if err != nil {
				return err
			}
		}
		page.Page = after
		listed = ListedPage{Page: page, Appeal: appeal.Appeal, Closed: after.At(appeal.Appeal, a.now()) != domain.Live}
		return nil
	})
	if err != nil {
		return ListedPage{}, fmt.Errorf("take down fundraiser: %w", err)
	}
	return listed, nil
}
