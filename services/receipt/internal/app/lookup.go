package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// Link is how a receipt is reached.
type Link struct {
	Number   domain.Number
	Token    string
	IssuedAt time.Time
	MailedAt time.Time // zero until the mail was handed over
	TraceID  string
	State    domain.State
	Held     bool
}

// Shown is a receipt as whoever has its link sees it.
type Shown struct {
	domain.Standing
	CheckCode       string
	Drawing         Drawing
	ReplacedByToken string // empty without one
}

// GetReceipt returns the receipt to whoever has its number and token. A wrong
// token and a number never given get the same answer, so that nobody can count
// gifts by trying numbers.
func (a *App) GetReceipt(ctx context.Context, number, token string) (Shown, error) {
	receipt, err := a.receipt(ctx, number)
	if err != nil {
		return Shown{}, err
	}
	if !a.links.Verify(token, number, receipt.Version) {
		return Shown{}, notFound()
	}
	shown := Shown{Standing: receipt, CheckCode: a.codes.Code(number, receipt.Version)}
	if receipt.ReplacedBy != (domain.Number{}) {
		// Each receipt of a donation is one version later than the one before.
		shown.ReplacedByToken = a.links.Token(receipt.ReplacedBy.String(), receipt.Version+1)
	}
	err = a.store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		var err error
		shown.Drawing, err = r.Drawing(ctx, receipt.Number)
		return err
	})
	if err != nil {
		return Shown{}, fmt.Errorf("read state of PDF: %w", err)
	}
	return shown, nil
}

// GetReceiptLink returns where a donation's newest receipt is. Until it is issued the
// answer is not found.
func (a *App) GetReceiptLink(ctx context.Context, donationID string) (Link, error) {
	// What is no id is no donation's; asking the database could only fail. (The
	// parser also takes ids in brackets of any kind, NUL bytes included.)
	parsed, err := uuid.Parse(donationID)
	if err != nil || parsed.String() != donationID {
		return Link{}, notFound()
	}
	var link Link
	err = a.store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		receipt, mailedAt, err := r.ReceiptOfDonation(ctx, donationID)
		if err != nil {
			return err
		}
		standing, err := r.ReceiptStanding(ctx, receipt)
		if err != nil {
			return err
		}
		link = Link{
			State:    standing.State(),
			Held:     standing.Held,
			Number:   receipt.Number,
			Token:    a.links.Token(receipt.Number.String(), receipt.Version),
			IssuedAt: receipt.IssuedAt,
			MailedAt: mailedAt,
			TraceID:  receipt.TraceID,
		}
		return nil
	})
	if errors.Is(err, ErrNoReceipt) {
		return Link{}, notFound()
	}
	if err != nil {
		return Link{}, fmt.Errorf("read receipt of donation: %w", err)
	}
	return link, nil
}

func notFound() error {
	return apperr.New(apperr.NotFound, "RECEIPT_NOT_FOUND", "There is no receipt at this address.")
}
