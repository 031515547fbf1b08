package app

import (
	"context"
	"maps"
	"slices"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
)

// keepFees writes beside each gift what Stripe kept of it.
func (a *App) keepFees(ctx context.Context, tx Tx, charged []Transaction, gifts map[string]PaidGift) error {
	if len(charged) == 0 {
		return nil
	}
	fees := make([]Fee, 0, len(charged))
	charges := map[string]string{}
	for _, t := range charged {
		fees = append(fees, a.feeOf(ctx, t))
		if gifts[t.PaymentIntentID].ChargeID == "" {
			charges[t.DonationID] = t.SourceID
		}
	}
	err := tx.SaveFees(ctx, fees)
	if err != nil {
		return err
	}
	return learnCharges(ctx, tx, charges)
}

func (a *App) feeOf(ctx context.Context, t Transaction) Fee {
	currency, err := money.ParseCurrency(t.Fee.Currency)
	if err != nil {
		// Settled in a currency that nobody can pay in: the event tells the
		// ledger all the same, here the amount cannot be shown.
		a.Logger.ErrorContext(ctx, "a fee has a currency that is not known", "transaction", t.ID, "error", err)
	}
	return Fee{
		DonationID: t.DonationID, TransactionID: t.ID, Amount: money.Amount{Minor: t.Fee.Minor, Currency: currency},
		PaymentMethod: t.PaymentMethod,
	}
}

// learnCharges completes gifts whose payment named no charge. They are locked and
// read again: a webhook may be changing them.
func learnCharges(ctx context.Context, tx Tx, charges map[string]string) error {
	if len(charges) == 0 {
		return nil
	}
	locked, err := tx.LockDonations(ctx, slices.Collect(maps.Keys(charges)))
	if err != nil {
		return err
	}
	locked = slices.DeleteFunc(locked, func(d domain.Donation) bool { return d.ChargeID != "" })
	for i := range locked {
		locked[i].ChargeID = charges[locked[i].ID]
	}
	return tx.UpdateDonations(ctx, locked)
}
