package app

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"time"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
)

// Mailer hands letters over for delivery.
type Mailer interface {
	// Send returns nil once the letter will be delivered without us. Handing over a
	// letter with an ID seen before changes nothing. An error that apperr calls
	// permanent means that this letter will never be taken.
	Send(ctx context.Context, letter Letter) error
}

// Letter is one mail to one donor. It holds personal data.
type Letter struct {
	ID            string // the same whenever the same occasion is told of
	SenderName    string
	RecipientName string
	Recipient     string
	Subject       string
	Text          string
	HTML          string
}

const (
	mailBatch = 64
	// longestMailPause and mostMailTries together are about two days, longer than a
	// mail server is usually away.
	longestMailPause = time.Hour
	mostMailTries    = 60
)

var (
	//go:embed letter.txt.tmpl
	letterText string
	//go:embed letter.html.tmpl
	letterHTML string
)

// letterWriter writes letters to donors. It is safe for concurrent use.
type letterWriter struct {
	text *texttemplate.Template
	html *htmltemplate.Template
}

// newLetterWriter reads templates that are part of the program: one that cannot be
// read stops it at its start.
func newLetterWriter() *letterWriter {
	return &letterWriter{
		text: texttemplate.Must(texttemplate.New("letter.txt").Parse(letterText)),
		html: htmltemplate.Must(htmltemplate.New("letter.html").Parse(letterHTML)),
	}
}

// occasion is what a letter is written from.
type occasion struct {
	mail  PlanMail
	plan  domain.Plan     // none in a letter about a single gift
	gift  domain.Donation // or the plan's first
	donor domain.Donor
	// plans are all that the links of a letter with links lead to.
	plans   []domain.Plan
	address func(planID string) string
}

// letterView is what both templates show.
type letterView struct {
	Language, Direction string
	Greeting, News      string
	Facts               []string
	Links               []letterLink
	Why, Signature      string
}

type letterLink struct{ Label, URL string }

func (w *letterWriter) write(o occasion) (Letter, error) {
	tag := o.mail.Language
	if tag == "" {
		tag = o.donor.Language
	}
	in := textsIn(tag)
	says, known := in.letters[o.mail.Kind]
	if !known {
		return Letter{}, fmt.Errorf("there is no letter for %q", o.mail.Kind)
	}
	cause, prefix, why := o.gift.ProductName, "plan-", in.why
	if o.mail.DonationID != "" {
		prefix, why = "gift-", in.whyGift
	}
	view := letterView{
		Language: in.language, Direction: in.direction, Greeting: fmt.Sprintf(in.greeting, o.donor.Name), News: says.news,
		Facts: in.facts(o), Links: in.links(o), Why: why, Signature: cause,
	}
	var text, html strings.Builder
	err := errors.Join(w.text.Execute(&text, view), w.html.Execute(&html, view))
	if err != nil {
		return Letter{}, fmt.Errorf("fill letter: %w", err)
	}
	return Letter{
		ID:         prefix + strings.ReplaceAll(o.mail.Key, ":", "-"),
		SenderName: short(cause), RecipientName: short(o.donor.Name), Recipient: o.donor.Email,
		Subject: fmt.Sprintf(says.subject, short(cause)), Text: text.String(), HTML: html.String(),
	}, nil
}

// facts are what the letter says about the plan, or the gift, as it was on its occasion.
func (t texts) facts(o occasion) []string {
	m := o.mail
	if m.Kind == MailLinks {
		return nil
	}
	total := money.Amount{Minor: m.Parts.Gift + m.Parts.Cover, Currency: o.gift.Gift.Currency}
	if m.Kind == MailDebitFailed {
		return []string{o.gift.ProductName, fmt.Sprintf(t.once, money.Format(total, t.language))}
	}
	list := []string{o.gift.ProductName, fmt.Sprintf(t.amount, money.Format(total, t.language))}
	dated := func(text string) string { return fmt.Sprintf(text, t.day(m.At)) }
	switch {
	case m.Kind == MailEnded:
		list = append(list, t.ended[m.By])
	case m.Kind == MailPaused && m.At == domain.UntilResumed:
		list = append(list, t.untilYou)
	case m.Kind == MailPaused:
		list = append(list, dated(t.until))
	case m.Kind == MailFailed && m.At > 0:
		list = append(list, dated(t.retry))
	case m.Kind == MailFailed:
		list = append(list, t.noRetry)
	case m.At > 0:
		list = append(list, dated(t.next))
	}
	return list
}

