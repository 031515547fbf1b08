// Package letter makes a mail as it would be sent readable on a page: its
// headers in words and its plain text.
//
// It reads what this site's own services wrote, and still trusts nothing in
// it: what cannot be decoded is shown as it is, and only http and https
// addresses become links.
package letter

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"strings"
)

// Letter is what people read of a mail. Fields that are missing are empty.
type Letter struct {
	Subject string
	From    string
	To      string
	Date    string
	Text    string
}

// deepest bounds parts within parts.
const deepest = 5

// Parse reads a mail in the form of RFC 5322. It never fails: what is no mail
// is shown whole as the text.
func Parse(raw []byte) Letter {
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Letter{Text: strings.ToValidUTF8(string(raw), "\uFFFD")}
	}
	text, _ := plain(message.Header.Get("Content-Type"), message.Header.Get("Content-Transfer-Encoding"), message.Body, deepest)
	return Letter{
		Subject: words(message.Header.Get("Subject")),
		From:    words(message.Header.Get("From")),
		To:      words(message.Header.Get("To")),
		Date:    message.Header.Get("Date"),
		Text:    strings.ToValidUTF8(strings.ReplaceAll(text, "\r\n", "\n"), "\uFFFD"),
	}
}

// words undoes the encoding of headers beyond ASCII.
func words(header string) string {
	decoded, err := new(mime.WordDecoder).DecodeHeader(header)
	if err != nil {
		return header
	}
	return decoded
}

// plain finds the first part of plain text, and reports whether there is one.
func plain(contentType, encoding string, body io.Reader, depth int) (string, bool) {
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = "text/plain"
	}
	switch {
	case strings.HasPrefix(kind, "multipart/") && depth > 0:
		parts := multipart.NewReader(body, parameters["boundary"])
		for {
			part, err := parts.NextRawPart()
			if err != nil {
				return "", false
			}
			text, found := plain(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part, depth-1)
			if found {
				return text, true
			}
		}
	case kind == "text/plain":
		switch strings.ToLower(strings.TrimSpace(encoding)) {
		case "quoted-printable":
			body = quotedprintable.NewReader(body)
		case "base64":
			body = base64.NewDecoder(base64.StdEncoding, body)
		}
		// What could be decoded before a fault is better than nothing.
		text, _ := io.ReadAll(body)
		return string(text), true
	}
	return "", false
}

// Piece is a part of a text; one with a URL is an address within it.
type Piece struct {
	Text string
	URL  string
}

var address = regexp.MustCompile(`https?://[^\s<>"]+`)

// Links cuts a text where addresses begin and end. The pieces together are the
// text.
func Links(text string) []Piece {
	var pieces []Piece
	end := 0
	for _, found := range address.FindAllStringIndex(text, -1) {
		// A full stop after an address ends the sentence, not the address.
		link := strings.TrimRight(text[found[0]:found[1]], ".,;:!?)")
		if found[0] > end {
			pieces = append(pieces, Piece{Text: text[end:found[0]]})
		}
		pieces = append(pieces, Piece{Text: link, URL: link})
		end = found[0] + len(link)
	}
	if end < len(text) {
		pieces = append(pieces, Piece{Text: text[end:]})
	}
	return pieces
}
