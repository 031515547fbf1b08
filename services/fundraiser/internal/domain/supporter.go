package domain

import (
	"net/mail"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// Supporter is somebody with an account. All but the id is personal data.
type Supporter struct {
	ID          string
	Email       string // in its normal form
	DisplayName string // offered when a page is begun; may be empty
	Language    string // BCP 47, to write in
	MailGifts   bool   // wants a mail at each gift
	CreatedAt   time.Time
}

const (
	emailLongest    = 254 // RFC 5321
	languageLongest = 35  // RFC 5646's advice
)

// NormalEmail returns the form of a mail address under which its account is
// found, false for what is no address. Only blanks around it and the case of
// Latin letters are ignored. Dots and plus signs stay, because to other
// providers they mean another mailbox; and so do letters of other scripts,
// whose lower case can be somebody else's address.
func NormalEmail(typed string) (string, bool) {
	address := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, strings.TrimSpace(typed))
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || len(address) > emailLongest {
		return "", false
	}
	return address, true
}

// NormalLanguage returns a BCP 47 tag as it is kept, false for what is none.
func NormalLanguage(tag string) (string, bool) {
	if tag == "" || len(tag) > languageLongest {
		return "", false
	}
	parsed, err := language.Parse(tag)
	if err != nil || parsed == language.Und {
		return "", false
	}
	return parsed.String(), true
}
