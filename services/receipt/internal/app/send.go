package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// SendDue sends one batch of due mails. It reports whether there may be more to
// do at once. In a rush it stops after the first few.
//
// Each letter is marked by itself as soon as it was handed over. Marking the
// batch at its end would be one commit instead of many, but a crash would then
// repeat the whole batch instead of one letter.
func (a *App) SendDue(ctx context.Context) (more bool, err error) {
	now := a.now()
	var due []DueMail
	err = a.store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		var err error
		due, err = r.DueMails(ctx, now, batch)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("read due mails: %w", err)
	}
	return a.deliver(ctx, MailQueue, "receipt mail", now, due, a.send)
}

// NotifyDue tells one batch of donors that their receipt is void. It reports
// whether there may be more to do at once.
func (a *App) NotifyDue(ctx context.Context) (more bool, err error) {
	now := a.now()
	var due []DueMail
	err = a.store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		var err error
		due, err = r.DueNotices(ctx, now, batch)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("read due notices: %w", err)
	}
	return a.deliver(ctx, NoticeQueue, "notice of a void receipt", now, due, a.notify)
}

// deliver hands a batch of letters over, and delays or parks those that are not
// taken.
func (a *App) deliver(
	ctx context.Context, queue Queue, what string, now time.Time, due []DueMail, send func(context.Context, DueMail) error,
) (more bool, err error) {
	var delays []Delay
	var delayedBy error
	var stops []Stop
	tried := 0
	for _, mail := range due {
		if tried >= drawnTogether && a.rush.on(a.now()) {
			break
		}
		tried++
		err := send(ctx, mail)
		if ctx.Err() != nil {
			// Stopping is no failure of the mail's: it keeps its attempts.
			return false, ctx.Err()
		}
		attempts := mail.Attempts + 1
		id := mail.Receipt.Number.String()
		switch {
		case apperr.Permanent(err):
			reason := "the mail is refused: " + apperr.Public(err).Message
			stops = append(stops, Stop{ID: id, Attempts: attempts, Reason: reason})
		case err != nil:
			delayedBy = err
			delays = append(delays, Delay{ID: id, Attempts: attempts, Until: now.Add(pause(attempts))})
		}
	}
	if len(delays)+len(stops) > 0 {
		err = a.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			err := tx.Delay(ctx, queue, delays)
			if err != nil {
				return err
			}
			return tx.Park(ctx, queue, stops, now)
		})
		if err != nil {
			return false, fmt.Errorf("delay letters: %w", err)
		}
		a.report(ctx, what, delays, stops, delayedBy)
	}
	return (len(due) == batch || tried < len(due)) && len(delays) < tried, nil
}

// send hands one letter over and marks it. When the marking fails the letter
// stays due: it is handed over again with the same message id.
func (a *App) send(ctx context.Context, mail DueMail) error {
	letter, err := a.letters.write(mail.Receipt)
	if err != nil {
		return fmt.Errorf("write letter for %s: %w", mail.Receipt.Number, err)
	}
	stands, err := a.attach(ctx, mail.Receipt, &letter)
	if err != nil || !stands {
		return err
	}
	err = a.mailer.Send(ctx, letter)
	if err != nil {
		return fmt.Errorf("send letter for %s: %w", mail.Receipt.Number, err)
	}
	// The letter is out of our hands: even a process that is being stopped takes
	// the moment to note it.
	handedOver := a.now()
	return a.store.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx Tx) error {
		tx.AfterCommit(func() { signal(a.noticesDue) }) // it may have become void meanwhile
		err := tx.MarkMailed(ctx, mail.Receipt.Number, handedOver)
		if err != nil {
			return fmt.Errorf("mark mail of %s: %w", mail.Receipt.Number, err)
		}
		return nil
	})
}

// notify hands one notice over and marks it, likewise.
func (a *App) notify(ctx context.Context, mail DueMail) error {
	letter, err := a.letters.writeVoid(mail.Receipt)
	if err != nil {
		return fmt.Errorf("write notice for %s: %w", mail.Receipt.Number, err)
	}
	err = a.mailer.Send(ctx, letter)
	if err != nil {
		return fmt.Errorf("send notice for %s: %w", mail.Receipt.Number, err)
	}
	handedOver := a.now()
	return a.store.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx Tx) error {
		return tx.MarkNoticed(ctx, mail.Receipt.Number, handedOver)
	})
}

// attach adds the PDF where it is drawn. Where it waits for a font, the letter
// goes out without: the donor gets the receipt now, and the file at its link. It
// answers false for a receipt that has ended since the batch was read: the letters
// before it may have taken minutes, and its mail is withdrawn.
func (a *App) attach(ctx context.Context, r domain.Receipt, letter *Letter) (stands bool, err error) {
	err = a.store.InReadTx(ctx, func(ctx context.Context, reader Reader) error {
		standing, err := reader.ReceiptStanding(ctx, r)
		if err != nil {
			return fmt.Errorf("read state of %s: %w", r.Number, err)
		}
		stands = standing.State() == domain.InForce
		if !stands {
			return nil
		}
		file, err := reader.PDF(ctx, r.Number)
		if errors.Is(err, ErrNoPDF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read PDF of %s: %w", r.Number, err)
		}
		letter.PDF, letter.PDFName = file.Content, r.Number.String()+".pdf"
		return nil
	})
	return stands, err
}

// report logs what a pass could not do: delays in one line, since they come in
// crowds when another service is away, parked rows each by itself.
func (a *App) report(ctx context.Context, what string, delays []Delay, stops []Stop, delayedBy error) {
	if len(delays) > 0 {
		a.logger.WarnContext(ctx, what+" delayed", "count", len(delays), "error", delayedBy)
	}
	for _, stop := range stops {
		a.logger.ErrorContext(ctx, what+" parked", "id", stop.ID, "reason", stop.Reason)
	}
}
