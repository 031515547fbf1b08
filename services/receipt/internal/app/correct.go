package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// ReceiveChanges notes what happened to gifts after they were paid, each once in
// whatever order, and makes their receipts due to be corrected.
func (a *App) ReceiveChanges(ctx context.Context, tx Tx, changes []domain.Change) error {
	if len(changes) == 0 {
		return nil
	}
	err := tx.AddChanges(ctx, changes)
	if err != nil {
		return fmt.Errorf("note changes of gifts: %w", err)
	}
	tx.AfterCommit(func() { signal(a.correctionsDue) })
	return nil
}

// CorrectDue makes the receipts of one batch of gifts say what is left of them: a
// receipt is voided or another takes its place. What happened in the meantime is
// all in, so two refunds soon after each other are one replacement. It reports
// whether there may be more to do at once.
func (a *App) CorrectDue(ctx context.Context) (more bool, err error) {
	now := a.now()
	var due []DueCorrection
	err = a.store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		var err error
		due, err = r.DueCorrections(ctx, now, batch)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("read due corrections: %w", err)
	}
	if len(due) == 0 {
		return false, nil
	}
	var c corrections
	err = a.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		tx.AfterCommit(func() { signal(a.drawingsDue); signal(a.noticesDue) })
		ids := make([]string, len(due))
		for i, d := range due {
			ids[i] = d.DonationID
		}
		locked, err := tx.LockCorrections(ctx, ids)
		if err != nil {
			return fmt.Errorf("lock due corrections: %w", err)
		}
		c = corrections{drafts: map[domain.Series][]domain.Receipt{}}
		for _, d := range locked {
			err := c.add(ctx, tx, a, d)
			if err != nil {
				return err
			}
		}
		return c.write(ctx, tx, a)
	})
	if err != nil {
		return false, fmt.Errorf("correct %d receipts: %w", len(due), err)
	}
	a.report(ctx, "correction of a receipt", nil, c.stops, nil)
	return len(due) == batch, nil
}

// corrections are what becomes of some receipts.
type corrections struct {
	drafts  map[domain.Series][]domain.Receipt // without numbers
	endings map[string]domain.Ending           // by donation
	done    []string
	stops   []Stop
}

// add decides about one donation.
func (c *corrections) add(ctx context.Context, tx Tx, a *App, d DueCorrection) error {
	newest, _, err := tx.ReceiptOfDonation(ctx, d.DonationID)
	if errors.Is(err, ErrNoReceipt) {
		return nil // it is due itself, and is corrected once it is there
	}
	if err != nil {
		return fmt.Errorf("read receipt of %s: %w", d.DonationID, err)
	}
	standing, err := tx.ReceiptStanding(ctx, newest)
	if err != nil {
		return fmt.Errorf("read state of %s: %w", newest.Number, err)
	}
	first, err := tx.FirstReceipt(ctx, d.DonationID)
	if err != nil {
		return fmt.Errorf("read first receipt of %s: %w", d.DonationID, err)
	}
	changes, err := tx.ChangesOf(ctx, d.DonationID)
	if err != nil {
		return fmt.Errorf("read changes of %s: %w", d.DonationID, err)
	}
	organizations, err := tx.Organizations(ctx, []string{newest.OrganizationID})
	if err != nil {
		return fmt.Errorf("look up organization: %w", err)
	}
	now := a.now()
	draft, ends, fault := decide(standing, first, changes, organizations[newest.OrganizationID], now)
	if fault != nil {
		// It is this donation's alone: staff look at it, and the others go on.
		c.stops = append(c.stops, Stop{ID: d.DonationID, Attempts: d.Attempts + 1, Reason: "the receipt cannot be corrected: " + fault.Error()})
		return nil //nolint:nilerr // parked, and so dealt with
	}
	if draft != nil {
		series := domain.Series{OrganizationID: draft.OrganizationID, Year: draft.Number.Year}
		c.drafts[series] = append(c.drafts[series], *draft)
	}
	if ends != "" {
		if c.endings == nil {
			c.endings = map[string]domain.Ending{}
		}
		c.endings[d.DonationID] = domain.Ending{Number: newest.Number, State: ends, EndedAt: now}
	}
	c.done = append(c.done, d.DonationID)
	return nil
}

// decide says what must happen to the newest receipt of a donation.
func decide(
	newest domain.Standing, first domain.Receipt, changes []domain.Change, o domain.Organization, at time.Time,
) (draft *domain.Receipt, ends domain.State, fault error) {
	left, err := domain.LeftOf(first.Document, changes)
	if err != nil {
		return nil, "", err
	}
	return domain.Correct(newest, left, o, at)
}

// write stores the decisions.
func (c *corrections) write(ctx context.Context, tx Tx, a *App) error {
	receipts, err := number(ctx, tx, c.drafts)
	if err != nil {
		return err
	}
	err = tx.AddReceipts(ctx, receipts)
	if err != nil {
		return fmt.Errorf("add receipts: %w", err)
	}
	for _, r := range receipts {
		ending, ended := c.endings[r.DonationID]
		if ended {
			ending.ReplacedBy = r.Number
			c.endings[r.DonationID] = ending
		}
	}
	endings := make([]domain.Ending, 0, len(c.endings))
	for _, ending := range c.endings {
		endings = append(endings, ending)
	}
	err = tx.AddEndings(ctx, endings)
	if err != nil {
		return fmt.Errorf("end receipts: %w", err)
	}
	err = tx.RemoveCorrections(ctx, c.done)
	if err != nil {
		return fmt.Errorf("end corrections: %w", err)
	}
	return tx.Park(ctx, CorrectionQueue, c.stops, a.now())
}
