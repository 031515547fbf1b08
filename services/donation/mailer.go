package donation

import (
	"context"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/internal/platform/mail"
)

// mailer makes letters into mails.
type mailer struct {
	mail mail.Carrier
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
