package receipt

import (
	"context"
	"errors"
	"net/netip"
	"net/url"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/receipt/internal/app"
)

// mailer hands letters to the mail sink.
type mailer struct {
	sink   *mail.Sink
	sender string // address that letters come from
}

// Send hands a letter over. A letter that is refused for what it is will always
// be: its error is permanent.
func (m mailer) Send(ctx context.Context, letter app.Letter) error {
	err := m.sink.Send(ctx, mail.Message{
		ID:      letter.ID,
		From:    mail.Address{Name: letter.SenderName, Email: m.sender},
		To:      mail.Address{Name: letter.RecipientName, Email: letter.Recipient},
		Subject: letter.Subject,
		Text:    letter.Text,
		HTML:    letter.HTML,
	})
	for _, refusal := range []error{mail.ErrID, mail.ErrAddress, mail.ErrHeader, mail.ErrEmpty} {
		if errors.Is(err, refusal) {
			return apperr.Wrap(err, apperr.InvalidArgument, "MAIL_REFUSED", refusal.Error())
		}
	}
	return err
}

// senderAt is the address that mails of the site come from.
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
