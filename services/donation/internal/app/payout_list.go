package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
)

// Slice asks for a part of a list: behind a token, empty for the beginning, and of
// at most so many.
type Slice struct {
	Token string
	Size  int
}

// ListPayouts pages through payouts, the newest first, and answers the token of the
// next page, empty on the last. InvalidArgument for a token that is none.
func (a *App) ListPayouts(ctx context.Context, ask Slice) (payouts []domain.Payout, next string, err error) {
	from, err := placeOf(ask.Token)
	if err != nil {
		return nil, "", err
	}
	size := pageSize(ask.Size)
	err = a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		payouts, err = tx.ListPayouts(ctx, PayoutPage{AfterAt: from.at, AfterID: from.id, Limit: size + 1})
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list payouts: %w", err)
	}
	if len(payouts) > size {
		payouts = payouts[:size]
		last := payouts[size-1]
		next = place{part: "p", at: last.CreatedAt, id: last.ID}.token()
	}
	return payouts, next, nil
}

// PayoutContents is a payout and a part of what is in it.
type PayoutContents struct {
	Payout domain.Payout
	Lines  []PayoutLine // the oldest first
	Next   string       // token of the next page, empty on the last
}

// PayoutContents finds a payout; NotFound when there is none, InvalidArgument for a
// token that is none. One that was made by hand has no lines.
func (a *App) PayoutContents(ctx context.Context, id string, ask Slice) (PayoutContents, error) {
	from, err := placeOf(ask.Token)
	if err != nil {
		return PayoutContents{}, err
	}
	size := pageSize(ask.Size)
	var found PayoutContents
	err = a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		found = PayoutContents{}
		found.Payout, err = tx.Payout(ctx, id)
		if err != nil {
			return err
		}
		found.Lines, err = tx.InPayout(ctx, id, PayoutPage{AfterAt: from.at, AfterID: from.id, Limit: size + 1})
		return err
	})
	if errors.Is(err, ErrNone) {
		return PayoutContents{}, apperr.New(apperr.NotFound, "PAYOUT_UNKNOWN", "There is no such payout.")
	}
	if err != nil {
		return PayoutContents{}, fmt.Errorf("read a payout: %w", err)
	}
	if len(found.Lines) > size {
		found.Lines = found.Lines[:size]
		last := found.Lines[size-1]
		found.Next = place{part: "t", at: last.CreatedAt, id: last.TransactionID}.token()
	}
	return found, nil
}
