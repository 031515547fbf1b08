package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
)

// SupportersConfig is what the supporters' use cases need.
type SupportersConfig struct {
	Store    Store
	Pictures Pictures
	Mailer   Mailer
	// BaseURL is where people reach the site; links in mails begin with it.
	BaseURL string
	Now     func() time.Time
	// Logger gets what is delayed and what is parked, by ids alone.
	Logger *slog.Logger
}

// Supporters is what people do who raise money, and what is done for them. It
// is safe for use by several goroutines.
type Supporters struct {
	store    Store
	pictures Pictures
	mailer   Mailer
	letters  *letterWriter
	now      func() time.Time
	logger   *slog.Logger
}

// NewSupporters returns the use cases over their ports. It fails when the base
// URL is none.
func NewSupporters(cfg SupportersConfig) (*Supporters, error) {
	base, err := url.Parse(cfg.BaseURL)
	if err != nil || base.Host == "" {
		return nil, errors.New("the base URL of links in mails is not an absolute address")
	}
	letters, err := newLetterWriter(base)
	if err != nil {
		return nil, err
	}
	return &Supporters{
		store: cfg.Store, pictures: cfg.Pictures, mailer: cfg.Mailer, letters: letters, now: cfg.Now, logger: cfg.Logger,
	}, nil
}

// fallbackLanguage is what people are written to in whose language is not known.
const fallbackLanguage = "en"

// displayNameLongest bounds an account's name, in characters.
const displayNameLongest = 120

var errNoSupporter = apperr.New(apperr.NotFound, "SUPPORTER_UNKNOWN", "There is no such account.")

// EnsureSupporter returns the account of an address, and makes it if there is
// none. However often and by however many it is asked at once, there is one.
func (s *Supporters) EnsureSupporter(ctx context.Context, email, language string) (string, error) {
	address, ok := domain.NormalEmail(email)
	if !ok {
		return "", apperr.Invalid(apperr.Field{Name: "email", Reason: "EMAIL_INVALID", Message: "Enter an e-mail address like name@example.org."})
	}
	language, ok = domain.NormalLanguage(language)
	if !ok {
		language = fallbackLanguage
	}
	account := domain.Supporter{ID: uuid.NewString(), Email: address, Language: language, MailGifts: true, CreatedAt: s.now()}
	var id string
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		id, err = tx.EnsureSupporter(ctx, account)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("ensure supporter: %w", err)
	}
	return id, nil
}

// Supporter returns an account.
func (s *Supporters) Supporter(ctx context.Context, id string) (domain.Supporter, error) {
	var account domain.Supporter
	err := s.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		var found bool
		var err error
		account, found, err = tx.Supporter(ctx, id)
		if err == nil && !found {
			return errNoSupporter
		}
		return err
	})
	if err != nil {
		return domain.Supporter{}, fmt.Errorf("get supporter: %w", err)
	}
	return account, nil
}

// UpdateSupporter changes what people may change about their account.
func (s *Supporters) UpdateSupporter(ctx context.Context, id, displayName, language string, mailGifts bool) (domain.Supporter, error) {
	displayName = domain.OneLine(displayName)
	var faults []apperr.Field
	if domain.Characters(displayName) > displayNameLongest {
		faults = append(faults, apperr.Field{Name: "display_name", Reason: "NAME_TOO_LONG",
			Message: fmt.Sprintf("Use at most %d characters.", displayNameLongest)})
	}
	if displayName != "" && !domain.Visible(displayName) {
		faults = append(faults, apperr.Field{Name: "display_name", Reason: "NAME_INVISIBLE", Message: "Enter a name that can be seen."})
	}
	tag, ok := domain.NormalLanguage(language)
	if !ok {
		faults = append(faults, apperr.Field{Name: "language", Reason: "LANGUAGE_UNKNOWN", Message: "Choose a language."})
	}
	if len(faults) > 0 {
		return domain.Supporter{}, apperr.Invalid(faults...)
	}
	var account domain.Supporter
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		var found bool
		var err error
		account, found, err = tx.Supporter(ctx, id)
		if err != nil {
			return err
		}
		if !found {
			return errNoSupporter
		}
		account.DisplayName, account.Language, account.MailGifts = displayName, tag, mailGifts
		return tx.UpdateSupporter(ctx, account)
	})
	if err != nil {
		return domain.Supporter{}, fmt.Errorf("update supporter: %w", err)
	}
	return account, nil
}
