package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
)

const (
	// askPause is how often one gift's return page may make us ask Stripe, however
	// often and wherever it is reloaded.
	askPause = 5 * time.Second
	// askTime bounds how long the page waits; after that it shows what is known.
	askTime = 8 * time.Second
)

func noDonation() error {
	return apperr.New(apperr.NotFound, "DONATION_UNKNOWN", "There is no such donation.")
}

// Confirm answers the donor who comes back from Stripe. When no webhook has told
// the outcome yet, Stripe is asked, rarely, and only for a session of this very
// gift: whoever does not know one learns nothing (NotFound).
func (a *App) Confirm(ctx context.Context, donationID, sessionID string) (View, error) {
	if uuid.Validate(donationID) != nil || sessionID == "" {
		return View{}, noDonation()
	}
	var d domain.Donation
	ask := false
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		d, err = tx.DonationOfSession(ctx, sessionID)
		return err
	})
	if errors.Is(err, ErrNone) || (err == nil && d.ID != donationID) {
		return View{}, noDonation()
	}
	if err != nil {
		return View{}, fmt.Errorf("read the donation: %w", err)
	}
	if d.State != domain.Succeeded {
		ask, err = a.mayAsk(ctx, d.ID)
		if err != nil {
			return View{}, err
		}
	}
	if ask {
		a.askAbout(ctx, sessionID)
	}
	return a.View(ctx, donationID)
}

func (a *App) mayAsk(ctx context.Context, donationID string) (bool, error) {
	may := false
	now := a.micros()
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		may, err = tx.ClaimAsk(ctx, donationID, now, now-askPause.Microseconds())
		return err
	})
	if err != nil {
		return false, fmt.Errorf("note that stripe is asked: %w", err)
	}
	return may, nil
}

// askAbout fetches and applies. If Stripe is away the page says "confirming";
// the webhook or the resolver will tell.
func (a *App) askAbout(ctx context.Context, sessionID string) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	found, err := a.Stripe.Session(ctx, sessionID)
	if err == nil {
		_, err = a.ingest(ctx, found)
	}
	if err != nil {
		a.Logger.WarnContext(ctx, "stripe could not be asked for the return page", "session", sessionID, "error", err)
	}
}
