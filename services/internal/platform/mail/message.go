// Package mail writes messages as other people's mail programs can read them,
// and hands them to a mail server, or keeps them in a directory where there is
// none.
//
// A message has a stable id: sent twice, it is the same message, with the same
// Message-ID, and the sink keeps it once. Nothing that a person typed can add
// a header: names and subjects with line breaks or other control characters
// are refused. No error holds an address, a name or a subject, because errors
// are logged; nor does one hold what the mail server said, which likes to
// repeat the address.
//
// An error that apperr calls permanent means that this message will never be
// taken. Everything else is worth another try.
package mail

import (
	"bytes"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"github.com/almoner/almoner/services/internal/apperr"
)

// Errors of a message that cannot be sent to anybody, however often it is
// tried.
var (
	ErrID      = errors.New("message id is not 1 to 120 letters, digits, dots, dashes and underscores")
	ErrAddress = errors.New("address is malformed")
	ErrHeader  = errors.New("header text has control characters, is too long or is not UTF-8")
	ErrEmpty   = errors.New("message has no text")
)

const (
	longestID      = 120
	longestAddress = 254 // RFC 5321
	longestHeader  = 500
)

// Address is a mailbox and whom it belongs to; the name may be empty.
type Address struct {
	Name  string
	Email string
}

// Attachment is a file that goes with a message.
type Attachment struct {
	Name        string // as the reader sees it: "receipt.pdf"
	ContentType string // "application/pdf"
	Content     []byte
}

// Message is one mail to one person.
type Message struct {
	// ID names the message for good: "receipt-ORG-2026-000123-1".
	ID       string
	From, To Address
	Subject  string
	Text     string // required: the part that every program can show
	HTML     string // optional, the same again with looks
	// Attachments are optional.
	Attachments []Attachment
}

// compose writes the message in RFC 5322's form as of date.
func compose(m Message, date time.Time) ([]byte, error) {
	err := m.check()
	if err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(m.From.Email, "@")

	letter := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP))
	letter.FromMailAddress(&netmail.Address{Name: m.From.Name, Address: m.From.Email})
	letter.ToMailAddress(&netmail.Address{Name: m.To.Name, Address: m.To.Email})
	letter.Subject(m.Subject)
	letter.SetDateWithValue(date)
	letter.SetMessageIDWithValue(m.ID + "@" + domain)
	// Keeps out-of-office programs from answering.
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	letter.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		letter.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	for _, a := range m.Attachments {
		letter.AttachReadSeeker(a.Name, bytes.NewReader(a.Content), gomail.WithFileContentType(gomail.ContentType(a.ContentType)))
	}
	var out bytes.Buffer
	_, err = letter.WriteTo(&out)
	if err != nil {
		return nil, fmt.Errorf("mail %s: compose: %w", m.ID, err)
	}
	return out.Bytes(), nil
}

// check refuses what cannot be sent as it is meant, for good.
func (m Message) check() error {
	err := m.fault()
	if err != nil {
		return apperr.Wrap(err, apperr.InvalidArgument, "MAIL_MALFORMED", "The mail cannot be sent as it is.")
	}
	return nil
}

func (m Message) fault() error {
	err := checkID(m.ID)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		err  error
	}{
		{"sender", m.From.check()},
		{"recipient", m.To.check()},
		{"subject", checkHeader(m.Subject)},
		{"text", m.checkText()},
	} {
		if part.err != nil {
			return fmt.Errorf("mail %s: %s: %w", m.ID, part.name, part.err)
		}
	}
	for i, a := range m.Attachments {
		err := errors.Join(checkHeader(a.Name), checkHeader(a.ContentType))
		if err != nil || a.Name == "" || a.ContentType == "" {
			return fmt.Errorf("mail %s: attachment %d: %w", m.ID, i+1, ErrHeader)
		}
	}
	return nil
}

func (m Message) checkText() error {
	if strings.TrimSpace(m.Text) == "" {
		return ErrEmpty
	}
	return nil
}

// check accepts exactly one bare mailbox: a parser alone would also take
// "Amira <amira@example.org>" and comments.
func (a Address) check() error {
	if len(a.Email) > longestAddress {
		return ErrAddress
	}
	parsed, err := netmail.ParseAddress(a.Email)
	if err != nil || parsed.Address != a.Email || parsed.Name != "" || checkHeader(a.Email) != nil {
		return ErrAddress
	}
	return checkHeader(a.Name)
}

// checkHeader refuses line breaks, which would start a header of the writer's
// choice, and everything else that is not for reading.
func checkHeader(text string) error {
	if len(text) > longestHeader || !utf8.ValidString(text) || strings.IndexFunc(text, unicode.IsControl) >= 0 {
		return ErrHeader
	}
	return nil
}

// checkID keeps to what may stand in a Message-ID, in a file name and in an
// address of a page alike.
func checkID(id string) error {
	const others = ".-_"
	if id == "" || len(id) > longestID || strings.Trim(id, ".") != id || strings.Contains(id, "..") {
		return ErrID
	}
	for _, r := range id {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && !strings.ContainsRune(others, r) {
			return ErrID
		}
	}
	return nil
}
