package pages

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/web/internal/letter"
	"github.com/almoner/almoner/services/web/internal/view"
)

// A development instance keeps its mails in a directory instead of sending
// them. They hold personal data and sign-in links, so outside of development
// these routes do not exist.

const (
	mailPath   = "/dev/mail"
	mailSuffix = ".eml"
	// newestMails is how many the list shows.
	newestMails = 200
)

// mails lists the mails, the newest first.
func (s *Site) mails(w http.ResponseWriter, r *http.Request) {
	kept, err := s.keptMails()
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := view.MailList{Frame: view.Frame{Title: "Mails", Private: true}}
	for _, k := range kept[:min(len(kept), newestMails)] {
		raw, err := s.readMail(k.id)
		if errors.Is(err, errNoSuchAddress) {
			// Deleted since the list was read.
			continue
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		l := letter.Parse(raw)
		page.Mails = append(page.Mails, view.MailLine{URL: mailPath + "/" + k.id, Subject: l.Subject, To: l.To, At: k.at.UTC()})
	}
	s.show(w, r, http.StatusOK, page)
}

// mail shows one mail to be read or, with the suffix of its file, as it is.
func (s *Site) mail(w http.ResponseWriter, r *http.Request) {
	id, asItIs := strings.CutSuffix(r.PathValue("id"), mailSuffix)
	if !isMailID(id) {
		s.unknown(w, r)
		return
	}
	raw, err := s.readMail(id)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if asItIs {
		w.Header().Set("Content-Type", "message/rfc822")
		w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
		_, _ = w.Write(raw)
		return
	}
	l := letter.Parse(raw)
	page := view.Mail{
		Frame:   view.Frame{Title: "Mail", Private: true},
		Subject: l.Subject,
		RawURL:  mailPath + "/" + id + mailSuffix,
	}
	for _, h := range []view.Header{{Name: "From", Value: l.From}, {Name: "To", Value: l.To}, {Name: "Date", Value: l.Date}} {
		if h.Value != "" {
			page.Headers = append(page.Headers, h)
		}
	}
	for _, p := range letter.Links(l.Text) {
		page.Text = append(page.Text, view.Piece{Text: p.Text, URL: p.URL})
	}
	s.show(w, r, http.StatusOK, page)
}

// keptMail is the file of a mail.
type keptMail struct {
	id string
	at time.Time
}

// keptMails are all there are, the newest first. A directory that does not
// exist yet has none.
func (s *Site) keptMails() ([]keptMail, error) {
	entries, err := os.ReadDir(s.mailDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list mails: %w", err)
	}
	var kept []keptMail
	for _, entry := range entries {
		id, isMail := strings.CutSuffix(entry.Name(), mailSuffix)
		if !isMail || !isMailID(id) || !entry.Type().IsRegular() {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return nil, fmt.Errorf("list mails: %w", err)
		}
		kept = append(kept, keptMail{id: id, at: info.ModTime()})
	}
	slices.SortFunc(kept, func(a, b keptMail) int {
		newer := b.at.Compare(a.at)
		if newer != 0 {
			return newer
		}
		return strings.Compare(b.id, a.id)
	})
	return kept, nil
}

// isMailID reports whether the name can stand in an address as it is.
func isMailID(id string) bool { return isWord(id, 200, lower+upper+digits+"-_.") }

// readMail reads one mail, and nothing outside of the directory whatever its
// id says.
func (s *Site) readMail(id string) ([]byte, error) {
	root, err := os.OpenRoot(s.mailDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoSuchAddress
	}
	if err != nil {
		return nil, fmt.Errorf("open mails: %w", err)
	}
	defer root.Close()
	raw, err := root.ReadFile(id + mailSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoSuchAddress
	}
	if err != nil {
		return nil, apperr.Wrap(err, apperr.Internal, "MAIL_UNREADABLE", "This mail cannot be read.")
	}
	return raw, nil
}
