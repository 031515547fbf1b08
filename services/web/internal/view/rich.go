package view

import (
	"fmt"
	"html/template"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/texts"
)

// Sentences with a name or a link inside are one text of the catalogue, because
// each language puts the name elsewhere. The text itself is ours and holds no
// markup (a test says so); what it is filled with is encoded here.

// rich fills a text with values that are encoded, except what bdi and link made.
func rich(spoken *texts.Texts) func(key string, values ...any) (template.HTML, error) {
	return func(key string, values ...any) (template.HTML, error) {
		for i := 1; i < len(values); i += 2 {
			values[i] = encoded(values[i])
		}
		text, err := spoken.Text(key, values...)
		return template.HTML(text), err //nolint:gosec // a text of ours, filled with what was encoded
	}
}

// Money writes an amount so that it can stand anywhere in a sentence.
func Money(spoken *texts.Texts, a money.Amount) string { return isolated(spoken, spoken.Money(a)) }

// isolated keeps a figure in one piece. Between words that are written from right
// to left, the letters of "US$" would else be drawn towards the next figure.
// The marks are characters and not tags, so that they also serve in attributes.
func isolated(spoken *texts.Texts, figure string) string {
	const leftToRight, end = "\u2066", "\u2069"
	if !spoken.RTL {
		return figure
	}
	return leftToRight + figure + end
}

// bdi keeps what people typed from reordering the words around it.
func bdi(typed any) template.HTML {
	return "<bdi>" + encoded(typed) + "</bdi>"
}

// strong makes the figure stand out that a sentence is about.
func strong(value any) template.HTML {
	return "<strong>" + encoded(value) + "</strong>"
}

// link leads to a path of this site, or to an address for mail.
func link(to string, label any) template.HTML {
	return `<a href="` + encoded(to) + `">` + encoded(label) + "</a>"
}

// mailto is a link to an e-mail address that shows itself.
func mailto(address string) template.HTML { return link("mailto:"+address, address) }

func encoded(value any) template.HTML {
	done, ok := value.(template.HTML)
	if ok {
		return done
	}
	return template.HTML(template.HTMLEscapeString(fmt.Sprint(value))) //nolint:gosec // it has just been encoded
}
