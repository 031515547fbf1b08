package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

func scanHead(rows *sql.Rows) (domain.Head, error) {
	var h domain.Head
	err := rows.Scan(&h.OrganizationID, &h.Number, &h.Hash)
	return h, err
}

// Head returns the newest entry of an organization.
func (r reader) Head(ctx context.Context, organizationID string) (domain.Head, error) {
	heads, err := query(ctx, r.tx, scanHead,
		`SELECT organization_id, number, hash FROM chain_head WHERE organization_id = $1`, organizationID)
	if err != nil {
		return domain.Head{}, err
	}
	if len(heads) == 0 {
		return domain.Head{OrganizationID: organizationID}, nil
	}
	return heads[0], nil
}

// LockHeads returns the newest entry of each organization and locks its row, so
// that numbers have no gaps and hashes one order. A chain begins with a row of
// number 0, because a row that is not there cannot be locked.
func (w writer) LockHeads(ctx context.Context, organizationIDs []string) (map[string]domain.Head, error) {
	heads := make(map[string]domain.Head, len(organizationIDs))
	lock := func() error {
		found, err := query(ctx, w.tx, scanHead,
			`SELECT organization_id, number, hash FROM chain_head WHERE organization_id IN `+
				database.Placeholders(1, len(organizationIDs))+` ORDER BY organization_id`+w.tx.ForUpdate(), anyOf(organizationIDs)...)
		for _, head := range found {
			heads[head.OrganizationID] = head
		}
		return err
	}
	err := lock()
	if err != nil || len(heads) == len(organizationIDs) {
		return heads, err
	}
	args := make([]any, 0, 3*len(organizationIDs))
	for _, id := range organizationIDs {
		args = append(args, id, 0, "")
	}
	_, err = w.tx.ExecContext(ctx, `INSERT INTO chain_head (organization_id, number, hash) VALUES `+
		database.Placeholders(len(organizationIDs), 3)+` ON CONFLICT (organization_id) DO NOTHING`, args...)
	if err != nil {
		return nil, fmt.Errorf("begin chains: %w", err)
	}
	return heads, lock()
}

// KnownKeys returns those of the business keys that have an entry.
func (w writer) KnownKeys(ctx context.Context, keys []string) (map[string]bool, error) {
	known := map[string]bool{}
	for batch := range database.Pieces(keys) {
		found, err := query(ctx, w.tx, oneText,
			`SELECT business_key FROM journal_entry WHERE business_key IN `+database.Placeholders(1, len(batch)), anyOf(batch)...)
		if err != nil {
			return nil, err
		}
		for _, key := range found {
			known[key] = true
		}
	}
	return known, nil
}

const (
	entryColumns = `organization_id, number, business_key, rule, rule_version, description, event_id, account_id,
		stripe_ids, donation_id, trace_id, occurred_at, posted_at, booked_on, previous_hash, hash`
	entryColumnCount = 16
	postingColumns   = `organization_id, number, line, account, currency, minor, booked_on, rule, account_id,
		fund, appeal_id, fundraiser_id, team_id, channel, item`
	postingColumnCount = 15
)

// AddEntries adds entries with their postings and references and moves the
// heads.
func (w writer) AddEntries(ctx context.Context, entries []domain.Entry, heads []domain.Head) error {
	err := w.insertEntries(ctx, entries)
	if err != nil {
		return fmt.Errorf("insert entries: %w", err)
	}
	err = w.insertPostings(ctx, entries)
	if err != nil {
		return fmt.Errorf("insert postings: %w", err)
	}
	err = w.insertReferences(ctx, entries)
	if err != nil {
		return fmt.Errorf("insert references: %w", err)
	}
	err = w.moveHeads(ctx, heads)
	if err != nil {
		return fmt.Errorf("move heads: %w", err)
	}
	return nil
}

func (w writer) insertEntries(ctx context.Context, entries []domain.Entry) error {
	for batch := range database.Pieces(entries) {
		args := make([]any, 0, entryColumnCount*len(batch))
		for _, e := range batch {
			args = append(args, e.OrganizationID, e.Number, e.Key, e.Rule.Name, e.Rule.Version, e.Description, e.EventID, e.AccountID,
				strings.Join(e.StripeIDs, " "), e.DonationID, e.TraceID, e.OccurredAt.UnixMicro(), e.PostedAt.UnixMicro(), e.BookedOn,
				e.PreviousHash, e.Hash)
		}
		_, err := w.tx.ExecContext(ctx, `INSERT INTO journal_entry (`+entryColumns+`) VALUES `+
			database.Placeholders(len(batch), entryColumnCount), args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// line is one posting with the entry it is a line of.
type line struct {
	entry *domain.Entry
	index int
}

func (w writer) insertPostings(ctx context.Context, entries []domain.Entry) error {
	lines := make([]line, 0, 3*len(entries))
	for i := range entries {
		for index := range entries[i].Postings {
			lines = append(lines, line{&entries[i], index})
		}
	}
	for batch := range database.Pieces(lines) {
		args := make([]any, 0, postingColumnCount*len(batch))
		for _, l := range batch {
			p := l.entry.Postings[l.index]
			args = append(args, l.entry.OrganizationID, l.entry.Number, l.index+1, string(p.Account), p.Amount.Currency.Code(), p.Amount.Minor,
				l.entry.BookedOn, l.entry.Rule.Name, l.entry.AccountID, p.Fund, p.Appeal, p.Fundraiser, p.Team, p.Channel, p.Item)
		}
		_, err := w.tx.ExecContext(ctx, `INSERT INTO posting (`+postingColumns+`) VALUES `+
			database.Placeholders(len(batch), postingColumnCount), args...)
		if err != nil {
			return err
		}
	}
	return nil
}

func (w writer) insertReferences(ctx context.Context, entries []domain.Entry) error {
	type row struct {
		reference string
		entry     *domain.Entry
	}
	rows := make([]row, 0, 6*len(entries))
	for i := range entries {
		for _, reference := range entries[i].References() {
			rows = append(rows, row{reference, &entries[i]})
		}
	}
	// In the order in which they are kept: ids are random, and a gift and its fee
	// have most of them in common, so neighbours share a page.
	slices.SortStableFunc(rows, func(x, y row) int { return cmp.Compare(x.reference, y.reference) })
	for batch := range database.Pieces(rows) {
		args := make([]any, 0, 3*len(batch))
		for _, r := range batch {
			args = append(args, r.reference, r.entry.OrganizationID, r.entry.Number)
		}
		_, err := w.tx.ExecContext(ctx, `INSERT INTO entry_reference (reference, organization_id, number) VALUES `+
			database.Placeholders(len(batch), 3), args...)
		if err != nil {
			return err
		}
	}
	return nil
}

func (w writer) moveHeads(ctx context.Context, heads []domain.Head) error {
	for batch := range database.Pieces(heads) {
		args := make([]any, 0, 3*len(batch))
		for _, h := range batch {
			args = append(args, h.OrganizationID, h.Number, h.Hash)
		}
		_, err := w.tx.ExecContext(ctx,
			`WITH v(organization_id, number, hash) AS (VALUES `+database.CastPlaceholders(len(batch), "TEXT", "BIGINT", "TEXT")+`)
			UPDATE chain_head SET number = v.number, hash = v.hash FROM v WHERE chain_head.organization_id = v.organization_id`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}
