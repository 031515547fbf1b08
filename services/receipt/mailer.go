package receipt

import (
	"context"
	"errors"
	"net/netip"
	"net/url"

	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/receipt/internal/app"
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
	var attachments []mail.Attachment
	if len(letter.PDF) > 0 {
		attachments = []mail.Attachment{{Name: letter.PDFName, ContentType: "application/pdf", Content: letter.PDF}}
	}
	return m.mail.Send(ctx, mail.Message{
		ID:      letter.ID,
		From:    mail.Address{Name: letter.SenderName, Email: m.from},
		To:      mail.Address{Name: letter.RecipientName, Email: letter.Recipient},
		Subject: letter.Subject,
		Text:    letter.Text,
		HTML:    letter.HTML,

		Attachments: attachments,
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
	return "receipts@" + host, nil
}
