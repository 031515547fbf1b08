package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
)

const factColumns = `donation_id, kind, object, organization_id, appeal_id, fundraiser_id, minor, currency, pos`

// GiftsOf is app.Tx's.
func (t *boundTx) GiftsOf(ctx context.Context, donationIDs []string) (map[string]domain.Gift, error) {
	gifts := map[string]domain.Gift{}
	err := t.ofDonations(ctx, `SELECT `+giftColumns+` FROM gift`, donationIDs, func(row scanner) error {
		gift, err := scanGift(row)
		gifts[gift.DonationID] = gift.Gift
		return err
	})
	return gifts, wrap("read gifts", err)
}

// FactsOf is app.Tx's.
func (t *boundTx) FactsOf(ctx context.Context, donationIDs []string) (map[string][]domain.Fact, error) {
	facts := map[string][]domain.Fact{}
	err := t.ofDonations(ctx, `SELECT `+factColumns+` FROM gift_fact`, donationIDs, func(row scanner) error {
		var f domain.Fact
		var currency string
		err := row.Scan(&f.DonationID, &f.Kind, &f.Object, &f.OrganizationID, &f.AppealID, &f.PageID, &f.Amount.Minor, &currency, &f.Pos)
		if err != nil {
			return err
		}
		f.Amount.Currency, err = money.ParseCurrency(currency)
		facts[f.DonationID] = append(facts[f.DonationID], f)
		return err
	})
	return facts, wrap("read facts about gifts", err)
}

func (t *boundTx) ofDonations(ctx context.Context, query string, donationIDs []string, read func(scanner) error) error {
	for piece := range database.Pieces(slices.Sorted(slices.Values(donationIDs))) {
		arguments := make([]any, 0, len(piece))
		for _, id := range piece {
			arguments = append(arguments, id)
		}
		rows, err := t.tx.QueryContext(ctx, query+` WHERE donation_id IN `+database.Placeholders(1, len(piece)), arguments...)
		_, err = all(rows, err, func(row scanner) (struct{}, error) { return struct{}{}, read(row) })
		if err != nil {
			return err
		}
	}
	return nil
}

// AddFacts is app.Tx's.
func (t *boundTx) AddFacts(ctx context.Context, facts []domain.Fact) error {
	const columns = 9
	for piece := range database.Pieces(facts) {
		arguments := make([]any, 0, columns*len(piece))
		for _, f := range piece {
			arguments = append(arguments, f.DonationID, string(f.Kind), f.Object, f.OrganizationID, f.AppealID, f.PageID,
				f.Amount.Minor, f.Amount.Currency.Code(), f.Pos)
		}
		_, err := t.tx.ExecContext(ctx, `INSERT INTO gift_fact (`+factColumns+`) VALUES `+
			database.Placeholders(len(piece), columns), arguments...)
		if err != nil {
			return fmt.Errorf("insert facts about gifts: %w", err)
		}
	}
	return nil
}

// SetReturned is app.Tx's.
func (t *boundTx) SetReturned(ctx context.Context, returned map[string]int64) error {
	ids := make([]string, 0, len(returned))
	for id := range returned {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for piece := range database.Pieces(ids) {
		arguments := make([]any, 0, 2*len(piece))
		for _, id := range piece {
			arguments = append(arguments, id, returned[id])
		}
		_, err := t.tx.ExecContext(ctx, `WITH v(id, returned) AS (VALUES `+
			database.CastPlaceholders(len(piece), "TEXT", "BIGINT")+`)
			UPDATE gift SET returned_minor = v.returned FROM v WHERE donation_id = v.id`, arguments...)
		if err != nil {
			return fmt.Errorf("update what went back of gifts: %w", err)
		}
	}
	return nil
}
