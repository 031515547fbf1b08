package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
)

// Line is where one gift ended. Its JSON form is an interface that scripts rely on.
type Line struct {
	Story    string `json:"story"`
	Donation string `json:"donation"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	State    string `json:"state"`
	Decline  string `json:"decline,omitempty"`
	// PaymentIntent is Stripe's id, empty when nothing was tried.
	PaymentIntent string `json:"payment_intent,omitempty"`
	// EventPos is the gift's position in the donation feed.
	EventPos int64 `json:"event_pos,omitempty"`
	// Total of the page, or of the appeal, right after the gift, minor units.
	Total int64 `json:"total,omitempty"`
	// Entries are the numbers of the journal entries.
	Entries []int64 `json:"entries,omitempty"`
	Receipt string  `json:"receipt,omitempty"`
	TraceID string  `json:"trace_id,omitempty"`
	// Milliseconds from the webhook's arrival to each commit.
	TotalMillis   int64 `json:"total_ms,omitempty"`
	LedgerMillis  int64 `json:"ledger_ms,omitempty"`
	ReceiptMillis int64 `json:"receipt_ms,omitempty"`
	// Fault says what is wrong with this gift; empty when nothing is.
	Fault string `json:"fault,omitempty"`
}

// donationOf finds the donation of a checkout session.
func (d *Demo) donationOf(ctx context.Context, session string) (string, error) {
	resp, err := d.donation.GetDonation(ctx, &donationv1.GetDonationRequest{SessionId: session})
	if err != nil {
		return "", fmt.Errorf("find the donation of session %s: %w", session, err)
	}
	return resp.GetDonation().GetDonationId(), nil
}

// follow waits until a paid gift has arrived everywhere, or makes sure that an
// unpaid one has arrived nowhere.
func (d *Demo) follow(ctx context.Context, donationID string, g gift) Line {
	line := Line{Story: g.story, Donation: donationID, Amount: money.Decimal(g.amount), Currency: g.amount.Currency.Code()}
	deadline := time.NewTimer(d.patience)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := d.look(ctx, &line, g)
		if err == nil {
			return line
		}
		select {
		case <-ctx.Done():
			line.Fault = ctx.Err().Error()
			return line
		case <-deadline.C:
			line.Fault = err.Error()
			return line
		case <-tick.C:
		}
	}
}

var errNotThere = errors.New("not there yet")

// look fills in the line; its error says what is missing or too much.
func (d *Demo) look(ctx context.Context, line *Line, g gift) error {
	resp, err := d.donation.GetDonation(ctx, &donationv1.GetDonationRequest{DonationId: line.Donation})
	if err != nil {
		return fmt.Errorf("donation: %w", err)
	}
	donation := resp.GetDonation()
	line.State = strings.ToLower(strings.TrimPrefix(donation.GetState().String(), "STATE_"))
	line.Decline = donation.GetDeclineCode()
	line.PaymentIntent = donation.GetPaymentIntentId()
	if traceparent := strings.Split(donation.GetTraceparent(), "-"); len(traceparent) == 4 {
		line.TraceID = traceparent[1]
	}
	if g.declined != "" && line.Decline != g.declined {
		return fmt.Errorf("the decline %q is not known to donation: %w", g.declined, errNotThere)
	}
	if !g.paid {
		return d.lookNowhere(ctx, line, donation)
	}
	if donation.GetState() != donationv1.State_STATE_SUCCEEDED || donation.GetEventPos() == 0 {
		return fmt.Errorf("donation is %s: %w", line.State, errNotThere)
	}
	line.EventPos = donation.GetEventPos()

	counted, err := d.fundraiser.GetGift(ctx, &fundraiserv1.GetGiftRequest{DonationId: line.Donation})
	if err != nil {
		return fmt.Errorf("total: %w", err)
	}
	entries, err := d.ledger.ListEntries(ctx, &ledgerv1.ListEntriesRequest{DonationId: line.Donation})
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if len(entries.GetEntries()) < 2 {
		return fmt.Errorf("ledger has %d of the entries for gift and fee: %w", len(entries.GetEntries()), errNotThere)
	}
	receipt, err := d.receipt.GetReceiptLink(ctx, &receiptv1.GetReceiptLinkRequest{DonationId: line.Donation})
	if err != nil {
		return fmt.Errorf("receipt: %w", err)
	}
	if receipt.GetMailedAt() == 0 {
		return fmt.Errorf("receipt is not mailed: %w", errNotThere)
	}
	line.Total = counted.GetTotalMinor()
	line.Receipt = receipt.GetNumber()
	line.Entries = nil
	for _, entry := range entries.GetEntries() {
		line.Entries = append(line.Entries, entry.GetNumber())
		if entry.GetRule() == "gift" {
			line.LedgerMillis = millis(donation, entry.GetPostedAt())
		}
		// The fee's import continues the donor's trace as well: one gift, one trace.
		if entry.GetTraceId() != line.TraceID {
			return fmt.Errorf("entry %d belongs to the trace %s, the donation to %s", entry.GetNumber(), entry.GetTraceId(), line.TraceID)
		}
	}
	if receipt.GetTraceId() != line.TraceID {
		return fmt.Errorf("the receipt belongs to the trace %s, the donation to %s", receipt.GetTraceId(), line.TraceID)
	}
	line.TotalMillis = millis(donation, counted.GetCountedAt())
	line.ReceiptMillis = millis(donation, receipt.GetIssuedAt())
	return nil
}

func (d *Demo) lookNowhere(ctx context.Context, line *Line, donation *donationv1.Donation) error {
	if !unpaid(donation.GetState()) {
		return fmt.Errorf("nobody paid, but the donation is %s", line.State)
	}
	_, err := d.fundraiser.GetGift(ctx, &fundraiserv1.GetGiftRequest{DonationId: line.Donation})
	if !notFound(err) {
		return errors.Join(errors.New("nobody paid, but the totals do not say that they do not know the gift"), err)
	}
	entries, err := d.ledger.ListEntries(ctx, &ledgerv1.ListEntriesRequest{DonationId: line.Donation})
	if err != nil || len(entries.GetEntries()) > 0 {
		return errors.Join(fmt.Errorf("nobody paid, but the ledger has %d entries", len(entries.GetEntries())), err)
	}
	_, err = d.receipt.GetReceiptLink(ctx, &receiptv1.GetReceiptLinkRequest{DonationId: line.Donation})
	if !notFound(err) {
		return errors.Join(errors.New("nobody paid, but the receipts do not say that they do not know the gift"), err)
	}
	return nil
}

func notFound(err error) bool {
	var known *apperr.Error
	return errors.As(err, &known) && known.Code == apperr.NotFound
}

// millis is the time from the webhook's arrival; another route may have been
// faster than the webhook, then it counts from the success itself.
func millis(donation *donationv1.Donation, at int64) int64 {
	from := donation.GetWebhookReceivedAt()
	if from == 0 || from > donation.GetSucceededAt() {
		from = donation.GetSucceededAt()
	}
	return (at - from) / 1000
}
