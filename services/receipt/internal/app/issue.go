package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// IssueDue issues one batch of due receipts. It reports whether there may be
// more to do at once.
func (a *App) IssueDue(ctx context.Context) (more bool, err error) {
	now := a.now()
	var due []DueGift
	err = a.store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		var err error
		due, err = r.DueGifts(ctx, now, batch)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("read due gifts: %w", err)
	}
	if len(due) == 0 {
		return false, nil
	}

	ctx, span := a.issuing(ctx, due)
	defer span.End()
	answers := a.askDonors(ctx, due)
	if ctx.Err() != nil {
		// Stopping is no failure of the gifts': they keep their attempts.
		return false, ctx.Err()
	}

	var settled settlement
	err = a.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		settled, err = settle(ctx, tx, now, due, answers)
		if err != nil {
			return err
		}
		tx.AfterCommit(func() { signal(a.drawingsDue); signal(a.correctionsDue) })
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("issue %d receipts: %w", len(due), err)
	}
	a.issued(ctx, now, due, settled)
	issued := 0
	for _, drafts := range settled.drafts {
		issued += len(drafts)
	}
	a.rush.issued(now, issued)
	a.report(ctx, "receipt", settled.delays, settled.stops, settled.delayedBy)
	// Where nothing but delays came out, donation is away: the next second is
	// early enough.
	return len(due) == batch && len(settled.delays) < len(due), nil
}

// settlement is what becomes of a batch of due gifts.
type settlement struct {
	drafts    map[domain.Series][]domain.Receipt // without numbers
	delays    []Delay
	delayedBy error // of one of the delays, for the log
	stops     []Stop
}

// settle issues what can be issued and delays or parks the rest, in one
// transaction. Nothing else touches the counters, so a number exists if and
// only if its receipt does.
func settle(ctx context.Context, tx Tx, now time.Time, due []DueGift, answers []answer) (settlement, error) {
	var ids []string
	var keys []domain.FundKey
	answerOf := map[string]answer{}
	for i, g := range due {
		ids = append(ids, g.DonationID)
		keys = append(keys, g.Fund)
		answerOf[g.DonationID] = answers[i]
	}
	// What another pass settled while donation was being asked is not in it.
	locked, err := tx.LockGifts(ctx, ids)
	if err != nil {
		return settlement{}, fmt.Errorf("lock due gifts: %w", err)
	}
	organizations, funds, err := letterheads(ctx, tx, keys)
	if err != nil {
		return settlement{}, err
	}

	s := settlement{drafts: map[domain.Series][]domain.Receipt{}}
	for _, g := range locked {
		s.add(ctx, now, g, answerOf[g.DonationID], organizations[g.Fund.OrganizationID], funds[g.Fund])
	}
	receipts, err := number(ctx, tx, s.drafts)
	if err != nil {
		return settlement{}, err
	}
	return s, s.write(ctx, tx, now, ids, receipts)
}

// add decides about one gift.
func (s *settlement) add(ctx context.Context, now time.Time, g DueGift, from answer, o domain.Organization, f domain.Fund) {
	attempts := g.Attempts + 1
	switch {
	case apperr.Permanent(from.err):
		reason := "donation does not name the donor: " + apperr.Public(from.err).Message
		s.stops = append(s.stops, Stop{ID: g.DonationID, Attempts: attempts, Reason: reason})
		return
	case from.err != nil:
		s.delayedBy = from.err
		s.delays = append(s.delays, Delay{ID: g.DonationID, Attempts: attempts, Until: now.Add(pause(attempts))})
		return
	}

	document, err := domain.Compose(g.Gift, o, f, from.donor, now, languageFor(from.donor.Language))
	if err != nil {
		s.stops = append(s.stops, Stop{ID: g.DonationID, Attempts: attempts, Reason: err.Error()})
		return
	}
	series := domain.SeriesOf(o, now)
	s.drafts[series] = append(s.drafts[series], domain.Receipt{
		Number:         domain.Number{Code: o.Code, Year: series.Year},
		Version:        domain.FirstVersion,
		OrganizationID: o.ID,
		DonationID:     g.DonationID,
		Document:       document,
		IssuedAt:       now,
		TraceID:        telemetry.TraceID(telemetry.ContextWithTraceparent(ctx, g.Traceparent)),
	})
}

// number gives each draft the next number of its series. Series are taken in
// one order by everybody, so that two processes cannot wait for each other.
func number(ctx context.Context, tx Tx, drafts map[domain.Series][]domain.Receipt) ([]domain.Receipt, error) {
	var order []domain.Series
	for series := range drafts {
		order = append(order, series)
	}
	slices.SortFunc(order, func(x, y domain.Series) int {
		return cmp.Or(cmp.Compare(x.OrganizationID, y.OrganizationID), cmp.Compare(x.Year, y.Year))
	})
	var receipts []domain.Receipt
	for _, series := range order {
		first, err := tx.TakeNumbers(ctx, series, len(drafts[series]))
		if err != nil {
			return nil, fmt.Errorf("take numbers of %s %d: %w", series.OrganizationID, series.Year, err)
		}
		for i, receipt := range drafts[series] {
			receipt.Number.Sequence = first + int64(i)
			receipts = append(receipts, receipt)
		}
	}
	return receipts, nil
}

// write stores the settlement of the gifts with these ids.
func (s *settlement) write(ctx context.Context, tx Tx, now time.Time, ids []string, receipts []domain.Receipt) error {
	staying := map[string]bool{}
	for _, d := range s.delays {
		staying[d.ID] = true
	}
	for _, stop := range s.stops {
		staying[stop.ID] = true
	}
	settled := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return staying[id] })
	err := tx.AddReceipts(ctx, receipts)
	if err != nil {
		return fmt.Errorf("add receipts: %w", err)
	}
	err = tx.RemoveGifts(ctx, settled)
	if err != nil {
		return fmt.Errorf("end dues: %w", err)
	}
	err = tx.Delay(ctx, GiftQueue, s.delays)
	if err != nil {
		return fmt.Errorf("delay gifts: %w", err)
	}
	err = tx.Park(ctx, GiftQueue, s.stops, now)
	if err != nil {
		return fmt.Errorf("park gifts: %w", err)
	}
	return nil
}
