package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/almoner/almoner/services/internal/platform/mail"
)

// newMail is what takes the services' mails.
func newMail(cfg Config) (mail.Carrier, error) {
	switch {
	case cfg.SMTPURL.IsSet():
		server, err := mail.NewSMTP(cfg.SMTPURL, time.Now)
		if err != nil {
			return nil, fmt.Errorf("ALMONER_SMTP_URL: %w", err)
		}
		return server, nil
	case cfg.Environment == production:
		return unsent{}, nil
	default:
		sink, err := mail.NewSink(cfg.mailDir(), time.Now)
		if err != nil {
			return nil, fmt.Errorf("keep mails: %w", err)
		}
		return sink, nil
	}
}

// unsent takes no mail: in production, what is kept in a directory would count as
// sent and reach nobody. Only processes that have nothing to send get this far
// without a mail server.
type unsent struct{}

func (unsent) Send(context.Context, mail.Message) error {
	return errors.New("ALMONER_SMTP_URL: is empty; this process sends no mail")
}
