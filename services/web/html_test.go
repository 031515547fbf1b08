package web_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// page is a parsed answer that tests ask as a reader's program would.
type page struct {
	root *html.Node
	ids  map[string]*html.Node
}

// parse reads a whole page in English.
func parse(t *testing.T, source string) page {
	t.Helper()
	return parseIn(t, source, "en", "ltr")
}

// parseIn reads a whole page and checks what every page must be: well formed,
// in a language, with a title and one heading, without inline script or style,
// and with every reference between elements leading somewhere.
func parseIn(t *testing.T, source, lang, dir string) page {
	t.Helper()
	wellFormed(t, source)
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	p := page{root: root, ids: map[string]*html.Node{}}
	for n := range p.elements() {
		id := attr(n, "id")
		if id == "" {
			continue
		}
		if p.ids[id] != nil {
			t.Errorf("two elements have the id %q", id)
		}
		p.ids[id] = n
	}
	for n := range p.elements() {
		p.checkElement(t, n)
	}
	if !strings.HasPrefix(source, "<!doctype html>") || attr(p.first("html"), "lang") != lang || attr(p.first("html"), "dir") != dir {
		t.Error("the page does not say what it is written in")
	}
	if text(p.first("title")) == "" || len(p.all("h1")) != 1 || len(p.all("main")) != 1 {
		t.Errorf("title %q, %d headings", text(p.first("title")), len(p.all("h1")))
	}
	return p
}

// void elements have no end tag.
var void = []string{"meta", "link", "input", "br", "img", "hr"}

// wellFormed demands that every tag is closed in order, which the parser would
// silently mend.
func wellFormed(t *testing.T, source string) {
	t.Helper()
	var open []string
	tokens := html.NewTokenizer(strings.NewReader(source))
	for {
		kind := tokens.Next()
		name, _ := tokens.TagName()
		tag := string(name)
		switch kind {
		case html.ErrorToken:
			if !errors.Is(tokens.Err(), io.EOF) || len(open) > 0 {
				t.Errorf("page ends with %v open: %v", open, tokens.Err())
			}
			return
		case html.StartTagToken:
			if !slices.Contains(void, tag) {
				open = append(open, tag)
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != tag {
				t.Errorf("</%s> closes %v", tag, open)
				return
			}
			open = open[:len(open)-1]
		default: // text and comments nest nothing
		}
	}
}

func (p page) checkElement(t *testing.T, n *html.Node) {
	t.Helper()
	for _, a := range n.Attr {
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
			t.Errorf("<%s> has an inline %s, which the policy forbids", n.Data, a.Key)
		}
		if strings.Contains(a.Val, "ZgotmplZ") {
			t.Errorf("<%s %s> was refused by the template", n.Data, a.Key)
		}
	}
	for _, key := range []string{"aria-describedby", "aria-labelledby", "for"} {
		for _, id := range strings.Fields(attr(n, key)) {
			if p.ids[id] == nil {
				t.Errorf("<%s %s=%q> refers to nothing", n.Data, key, id)
			}
		}
	}
	switch n.Data {
	case "script", "style":
		if attr(n, "src") == "" || n.FirstChild != nil {
			t.Errorf("inline <%s>", n.Data)
		}
	case "a":
		href := attr(n, "href")
		target, local := strings.CutPrefix(href, "#")
		if local && p.ids[target] == nil {
			t.Errorf("the link %s leads nowhere", href)
		}
		if href == "" || text(n) == "" {
			t.Errorf("a link to %q says %q", href, text(n))
		}
	case "input", "textarea", "select":
		if attr(n, "type") != "hidden" && !p.labelled(n) {
			t.Errorf("the field %s has no label", attr(n, "name"))
		}
	}
}

func (p page) labelled(field *html.Node) bool {
	for up := field.Parent; up != nil; up = up.Parent {
		if up.Data == "label" {
			return true
		}
	}
	for n := range p.elements() {
		if n.Data == "label" && attr(n, "for") == attr(field, "id") {
			return true
		}
	}
	return false
}

func (p page) elements() func(func(*html.Node) bool) {
	return func(yield func(*html.Node) bool) {
		for n := range p.root.Descendants() {
			if n.Type == html.ElementNode && !yield(n) {
				return
			}
		}
	}
}

func (p page) all(tag string) []*html.Node {
	var found []*html.Node
	for n := range p.elements() {
		if n.Data == tag {
			found = append(found, n)
		}
	}
	return found
}

func (p page) first(tag string) *html.Node {
	for n := range p.elements() {
		if n.Data == tag {
			return n
		}
	}
	return nil
}

// title is the document's.
func (p page) title() string { return text(p.first("title")) }

// says reports whether the page shows the words.
func (p page) says(words string) bool {
	return strings.Contains(text(p.first("body")), words)
}

// links are the addresses of all links, in order.
func (p page) links() []string {
	var found []string
	for _, n := range p.all("a") {
		found = append(found, attr(n, "href"))
	}
	return found
}

// values are what the page's form would send as it stands.
func (p page) values() map[string][]string {
	values := map[string][]string{}
	add := func(n *html.Node, value string) {
		values[attr(n, "name")] = append(values[attr(n, "name")], value)
	}
	for n := range p.elements() {
		switch n.Data {
		case "input":
			kind := attr(n, "type")
			if (kind == "radio" || kind == "checkbox") && !has(n, "checked") {
				continue
			}
			add(n, attr(n, "value"))
		case "textarea":
			if n.FirstChild != nil {
				add(n, n.FirstChild.Data)
			} else {
				add(n, "")
			}
		case "option":
			if has(n, "selected") {
				add(n.Parent, attr(n, "value"))
			}
		}
	}
	return values
}

func attr(n *html.Node, key string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

// text is what is read of an element, blanks folded.
func text(n *html.Node) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	if n.Type == html.TextNode {
		b.WriteString(n.Data)
	}
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
