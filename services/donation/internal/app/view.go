package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
)

// maxPublicGifts is how many gifts one page may ask the names of.
const maxPublicGifts = 200

// View is a donation, what happened to it, and where its success stands in the feed.
type View struct {
	Donation domain.Donation
	EventPos int64 // 0 until sequenced
	Refunds  []domain.Refund
	Disputes []domain.Dispute
}

// View finds by donation id; NotFound otherwise.
func (a *App) View(ctx context.Context, id string) (View, error) {
	if uuid.Validate(id) != nil {
		return View{}, noDonation()
	}
	return a.view(ctx, func(ctx context.Context, tx Tx) (domain.Donation, error) { return tx.Donation(ctx, id) })
}

// ViewBySession finds by a checkout session of any attempt; NotFound otherwise.
func (a *App) ViewBySession(ctx context.Context, sessionID string) (View, error) {
	if sessionID == "" {
		return View{}, noDonation()
	}
	return a.view(ctx, func(ctx context.Context, tx Tx) (domain.Donation, error) {
		return tx.DonationOfSession(ctx, sessionID)
	})
}

func (a *App) view(ctx context.Context, find func(context.Context, Tx) (domain.Donation, error)) (View, error) {
	var v View
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		v.Donation, err = find(ctx, tx)
		if err != nil || v.Donation.State != domain.Succeeded {
			return err
		}
		return v.complete(ctx, tx)
	})
	if errors.Is(err, ErrNone) {
		return View{}, noDonation()
	}
	if err != nil {
		return View{}, fmt.Errorf("read the donation: %w", err)
	}
	return v, nil
}

// complete reads what only a gift that succeeded has.
func (v *View) complete(ctx context.Context, tx Tx) error {
	var err error
	v.EventPos, err = tx.EventPosition(ctx, succeededID(v.Donation))
	if err != nil {
		return err
	}
	v.Refunds, err = tx.RefundsOf(ctx, []string{v.Donation.ID})
	if err != nil {
		return err
	}
	v.Disputes, err = tx.DisputesOf(ctx, []string{v.Donation.ID})
	return err
}

// Form is what the donor had sent, to show the form again. It is personal data.
type Form struct {
	Donation domain.Donation
	Donor    domain.Donor
}

// Form finds by donation id; NotFound otherwise.
func (a *App) Form(ctx context.Context, id string) (Form, error) {
	if uuid.Validate(id) != nil {
		return Form{}, noDonation()
	}
	var f Form
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		f.Donation, err = tx.Donation(ctx, id)
		if err != nil {
			return err
		}
		f.Donor, err = tx.Donor(ctx, id)
		return err
	})
	if errors.Is(err, ErrNone) {
		return Form{}, noDonation()
	}
	if err != nil {
		return Form{}, fmt.Errorf("read the form: %w", err)
	}
	return f, nil
}

// mostDonors is how many donors are told at once.
const mostDonors = 256

// Donors tells who gave each of the donations that are known; InvalidArgument for
// more than 256.
func (a *App) Donors(ctx context.Context, donationIDs []string) (map[string]domain.Donor, error) {
	if len(donationIDs) > mostDonors {
		return nil, apperr.Invalid(apperr.Field{Name: "donation_ids", Reason: "TOO_MANY", Message: "Ask for at most 256 donors at once."})
	}
	ids := slices.DeleteFunc(slices.Clone(donationIDs), func(id string) bool { return uuid.Validate(id) != nil })
	var donors map[string]domain.Donor
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		donors, err = tx.Donors(ctx, ids)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read donors: %w", err)
	}
	return donors, nil
}

// PublicGift is what a page may show of one gift.
type PublicGift struct {
	DonationID string
	domain.Shown
}

// PublicGifts answers in the order asked for; gifts that are unknown or not paid
// are left out.
func (a *App) PublicGifts(ctx context.Context, ids []string) ([]PublicGift, error) {
	if len(ids) > maxPublicGifts {
		return nil, apperr.New(apperr.InvalidArgument, "TOO_MANY_GIFTS", "Ask for at most 200 gifts at a time.")
	}
	wanted := make([]string, 0, len(ids))
	for _, id := range ids {
		if uuid.Validate(id) == nil {
			wanted = append(wanted, id)
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	rows := map[string]PublicRow{}
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		list, err := tx.PublicGifts(ctx, wanted)
		for _, row := range list {
			rows[row.DonationID] = row
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what may be shown of gifts: %w", err)
	}
	gifts := make([]PublicGift, 0, len(rows))
	for _, id := range wanted {
		row, found := rows[id]
		if found {
			gifts = append(gifts, PublicGift{DonationID: id, Shown: row.Visibility.Show(row.Donor)})
		}
	}
	return gifts, nil
}

// Sums is one consistent reading of all gifts and of what is on its way.
type Sums struct {
	Gifts           []GiftSum
	Head            int64
	Unsequenced     int64
	EventsUndone    int64
	EventsParked    int64
	GiftsWithoutFee int64
}

// Sums adds up.
func (a *App) Sums(ctx context.Context) (Sums, error) {
	var s Sums
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		s = Sums{}
		var err error
		s.Gifts, err = tx.GiftSums(ctx)
		if err != nil {
			return err
		}
		s.Head, s.Unsequenced, err = tx.FeedStatus(ctx)
		if err != nil {
			return err
		}
		s.EventsUndone, err = tx.CountEvents(ctx, EventPending)
		if err != nil {
			return err
		}
		s.EventsParked, err = tx.CountEvents(ctx, EventParked)
		if err != nil {
			return err
		}
		s.GiftsWithoutFee, err = tx.GiftsWithoutFee(ctx)
		return err
	})
	if err != nil {
		return Sums{}, fmt.Errorf("add up gifts: %w", err)
	}
	return s, nil
}
