package app

import (
	"context"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
)

// keepFees writes beside each gift what Stripe kept of it. The donations are
// locked and read again: a webhook may be changing them.
func (a *App) keepFees(ctx context.Context, tx Tx, charged []Transaction) error {
	if len(charged) == 0 {
		return nil
	}
	byGift := map[string]Transaction{}
	ids := make([]string, 0, len(charged))
	for _, t := range charged {
		byGift[t.DonationID] = t
		ids = append(ids, t.DonationID)
	}
	locked, err := tx.LockDonations(ctx, ids)
	if err != nil {
		return err
	}
	var changed []domain.Donation
	for _, d := range locked {
		t := byGift[d.ID]
		currency, err := money.ParseCurrency(t.Fee.Currency)
		if err != nil {
			// Settled in a currency that nobody can pay in: the event tells the
			// ledger all the same, here the amount cannot be shown.
			a.Logger.ErrorContext(ctx, "a fee has a currency that is not known", "transaction", t.ID, "error", err)
		}
		d.BalanceTransactionID = t.ID
		d.Fee = money.Amount{Minor: t.Fee.Minor, Currency: currency}
		if d.ChargeID == "" {
			d.ChargeID = t.SourceID
		}
		changed = append(changed, d)
	}
	return tx.UpdateDonations(ctx, changed)
}
