package account

import (
	_ "embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"

	"github.com/almoner/almoner/services/internal/platform/texts"
)

var (
	//go:embed letter.txt.tmpl
	letterText string
	//go:embed letter.html.tmpl
	letterHTML string
)

// letter is the mail with a link.
type letter struct{ Subject, Text, HTML string }

// letters writes them. It is safe for concurrent use.
type letters struct {
	text *texttemplate.Template
	html *htmltemplate.Template
}

func newLetters() (*letters, error) {
	text, err := texttemplate.New("letter.txt").Parse(letterText)
	if err != nil {
		return nil, fmt.Errorf("parse text of sign-in mails: %w", err)
	}
	html, err := htmltemplate.New("letter.html").Parse(letterHTML)
	if err != nil {
		return nil, fmt.Errorf("parse HTML of sign-in mails: %w", err)
	}
	return &letters{text: text, html: html}, nil
}

// write composes the mail in a language. The organization's name is from its own
// staff; a line break in it would start a header.
func (l *letters) write(in *texts.Texts, organization, link string) (letter, error) {
	organization = strings.Join(strings.Fields(organization), " ")
	said := func(key string) string { return in.Say("account.letter."+key, "Organization", organization) }
	shown := map[string]string{
		"Language": in.Tag, "Direction": in.Dir(), "Link": link,
		"Intro": said("intro"), "Button": said("button"), "Once": said("once"), "Ignore": said("ignore"),
	}
	var text, html strings.Builder
	err := l.text.Execute(&text, shown)
	if err != nil {
		return letter{}, fmt.Errorf("write text of sign-in mail: %w", err)
	}
	err = l.html.Execute(&html, shown)
	if err != nil {
		return letter{}, fmt.Errorf("write HTML of sign-in mail: %w", err)
	}
	return letter{Subject: said("subject"), Text: text.String(), HTML: html.String()}, nil
}
