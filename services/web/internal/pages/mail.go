package pages

import (
	"errors"
	"io/fs"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/almoner/almoner/services/web/internal/view"
)

// A development instance keeps its mails instead of sending them. They hold
// personal data and links that open things, so outside of development these
// routes do not exist.

const (
	mailPath   = "/dev/mail"
	mailSuffix = ".eml"
	// newestMails is how many the list shows.
	newestMails = 200
)

// mails lists the mails, the newest first.
func (s *Site) mails(w http.ResponseWriter, r *http.Request) {
	kept, err := s.mailbox.List(newestMails)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := view.MailList{Frame: view.Frame{Title: s.front.Texts(r.Context()).Say("mail.title"), Private: true}}
	for _, k := range kept {
		page.Mails = append(page.Mails, view.MailLine{URL: mailPath + "/" + k.ID, Subject: k.Subject, To: k.To, At: k.At.UTC()})
	}
	s.front.Show(w, r, http.StatusOK, &page)
}

// mail shows one mail to be read or, with the suffix of its file, as it is.
func (s *Site) mail(w http.ResponseWriter, r *http.Request) {
	id, asItIs := strings.CutSuffix(r.PathValue("id"), mailSuffix)
	letter, err := s.mailbox.Read(id)
	if errors.Is(err, fs.ErrNotExist) {
		s.front.Unknown(w, r)
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if asItIs {
		w.Header().Set("Content-Type", "message/rfc822")
		w.Header().Set("Content-Length", strconv.Itoa(len(letter.Raw)))
		_, _ = w.Write(letter.Raw)
		return
	}
	s.front.Show(w, r, http.StatusOK, &view.Mail{
		Frame:   view.Frame{Title: s.front.Texts(r.Context()).Say("mail.one"), Private: true},
		Subject: letter.Subject,
		To:      letter.To,
		At:      letter.At.UTC(),
		Text:    linked(strings.ReplaceAll(letter.Text, "\r\n", "\n")),
		RawURL:  mailPath + "/" + letter.ID + mailSuffix,
	})
}

var webAddress = regexp.MustCompile(`https?://[^\s<>"]+`)

// linked cuts a text where web addresses begin and end, so that the links of a
// mail can be followed. The pieces together are the text.
func linked(text string) []view.Piece {
	var pieces []view.Piece
	end := 0
	for _, found := range webAddress.FindAllStringIndex(text, -1) {
		// A full stop after an address ends the sentence, not the address.
		link := strings.TrimRight(text[found[0]:found[1]], ".,;:!?)")
		if found[0] > end {
			pieces = append(pieces, view.Piece{Text: text[end:found[0]]})
		}
		pieces = append(pieces, view.Piece{Text: link, URL: link})
		end = found[0] + len(link)
	}
	if end < len(text) {
		pieces = append(pieces, view.Piece{Text: text[end:]})
	}
	return pieces
}
