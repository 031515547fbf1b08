package donation

import (
	"context"
	"errors"
	"net/netip"
	"net/url"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/internal/platform/mail"
)

// Mail sends mails: to a server, or in development into a directory. A message
// that is refused for good comes back with a permanent error; sent again after
// any other, it has the same id.
type Mail interface {
	Send(ctx context.Context, message mail.Message) error
}

// mailer makes letters into mails.
type mailer struct {
	mail Mail
	from string // address that letters come from
}

// Send hands a letter over.
func (m mailer) Send(ctx context.Context, letter app.Letter) error {
	return m.mail.Send(ctx, mail.Message{
		ID:      letter.ID,
		From:    mail.Address{Name: letter.SenderName, Email: m.from},
		To:      mail.Address{Name: letter.RecipientName, Email: letter.Recipient},
		Subject: letter.Subject,
		Text:    letter.Text,
		HTML:    letter.HTML,
	})
}

// senderAt is the address that mails come from when none is configured.
func senderAt(baseURL string) (string, error) {
	base, err := url.Parse(baseURL)
	if err != nil || base.Host == "" {
		return "", errors.New("the base URL is not an absolute address")
	}
	host := base.Hostname()
	_, err = netip.ParseAddr(host)
	if err == nil {
		// A number is no mail domain; it is a machine under somebody's desk.
		host = "localhost"
	}
	return "gifts@" + host, nil
}
