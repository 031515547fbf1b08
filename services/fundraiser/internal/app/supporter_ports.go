package app

import (
	"context"
	"errors"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
)

// ErrPageTaken is returned by a Tx that was to add a page whose id or address
// another page has, or to give one the address of another.
var ErrPageTaken = errors.New("another page has this id or address")

// SupporterReader reads accounts, what their owners alone may see, and what is
// due to them. Whose a page is, is part of each question: somebody else's and
// none are the same answer.
type SupporterReader interface {
	// Supporter returns an account; false if there is none.
	Supporter(ctx context.Context, id string) (domain.Supporter, bool, error)
	// OwnPages returns a supporter's pages, the newest first.
	OwnPages(ctx context.Context, supporterID string) ([]Page, error)
	// OwnPage returns one of them; false if it is not the supporter's.
	OwnPage(ctx context.Context, supporterID, id string) (Page, bool, error)
	// Draft returns a draft that nobody has claimed; false for any other page.
	Draft(ctx context.Context, id string) (Page, bool, error)
	// PageExists tells whether there is a page with this id, whosever it is.
	PageExists(ctx context.Context, id string) (bool, error)
	// SlugOwners returns which pages have these addresses, by address.
	SlugOwners(ctx context.Context, slugs []string) (map[string]string, error)
	// CountDrafts counts the drafts that nobody has claimed, all of them and
	// those begun at or after a moment.
	CountDrafts(ctx context.Context, since time.Time) (all, recent int64, err error)
	// OldDrafts returns the ids of such drafts begun before a moment, the oldest
	// first.
	OldDrafts(ctx context.Context, before time.Time, limit int) ([]string, error)
	// ImageFile returns one size of a picture; false if there is none, or if it is
	// that of a page that was taken down.
	ImageFile(ctx context.Context, id string, width int) (ImageFile, bool, error)

	// DueGiftMails returns mails that may be tried at that time and are not
	// parked, those tried longest ago first.
	DueGiftMails(ctx context.Context, now time.Time, limit int) ([]DueGiftMail, error)
	// ParkedGiftMails returns what waits for staff, the longest parked first.
	ParkedGiftMails(ctx context.Context) ([]ParkedGiftMail, error)
	// CountParkedGiftMails counts them.
	CountParkedGiftMails(ctx context.Context) (int64, error)
}

// SupporterTx also writes.
type SupporterTx interface {
	// EnsureSupporter adds an account unless there is one with its address, and
	// returns the id of the one that there is then.
	EnsureSupporter(ctx context.Context, s domain.Supporter) (id string, err error)
	// UpdateSupporter overwrites all of an account but its address.
	UpdateSupporter(ctx context.Context, s domain.Supporter) error
	// LockSupporter keeps others from adding to the supporter's pages until the
	// transaction ends; false if there is no such account.
	LockSupporter(ctx context.Context, id string) (bool, error)
	// LockOwnPage and LockDraft are OwnPage and Draft, and keep others from
	// changing the page until the transaction ends.
	LockOwnPage(ctx context.Context, supporterID, id string) (Page, bool, error)
	LockDraft(ctx context.Context, id string) (Page, bool, error)
	// AddPage adds a page with a total of nothing, or fails with ErrPageTaken.
	AddPage(ctx context.Context, p domain.Page) error
	// RemovePage removes a draft, which has no gifts; its picture stays.
	RemovePage(ctx context.Context, id string) error
	// AddImage keeps a picture, RemoveImage forgets it; "" is none.
	AddImage(ctx context.Context, image domain.Image, picture Picture) error
	RemoveImage(ctx context.Context, id string) error

	// AddGiftMails makes a mail due for each of the gifts whose page has an
	// owner who wants one, unless that gift had one before.
	AddGiftMails(ctx context.Context, gifts []domain.CountedGift) error
	// SettleGiftMail ends a mail: it was handed over, or is not wanted any more.
	SettleGiftMail(ctx context.Context, donationID string, at time.Time) error
	// DelayGiftMails keeps mails from being tried before their time,
	// ParkGiftMails until staff release them; ReleaseGiftMails does, one or for
	// "" all.
	DelayGiftMails(ctx context.Context, delays []MailDelay) error
	ParkGiftMails(ctx context.Context, stops []MailStop, at time.Time) error
	ReleaseGiftMails(ctx context.Context, donationID string) error
}

// DueGiftMail is a mail that tells an owner of a gift, as things are when it is
// read. It holds personal data of the owner and none of the donor.
type DueGiftMail struct {
	DonationID       string
	Gift             money.Amount
	Total            money.Amount // of the page, right after the gift
	Page             domain.Page  // without its texts but the title
	OrganizationName string
	Supporter        domain.Supporter
	Attempts         int
}

// MailDelay says when a mail may be tried again.
type MailDelay struct {
	DonationID string
	Attempts   int // how often it has been tried by now
	Until      time.Time
}

// MailStop says why a mail is not tried any more. The reason is for staff and
// holds no personal data.
type MailStop struct {
	DonationID string
	Attempts   int
	Reason     string
}

// ParkedGiftMail is a mail that waits for staff.
type ParkedGiftMail struct {
	DonationID string
	Attempts   int
	Reason     string
	Since      time.Time
}
