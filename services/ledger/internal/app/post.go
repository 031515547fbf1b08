package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// Poster books facts. It is safe for concurrent use: writers to one
// organization's chain wait for each other in the store.
type Poster struct {
	Logger *slog.Logger
	Now    func() time.Time
}

// Received is a fact with the event that told it.
type Received[F any] struct {
	Fact    F
	EventID string
	TraceID string
}

// booking is a draft with the event that caused it.
type booking struct {
	domain.Draft
	eventID string
	traceID string
}

// PostGifts books the gross of gifts. It fails with envelope.ErrNotYet while an
// organization, or the fund of a restricted gift, has not been seen, and with a
// permanent error for a gift that no rule can book.
func (p *Poster) PostGifts(ctx context.Context, tx Tx, gifts []Received[domain.Gift]) error {
	return postAttributed(ctx, p, tx, gifts, domain.BookGift, func(g domain.Gift) domain.Attribution { return g.Attribution })
}

// PostRefunds books refunds of gifts that Stripe accepted. Errors are those of
// PostGifts.
func (p *Poster) PostRefunds(ctx context.Context, tx Tx, refunds []Received[domain.Refund]) error {
	return postAttributed(ctx, p, tx, refunds, domain.BookRefund, func(r domain.Refund) domain.Attribution { return r.Attribution })
}

// PostFailedRefunds takes refunds back that did not reach the donor. Errors are
// those of PostGifts.
func (p *Poster) PostFailedRefunds(ctx context.Context, tx Tx, refunds []Received[domain.Refund]) error {
	return postAttributed(ctx, p, tx, refunds, domain.BookRefundFailed, func(r domain.Refund) domain.Attribution { return r.Attribution })
}

// PostLostDisputes books what was lost in disputes about gifts. Errors are those
// of PostGifts.
func (p *Poster) PostLostDisputes(ctx context.Context, tx Tx, disputes []Received[domain.LostDispute]) error {
	return postAttributed(ctx, p, tx, disputes, domain.BookLostDispute, func(d domain.LostDispute) domain.Attribution { return d.Attribution })
}

// postAttributed books facts about gifts, one entry each.
func postAttributed[F any](
	ctx context.Context, p *Poster, tx Tx, facts []Received[F],
	book func(F) (domain.Draft, error), attributed func(F) domain.Attribution,
) error {
	bookings := make([]booking, 0, len(facts))
	restricted := map[domain.FundKey]bool{}
	for _, f := range facts {
		draft, err := book(f.Fact)
		if err != nil {
			return unbookable(err)
		}
		bookings = append(bookings, booking{draft, f.EventID, f.TraceID})
		to := attributed(f.Fact)
		if to.FundClass == domain.FundRestricted {
			restricted[domain.FundKey{OrganizationID: to.OrganizationID, Code: to.FundCode}] = true
		}
	}
	err := requireFunds(ctx, tx, restricted)
	if err != nil {
		return err
	}
	return p.post(ctx, tx, bookings)
}

// PostTransactions books balance transactions: conversion and fee of gifts, the
// money of refunds, disputes and payouts, and what belongs to no gift. Errors are those of PostGifts.
func (p *Poster) PostTransactions(ctx context.Context, tx Tx, transactions []Received[domain.Transaction]) error {
	bookings := make([]booking, 0, 2*len(transactions))
	for _, t := range transactions {
		drafts, err := domain.BookTransaction(t.Fact)
		if err != nil {
			return unbookable(err)
		}
		for _, draft := range drafts {
			bookings = append(bookings, booking{draft, t.EventID, t.TraceID})
		}
	}
	return p.post(ctx, tx, bookings)
}

// unbookable says that a fact can never be booked as it is, so that it is
// parked for staff and not tried for ever.
func unbookable(cause error) error {
	return apperr.Wrap(cause, apperr.InvalidArgument, "UNBOOKABLE", "No bookkeeping rule can book this.")
}

