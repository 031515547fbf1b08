package app

import (
	_ "embed"
	"fmt"
	htmltemplate "html/template"
	"net/url"
	"strings"
	texttemplate "text/template"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
)

var (
	//go:embed letter.txt.tmpl
	letterText string
	//go:embed letter.html.tmpl
	letterHTML string
)

// letterWriter writes the letters that tell owners of gifts. It is safe for
// concurrent use.
type letterWriter struct {
	base *url.URL
	text *texttemplate.Template
	html *htmltemplate.Template
}

func newLetterWriter(base *url.URL) (*letterWriter, error) {
	text, err := texttemplate.New("letter.txt").Parse(letterText)
	if err != nil {
		return nil, fmt.Errorf("parse text of letters: %w", err)
	}
	html, err := htmltemplate.New("letter.html").Parse(letterHTML)
	if err != nil {
		return nil, fmt.Errorf("parse HTML of letters: %w", err)
	}
	return &letterWriter{base: base, text: text, html: html}, nil
}

// letterView is what both templates show.
type letterView struct {
	Language, Direction            string
	Greeting, News, Title          string
	Total                          string
	Desk, DeskLink, Page, PageLink string
	Why, Organization              string
}

// write composes the letter about a gift. It names no donor: who gave, and
// whether that may be shown, is looked up where it is shown.
func (w *letterWriter) write(mail DueGiftMail) (Letter, error) {
	in := textsIn(mail.Supporter.Language)
	name := domain.OneLine(mail.Supporter.DisplayName)
	if name == "" {
		name = domain.OneLine(mail.Page.Owner)
	}
	title, organization := domain.OneLine(mail.Page.Title), domain.OneLine(mail.OrganizationName)
	gift := money.Format(mail.Gift, in.language)
	view := letterView{
		Language: in.language, Direction: in.direction,
		Greeting: fmt.Sprintf(in.greeting, name),
		News:     fmt.Sprintf(in.news, gift),
		Title:    title,
		Total:    fmt.Sprintf(in.total, money.Format(mail.Total, in.language)),
		Desk:     in.desk, DeskLink: w.base.JoinPath("account", "fundraisers", mail.Page.ID).String(),
		Page: in.page, PageLink: w.base.JoinPath("f", mail.Page.Slug).String(),
		Why: in.why, Organization: organization,
	}
	if mail.Page.Goal > 0 {
		goal := money.Amount{Minor: mail.Page.Goal, Currency: mail.Total.Currency}
		view.Total = fmt.Sprintf(in.totalOfGoal, money.Format(mail.Total, in.language), money.Format(goal, in.language))
	}
	var text, html strings.Builder
	err := w.text.Execute(&text, view)
	if err != nil {
		return Letter{}, fmt.Errorf("fill text: %w", err)
	}
	err = w.html.Execute(&html, view)
	if err != nil {
		return Letter{}, fmt.Errorf("fill HTML: %w", err)
	}
	return Letter{
		ID:            "gift-" + mail.DonationID,
		SenderName:    short(organization),
		RecipientName: short(name),
		Recipient:     mail.Supporter.Email,
		// One line each: a line break in a title would begin a header of its owner's.
		Subject: fmt.Sprintf(in.subject, gift, short(title)),
		Text:    text.String(),
		HTML:    html.String(),
	}, nil
}

// short cuts a name to what belongs into a header. The letter shows all of it.
func short(name string) string {
	const longest = 80
	runes := []rune(name)
	if len(runes) <= longest {
		return name
	}
	return strings.TrimSpace(string(runes[:longest-1])) + "…"
}
