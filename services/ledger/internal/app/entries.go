package app

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// maxPage is the longest page of entries or of an account's lines.
const maxPage = 500

// EntryPage asks for one page of the journal.
type EntryPage struct {
	OrganizationID string // empty for all books
	DonationID     string // empty for all
	Filter         EntryFilter
	// After is the number that the page before ended with: higher ones follow, or
	// lower ones when the newest come first, where 0 begins at the newest.
	After       int64
	NewestFirst bool
	Limit       int
}

// Page is a page of the journal, in the order asked for.
type Page struct {
	Entries []domain.Entry
	More    bool // there are more after the last of them
}

// ListEntries returns a page of the journal. The organization is its id, address
// or code; empty means all books for a page that names a donation or a
// reference, and otherwise the only one. A limit of 0 or above 500 means 500.
//
// Numbers begin at 1 in every book, so a number says where to go on in one book
// only: a page of all books cannot be continued, and says so.
func (b *Books) ListEntries(ctx context.Context, organization string, page EntryPage) (Page, error) {
	filter, err := page.Filter.checked()
	err = joinFaults(err, checkPlace(page))
	if err != nil {
		return Page{}, err
	}
	page.Filter = filter
	everywhere := organization == "" && (page.DonationID != "" || filter.Reference != "")
	if everywhere && page.After != 0 {
		return Page{}, apperr.Invalid(apperr.Field{
			Name: "after", Reason: "ORGANIZATION_NEEDED", Message: "Name the organization whose entries are to go on.",
		})
	}
	limit := pageLimit(page.Limit)
	page.Limit = limit + 1
	var entries []domain.Entry
	err = b.Store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		if !everywhere {
			found, err := findOrganization(ctx, r, organization)
			if err != nil {
				return err
			}
			page.OrganizationID = found.ID
		}
		var err error
		entries, err = r.Entries(ctx, page)
		return err
	})
	if err != nil {
		return Page{}, fmt.Errorf("list entries: %w", err)
	}
	if len(entries) > limit {
		return Page{Entries: entries[:limit], More: true}, nil
	}
	return Page{Entries: entries}, nil
}

func pageLimit(limit int) int {
	if limit == 0 || limit > maxPage {
		return maxPage
	}
	return limit
}

// checkPlace refuses what no page begins or ends with.
func checkPlace(page EntryPage) error {
	var faults []apperr.Field
	if page.After < 0 {
		faults = append(faults, apperr.Field{Name: "after", Reason: "NUMBER_NEGATIVE", Message: "Entries are numbered from 1."})
	}
	faults = append(faults, limitFaults(page.Limit)...)
	faults = append(faults, textFaults("donation_id", page.DonationID)...)
	if len(faults) > 0 {
		return apperr.Invalid(faults...)
	}
	return nil
}

func limitFaults(limit int) []apperr.Field {
	if limit >= 0 {
		return nil
	}
	return []apperr.Field{{Name: "limit", Reason: "LIMIT_NEGATIVE", Message: "A page cannot have fewer than no lines."}}
}

// GetEntry returns one entry. A number that the books do not have is not found.
func (b *Books) GetEntry(ctx context.Context, organization string, number int64) (domain.Entry, error) {
	var entries []domain.Entry
	err := b.Store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		found, err := findOrganization(ctx, r, organization)
		if err != nil {
			return err
		}
		if number < 1 {
			return nil
		}
		entries, err = r.Entries(ctx, EntryPage{OrganizationID: found.ID, After: number - 1, Limit: 1})
		return err
	})
	if err != nil {
		return domain.Entry{}, fmt.Errorf("get entry: %w", err)
	}
	if len(entries) == 0 || entries[0].Number != number {
		return domain.Entry{}, apperr.New(apperr.NotFound, "ENTRY_UNKNOWN", "There is no entry of this number in the books.")
	}
	return entries[0], nil
}

// Book is the books of one organization.
type Book struct {
	domain.Organization
	Head domain.Head
}

// ListBooks returns the books of all organizations that have been seen, ordered
// by code, and how far the feeds were applied when they were read.
func (b *Books) ListBooks(ctx context.Context) ([]Book, []Checkpoint, error) {
	var books []Book
	var checkpoints []Checkpoint
	err := b.Store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		organizations, err := r.Organizations(ctx)
		if err != nil {
			return fmt.Errorf("read organizations: %w", err)
		}
		books = make([]Book, len(organizations))
		for i, organization := range organizations {
			head, err := r.Head(ctx, organization.ID)
			if err != nil {
				return fmt.Errorf("read head: %w", err)
			}
			books[i] = Book{Organization: organization, Head: head}
		}
		checkpoints, err = r.Checkpoints(ctx)
		if err != nil {
			return fmt.Errorf("checkpoints: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list books: %w", err)
	}
	return books, checkpoints, nil
}