// requireFunds keeps restricted gifts waiting for their fund: an account must
// not exist before the fund that it stands for is known.
func requireFunds(ctx context.Context, tx Tx, keys map[domain.FundKey]bool) error {
	if len(keys) == 0 {
		return nil
	}
	known, err := tx.KnownFunds(ctx, slices.Collect(maps.Keys(keys)))
	if err != nil {
		return fmt.Errorf("look up funds: %w", err)
	}
	for key := range keys {
		if !known[key] {
			return fmt.Errorf("fund %s of organization %s: %w", key.Code, key.OrganizationID, envelope.ErrNotYet)
		}
	}
	return nil
}

// post adds the bookings whose business keys are not in the books yet, each at
// the end of its organization's chain, in the order they came.
func (p *Poster) post(ctx context.Context, tx Tx, bookings []booking) error {
	bookings = firstOfEachKey(bookings)
	if len(bookings) == 0 {
		return nil
	}
	calendars, err := openCalendars(ctx, tx, bookings)
	if err != nil {
		return err
	}
	// Locked in the order of ids, so that two batches cannot wait for each other,
	// and before the keys are looked up, so that nobody adds one in between.
	heads, err := tx.LockHeads(ctx, slices.Sorted(maps.Keys(calendars)))
	if err != nil {
		return fmt.Errorf("lock chains: %w", err)
	}
	keys := make([]string, len(bookings))
	for i, b := range bookings {
		keys[i] = b.Header().Key
	}
	known, err := tx.KnownKeys(ctx, keys)
	if err != nil {
		return fmt.Errorf("look up business keys: %w", err)
	}

	postedAt := p.Now().UTC().Truncate(time.Microsecond)
	entries := make([]domain.Entry, 0, len(bookings))
	moved := map[string]domain.Head{}
	for _, b := range bookings {
		header := b.Header()
		if known[header.Key] {
			continue
		}
		entry, head := heads[header.OrganizationID].Seal(b.Draft, domain.Provenance{
			EventID:  b.eventID,
			TraceID:  b.traceID,
			PostedAt: postedAt,
			BookedOn: calendars[header.OrganizationID].Day(header.OccurredAt),
		})
		heads[header.OrganizationID] = head
		moved[header.OrganizationID] = head
		entries = append(entries, entry)
		if b.Alert() != "" {
			p.alertAfterCommit(ctx, tx, entry, b.Alert())
		}
	}
	if len(entries) == 0 {
		return nil
	}
	err = tx.AddEntries(ctx, entries, slices.Collect(maps.Values(moved)))
	if err != nil {
		return fmt.Errorf("add entries: %w", err)
	}
	return nil
}

// firstOfEachKey drops what a batch brings twice: the store only knows what
// came before the batch.
func firstOfEachKey(bookings []booking) []booking {
	seen := make(map[string]bool, len(bookings))
	return slices.DeleteFunc(bookings, func(b booking) bool {
		key := b.Header().Key
		repeated := seen[key]
		seen[key] = true
		return repeated
	})
}

// openCalendars finds the days of every organization that is booked to, or
// fails with envelope.ErrNotYet for one that has not been seen.
func openCalendars(ctx context.Context, tx Tx, bookings []booking) (map[string]domain.Calendar, error) {
	calendars := map[string]domain.Calendar{}
	for _, b := range bookings {
		calendars[b.Header().OrganizationID] = domain.Calendar{}
	}
	organizations, err := tx.OrganizationsByID(ctx, slices.Sorted(maps.Keys(calendars)))
	if err != nil {
		return nil, fmt.Errorf("look up organizations: %w", err)
	}
	for id := range calendars {
		organization, seen := organizations[id]
		if !seen {
			return nil, fmt.Errorf("organization %s: %w", id, envelope.ErrNotYet)
		}
		calendars[id], err = organization.Calendar()
		if err != nil {
			return nil, fmt.Errorf("booking day: %w", err)
		}
	}
	return calendars, nil
}

// alertAfterCommit tells staff about an entry, but only once it is really in
// the books: a batch that is undone and tried again must not alarm twice.
func (p *Poster) alertAfterCommit(ctx context.Context, tx Tx, entry domain.Entry, reason string) {
	tx.AfterCommit(func() {
		p.Logger.WarnContext(ctx, "an entry needs attention", "reason", reason,
			"organization", entry.OrganizationID, "entry", entry.Number, "rule", entry.Rule.Name,
			"stripe_ids", entry.StripeIDs, "gift_trace_id", entry.TraceID)
	})
}