func (t texts) links(o occasion) []letterLink {
	if o.mail.Kind == MailDebitFailed {
		return []letterLink{{t.again, o.mail.URL}}
	}
	mine := o.address(o.plan.ID)
	switch o.mail.Kind {
	case MailLinks:
		var list []letterLink
		for _, p := range o.plans {
			total := money.Amount{Minor: p.Gift.Minor + p.Cover.Minor, Currency: p.First.Gift.Currency}
			list = append(list, letterLink{p.First.ProductName + " (" + money.Format(total, t.language) + ")", o.address(p.ID)})
		}
		return list
	case MailConfirm:
		return []letterLink{{t.confirm, o.mail.URL}, {t.manage, mine}}
	case MailFailed:
		return []letterLink{{t.card, mine}}
	case MailStarted, MailChanged, MailPaused, MailResumed, MailEnded, MailDebitFailed:
	}
	return []letterLink{{t.manage, mine}}
}

// short cuts a name to what belongs into a header. The letter shows all of it.
func short(name string) string {
	const longest = 80
	runes := []rune(strings.Join(strings.Fields(name), " "))
	if len(runes) <= longest {
		return string(runes)
	}
	return strings.TrimSpace(string(runes[:longest-1])) + "…"
}

// SendDueMails sends the letters that are due. Each is settled by itself as soon as it
// was handed over: a crash repeats one letter, under the same id, and not a batch.
func (a *App) SendDueMails(ctx context.Context) error {
	var due []PlanMail
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		due, err = tx.DuePlanMails(ctx, a.micros(), mailBatch)
		return err
	})
	if err != nil {
		return fmt.Errorf("read letters that are due: %w", err)
	}
	delayed := 0
	var cause error
	for _, m := range due {
		err = a.sendMail(ctx, m)
		if ctx.Err() != nil {
			return ctx.Err() // stopping is no failure of the letter's: it keeps its attempts
		}
		tries := m.Attempts + 1
		reason := ""
		switch {
		case err == nil:
			continue
		case apperr.Permanent(err):
			reason = "the mail is refused: " + apperr.Public(err).Message
		case tries >= mostMailTries:
			reason = fmt.Sprintf("the mail was not taken %d times", tries)
		default:
			delayed, cause = delayed+1, err
		}
		err = a.putMailOff(ctx, m.Key, tries, reason)
		if err != nil {
			return err
		}
	}
	if delayed > 0 {
		a.Logger.WarnContext(ctx, "letters to donors delayed", "count", delayed, "error", cause)
	}
	return nil
}

func (a *App) putMailOff(ctx context.Context, key string, tries int64, parked string) error {
	if parked != "" {
		a.Logger.ErrorContext(ctx, "letter to a donor parked", "letter", key, "reason", parked)
	}
	return a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if parked != "" {
			return tx.ParkPlanMail(ctx, key, tries, a.micros(), parked)
		}
		pause := min(time.Second<<min(tries-1, 20), longestMailPause)
		return tx.DelayPlanMail(ctx, key, tries, a.micros()+pause.Microseconds())
	})
}

func (a *App) sendMail(ctx context.Context, m PlanMail) error {
	o := occasion{mail: m, address: a.planAddress}
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		if m.DonationID != "" {
			o.gift, err = tx.Donation(ctx, m.DonationID)
		} else {
			o.plan, err = tx.Plan(ctx, m.PlanID)
			o.gift = o.plan.First
		}
		if err != nil {
			return err
		}
		o.donor, err = tx.Donor(ctx, o.gift.ID)
		if err != nil || m.Kind != MailLinks {
			return err
		}
		o.plans, err = tx.PlansOfDonor(ctx, o.plan.DonorKey)
		return err
	})
	if err != nil {
		return fmt.Errorf("read what letter %s is about: %w", m.Key, err)
	}
	letter, err := a.letters.write(o)
	if err != nil {
		return fmt.Errorf("write letter %s: %w", m.Key, err)
	}
	err = a.Mailer.Send(ctx, letter)
	if err != nil {
		return fmt.Errorf("send letter %s: %w", m.Key, err)
	}
	// The letter is out of our hands: even a process that is being stopped takes the
	// moment to note it.
	return a.Store.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx Tx) error {
		return tx.SettlePlanMail(ctx, m.Key, a.micros())
	})
}

// ParkedMails are the letters that wait for staff, the longest parked first.
func (a *App) ParkedMails(ctx context.Context) ([]PlanMail, error) {
	var parked []PlanMail
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		parked, err = tx.ParkedPlanMails(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list parked letters: %w", err)
	}
	return parked, nil
}

// RetryMails sends one parked letter again, or all of them when the key is empty.
func (a *App) RetryMails(ctx context.Context, key string) error {
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.ReleasePlanMails(ctx, key) })
	if err != nil {
		return fmt.Errorf("release parked letters: %w", err)
	}
	return a.SendDueMails(ctx)
}
