// Package app holds what the fundraiser service does, one use case a file. It
// promises that a catalogue is loaded whole or not at all, that a gift counts
// once however often its event comes, and that what a page shows was true at
// one position of the donation feed.
//
// Use cases speak to the outside through the ports in this file; package
// apptest is the definition of what a store must do.
package app

import (
	"context"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

// Store runs transactions on the service's own database.
type Store interface {
	// InTx commits what fn did when it returns nil. fn may be run again from
	// its start, so it changes nothing outside of tx.
	InTx(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
	// InReadTx runs fn on one snapshot.
	InReadTx(ctx context.Context, fn func(ctx context.Context, tx Reader) error) error
	// Changed receives after transactions of this process that changed the
	// catalogue or totals. Several may share one signal; it is for one reader.
	Changed() <-chan struct{}
}

// Reader reads the catalogue, the totals and the gifts.
type Reader interface {
	SupporterReader
	// Organizations returns all, the home organization first, then in the
	// order in which they were first loaded.
	Organizations(ctx context.Context) ([]domain.Organization, error)
	// Organization returns one; false if there is none.
	Organization(ctx context.Context, id string) (domain.Organization, bool, error)
	// Funds returns all funds.
	Funds(ctx context.Context) ([]domain.Fund, error)
	// Appeals returns all with funds and totals, in the order in which they
	// were first loaded.
	Appeals(ctx context.Context) ([]Appeal, error)
	// AppealBySlug and AppealByID return one; false if there is none.
	AppealBySlug(ctx context.Context, slug string) (Appeal, bool, error)
	AppealByID(ctx context.Context, id string) (Appeal, bool, error)
	// Pages returns all pages.
	Pages(ctx context.Context) ([]domain.Page, error)
	// PageBySlug returns one with its total; false if there is none.
	PageBySlug(ctx context.Context, slug string) (Page, bool, error)
	// PublishedPages returns pages that are more than drafts, the newest first,
	// those published at an unknown time last.
	PublishedPages(ctx context.Context, after PageCursor, limit int) ([]Page, error)
	// TopPages returns an appeal's live pages, the highest total first.
	TopPages(ctx context.Context, appealID string, limit int) ([]Page, error)
	// RecentGifts returns an appeal's newest gifts, or a page's when pageID is
	// not empty; the newest first.
	RecentGifts(ctx context.Context, appealID, pageID string, limit int) ([]domain.Gift, error)
	// Gift returns how a donation was counted; false if it was not.
	Gift(ctx context.Context, donationID string) (CountedGift, bool, error)

	// AppealSums, PageSums and DirectSums each add up another thing: the
	// totals of appeals, those of pages, and the gifts that came through no
	// page. They share no query, because they are there to be compared.
	AppealSums(ctx context.Context) ([]Sum, error)
	PageSums(ctx context.Context) ([]Sum, error)
	DirectSums(ctx context.Context) ([]Sum, error)
	// Positions says up to where the snapshot is true.
	Positions(ctx context.Context) (Positions, error)

	// Changes returns changes with a smaller id, or all for 0, the newest first.
	Changes(ctx context.Context, before int64, limit int) ([]Change, error)

	// Revision tells what the snapshot holds: who read up to one revision reads
	// on with what came since.
	Revision(ctx context.Context) (Revision, error)
	// PagesSince returns the pages written after a revision of the catalogue,
	// except drafts that were never more, with their totals and without their
	// texts.
	PagesSince(ctx context.Context, revision int64) ([]Page, error)
	// TotalsSince returns the totals written after a revision of the totals, by
	// the id of their appeal or page.
	TotalsSince(ctx context.Context, revision int64) (map[string]domain.Total, error)
}

// Tx also writes.
type Tx interface {
	Reader
	SupporterTx
	// LockCatalogue makes loading one at a time until the transaction ends.
	LockCatalogue(ctx context.Context) error
	// PutOrganization and its like add what has an unknown id, at the end of
	// the order, and overwrite what has a known one. A new appeal or page has
	// a total of nothing.
	PutOrganization(ctx context.Context, o domain.Organization) error
	PutFund(ctx context.Context, f domain.Fund) error
	PutAppeal(ctx context.Context, a domain.Appeal) error
	PutPage(ctx context.Context, p domain.Page) error
	// LockPage returns a page, whosever it is and whatever its state, and keeps
	// others from changing it until the transaction ends; false if there is none.
	LockPage(ctx context.Context, id string) (Page, bool, error)
	// AddChanges adds to the record of changes, in order.
	AddChanges(ctx context.Context, changes []Change) error
	// Append adds events to the service's feed.
	Append(ctx context.Context, events ...envelope.Event) error

	// LockTotals returns the totals with these ids, as far as they are known,
	// and keeps others from changing them until the transaction ends.
	LockTotals(ctx context.Context, appealIDs, pageIDs []string) (domain.Totals, error)
	// AddGifts adds gifts, passes over donations that are there already, and
	// returns the ids of those that were not.
	AddGifts(ctx context.Context, gifts []domain.CountedGift, countedAt time.Time) (added map[string]bool, err error)
	// SetTotalsAfter corrects the remembered totals of gifts just added.
	SetTotalsAfter(ctx context.Context, gifts []domain.CountedGift) error
	// GiftsOf returns those of the donations that were counted.
	GiftsOf(ctx context.Context, donationIDs []string) (map[string]domain.Gift, error)
	// FactsOf returns what else is known of donations, in any order.
	FactsOf(ctx context.Context, donationIDs []string) (map[string][]domain.Fact, error)
	// AddFacts adds facts that are not there.
	AddFacts(ctx context.Context, facts []domain.Fact) error
	// SetReturned notes how much of counted gifts went back, by donation.
	SetReturned(ctx context.Context, returned map[string]int64) error
	// SetTotals writes totals that were locked in this transaction.
	SetTotals(ctx context.Context, totals domain.Totals) error
}

// Appeal is an appeal with what belongs to it.
type Appeal struct {
	domain.Appeal
	Funds []domain.Fund // the first is the default
	Total domain.Total
}

// Page is a supporter's page with its total.
type Page struct {
	domain.Page
	Total domain.Total
}

// CountedGift is a gift, the total right after it and when that was.
type CountedGift struct {
	domain.CountedGift
	CountedAt time.Time
}

// Sum is an amount of one organization in one currency.
type Sum struct {
	OrganizationID string
	Currency       string
	Minor          int64
}

// Revision numbers what there is. Each number is raised by every transaction
// that changes its part, and never otherwise. A draft of a page is not part of
// the catalogue yet.
type Revision struct {
	Catalogue int64
	Totals    int64
}

// Checkpoint is how far a feed is applied.
type Checkpoint struct {
	Feed  string
	Epoch int64
	Pos   int64
}

// Positions say up to where a snapshot is true.
type Positions struct {
	Checkpoints []Checkpoint
	Head        int64 // newest position of the fundraiser feed
	Unsequenced int64 // events of it without a position yet
}
