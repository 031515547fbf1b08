package app

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
)

// Mailer hands letters over for delivery.
type Mailer interface {
	// Send returns nil once the letter will be delivered without us. Handing
	// over a letter with an ID seen before changes nothing. An error that
	// apperr calls permanent means that this letter will never be taken.
	Send(ctx context.Context, letter Letter) error
}

// Letter is one mail to one supporter. It holds personal data.
type Letter struct {
	ID            string // the same whenever the same gift is told of
	SenderName    string
	RecipientName string
	Recipient     string
	Subject       string
	Text          string
	HTML          string
}

const (
	// batch is how many rows are taken at once. One row is a batch of one.
	batch = 64
	// newsFor is how long a gift is news. When totals are folded again from the
	// beginning, nobody is told of last year's gifts.
	newsFor = 7 * 24 * time.Hour
	// longestPause and mostAttempts together are about two days, longer than a
	// mail server is usually away.
	longestPause = time.Hour
	mostAttempts = 60
)

// pause is how long a mail rests after so many attempts: 1, 2, 4, … seconds up
// to an hour.
func pause(attempts int) time.Duration {
	return min(time.Second<<min(max(attempts-1, 0), 20), longestPause)
}

// makeMailsDue notes, with the gifts that were just counted, that the owners of
// their pages shall hear of them.
func (a *App) makeMailsDue(ctx context.Context, tx Tx, counted []domain.CountedGift) error {
	oldest := a.now().Add(-newsFor).UnixMicro()
	var news []domain.CountedGift
	for _, gift := range counted {
		if gift.PageID != "" && gift.PaidAt >= oldest {
			news = append(news, gift)
		}
	}
	if len(news) == 0 {
		return nil
	}
	err := tx.AddGiftMails(ctx, news)
	if err != nil {
		return fmt.Errorf("make mails to owners due: %w", err)
	}
	return nil
}

// SendDueMails sends one batch of due mails. It reports whether there may be
// more to do at once.
//
// Each is settled by itself as soon as it was handed over: a crash repeats one
// letter, under the same id, and not a batch.
func (s *Supporters) SendDueMails(ctx context.Context) (more bool, err error) {
	now := s.now()
	var due []DueGiftMail
	err = s.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		var err error
		due, err = tx.DueGiftMails(ctx, now, batch)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("read due mails: %w", err)
	}
	var delays []MailDelay
	var delayedBy error
	var stops []MailStop
	for _, mail := range due {
		err := s.send(ctx, mail)
		if ctx.Err() != nil {
			// Stopping is no failure of the mail's: it keeps its attempts.
			return false, ctx.Err()
		}
		attempts := mail.Attempts + 1
		switch {
		case apperr.Permanent(err):
			reason := "the mail is refused: " + apperr.Public(err).Message
			stops = append(stops, MailStop{DonationID: mail.DonationID, Attempts: attempts, Reason: reason})
		case err != nil && attempts >= mostAttempts:
			reason := fmt.Sprintf("the mail was not taken %d times", attempts)
			stops = append(stops, MailStop{DonationID: mail.DonationID, Attempts: attempts, Reason: reason})
		case err != nil:
			delayedBy = err
			delays = append(delays, MailDelay{DonationID: mail.DonationID, Attempts: attempts, Until: now.Add(pause(attempts))})
		}
	}
	if len(delays)+len(stops) > 0 {
		err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			err := tx.DelayGiftMails(ctx, delays)
			if err != nil {
				return err
			}
			return tx.ParkGiftMails(ctx, stops, now)
		})
		if err != nil {
			return false, fmt.Errorf("delay mails: %w", err)
		}
		s.report(ctx, delays, stops, delayedBy)
	}
	return len(due) == batch && len(delays) < len(due), nil
}

// send hands one letter over and settles it. Who does not want mails any more
// gets none, also of gifts that came before.
func (s *Supporters) send(ctx context.Context, mail DueGiftMail) error {
	if mail.Supporter.MailGifts {
		letter, err := s.letters.write(mail)
		if err != nil {
			return fmt.Errorf("write letter about gift %s: %w", mail.DonationID, err)
		}
		err = s.mailer.Send(ctx, letter)
		if err != nil {
			return fmt.Errorf("send letter about gift %s: %w", mail.DonationID, err)
		}
	}
	// The letter is out of our hands: even a process that is being stopped takes
	// the moment to note it.
	settled := s.now()
	return s.store.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx Tx) error {
		return tx.SettleGiftMail(ctx, mail.DonationID, settled)
	})
}

// report logs what a pass could not do: delays in one line, since they come in
// crowds when the mail server is away, parked mails each by itself.
func (s *Supporters) report(ctx context.Context, delays []MailDelay, stops []MailStop, delayedBy error) {
	if len(delays) > 0 {
		s.logger.WarnContext(ctx, "mails to owners delayed", "count", len(delays), "error", delayedBy)
	}
	for _, stop := range stops {
		s.logger.ErrorContext(ctx, "mail to an owner parked", "donation", stop.DonationID, "reason", stop.Reason)
	}
}

// ParkedMails returns the mails that wait for staff, the longest parked first.
func (s *Supporters) ParkedMails(ctx context.Context) ([]ParkedGiftMail, error) {
	var parked []ParkedGiftMail
	err := s.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		var err error
		parked, err = tx.ParkedGiftMails(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list parked mails: %w", err)
	}
	return parked, nil
}

// Watch tells operators how many mails wait for staff.
func (s *Supporters) Watch() prometheus.Collector {
	parked := prometheus.NewDesc("almoner_parked_items", "What could not be applied and waits for staff.", nil,
		prometheus.Labels{"service": "fundraiser", "kind": "gift_mail"})
	return telemetry.NewLook("mails to owners", telemetry.LookEvery, s.now, func(ctx context.Context, tell telemetry.Tell) error {
		var count int64
		err := s.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
			var err error
			count, err = tx.CountParkedGiftMails(ctx)
			return err
		})
		if err != nil {
			return fmt.Errorf("count parked mails: %w", err)
		}
		tell(parked, float64(count))
		return nil
	}, parked)
}

// RetryMails puts one parked mail back, or all of them when donationID is
// empty, and works off what is due before it returns.
func (s *Supporters) RetryMails(ctx context.Context, donationID string) error {
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.ReleaseGiftMails(ctx, donationID) })
	if err != nil {
		return fmt.Errorf("release parked mails: %w", err)
	}
	for more := true; more; {
		more, err = s.SendDueMails(ctx)
		if err != nil {
			return fmt.Errorf("retry parked mails: %w", err)
		}
	}
	return nil
}

// Work sends what is due and throws old drafts away until ctx ends, each time
// tick tells it to look. A pass that fails is logged and tried again.
func (s *Supporters) Work(ctx context.Context, tick <-chan time.Time) {
	passes := []struct {
		name string
		pass func(context.Context) (bool, error)
	}{{"send mails to owners", s.SendDueMails}, {"discard old drafts", s.DiscardOldDrafts}}
	for {
		for _, p := range passes {
			for more := true; more && ctx.Err() == nil; {
				var err error
				more, err = p.pass(ctx)
				if err != nil && ctx.Err() == nil {
					s.logger.ErrorContext(ctx, "pass failed, tried again", "pass", p.name, "error", err)
					break
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
	}
}
