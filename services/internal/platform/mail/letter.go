package mail

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"net/textproto"
	"strings"
)

// Letter is a kept message, opened.
type Letter struct {
	Entry
	Raw         []byte // the file as it is
	Text        string
	HTML        string // as written: show it only in a sandbox
	Attachments []Attachment
}

// parse opens what compose wrote.
func parse(content []byte) (Letter, error) {
	message, err := netmail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		return Letter{}, fmt.Errorf("parse headers: %w", err)
	}
	var words mime.WordDecoder
	letter := Letter{Raw: content}
	letter.Subject, err = words.DecodeHeader(message.Header.Get("Subject"))
	if err != nil {
		return Letter{}, fmt.Errorf("parse subject: %w", err)
	}
	letter.To, err = words.DecodeHeader(message.Header.Get("To"))
	if err != nil {
		return Letter{}, fmt.Errorf("parse recipient: %w", err)
	}
	err = letter.add(textproto.MIMEHeader(message.Header), message.Body)
	if err != nil {
		return Letter{}, err
	}
	return letter, nil
}

// add takes one part, and the parts inside it, into the letter.
func (l *Letter) add(header textproto.MIMEHeader, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("parse content type: %w", err)
	}
	if strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			part, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("parse part: %w", err)
			}
			err = l.add(part.Header, part)
			if err != nil {
				return err
			}
		}
	}
	content, err := io.ReadAll(decoded(header, body))
	if err != nil {
		return fmt.Errorf("decode part: %w", err)
	}
	disposition, file, err := mime.ParseMediaType(header.Get("Content-Disposition"))
	switch {
	case err == nil && disposition == "attachment":
		var words mime.WordDecoder
		name, err := words.DecodeHeader(file["filename"])
		if err != nil {
			return fmt.Errorf("parse file name: %w", err)
		}
		l.Attachments = append(l.Attachments, Attachment{Name: name, ContentType: kind, Content: content})
	case kind == "text/html":
		l.HTML = string(content)
	case kind == "text/plain":
		l.Text = string(content)
	}
	return nil
}

func decoded(header textproto.MIMEHeader, body io.Reader) io.Reader {
	switch strings.ToLower(header.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		return quotedprintable.NewReader(body)
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, body)
	}
	return body
}
