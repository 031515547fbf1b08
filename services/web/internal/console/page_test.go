package console_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// page is a parsed answer.
type page struct {
	root *html.Node
	ids  map[string]*html.Node
}

// parse reads a page and checks what every page of the console must be: one
// heading, ids that are there once and lead somewhere, nothing inline that the
// policy forbids, a label on each field, a name on each region that scrolls.
func parse(t *testing.T, source string) page {
	t.Helper()
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	p := page{root: root, ids: map[string]*html.Node{}}
	labels := map[string]bool{}
	for n := range p.all("") {
		if id := attr(n, "id"); id != "" {
			if p.ids[id] != nil {
				t.Errorf("two elements have the id %q", id)
			}
			p.ids[id] = n
		}
		if n.Data == "label" {
			labels[attr(n, "for")] = true
		}
	}
	headings := 0
	for n := range p.all("") {
		if n.Data == "h1" {
			headings++
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.Contains(a.Val, "ZgotmplZ") {
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			}
		}
		for _, key := range []string{"aria-describedby", "aria-labelledby", "for"} {
			for id := range strings.FieldsSeq(attr(n, key)) {
				if p.ids[id] == nil {
					t.Errorf("<%s %s=%q> refers to nothing", n.Data, key, id)
				}
			}
		}
		if fill, patterned := strings.CutPrefix(attr(n, "fill"), "url(#"); patterned && p.ids[strings.TrimSuffix(fill, ")")] == nil {
			t.Errorf("the pattern %s is not there", fill)
		}
		if (n.Data == "input" || n.Data == "select") && attr(n, "type") != "hidden" && !labels[attr(n, "id")] {
			t.Errorf("the field %s has no label", attr(n, "name"))
		}
		if n.Data == "a" && (attr(n, "href") == "" || text(n) == "") {
			t.Errorf("a link to %q says %q", attr(n, "href"), text(n))
		}
		if (attr(n, "role") == "region" || n.Data == "nav") && attr(n, "aria-label") == "" {
			t.Errorf("a <%s> without a name", n.Data)
		}
	}
	if headings != 1 {
		t.Errorf("%d headings", headings)
	}
	return p
}

// all are the elements of a kind, in order; "" is all kinds.
func (p page) all(tag string) func(func(*html.Node) bool) {
	return func(yield func(*html.Node) bool) {
		for n := range p.root.Descendants() {
			if n.Type == html.ElementNode && (tag == "" || n.Data == tag) && !yield(n) {
				return
			}
		}
	}
}

// says reports whether the page shows the words.
func (p page) says(words string) bool { return strings.Contains(text(p.root), words) }

// links are the addresses of all links in the page's content.
func (p page) links() []string {
	var found []string
	for n := range p.all("a") {
		found = append(found, attr(n, "href"))
	}
	return found
}

// link is the first link that says the words.
func (p page) link(words string) string {
	for n := range p.all("a") {
		if text(n) == words {
			return attr(n, "href")
		}
	}
	return ""
}

// field is a field of a form by its name.
func (p page) field(name string) *html.Node {
	for n := range p.all("") {
		if (n.Data == "input" || n.Data == "select") && attr(n, "name") == name {
			return n
		}
	}
	return nil
}

// rows are the cells of all rows of all tables.
func (p page) rows() [][]string {
	var rows [][]string
	for tr := range p.all("tr") {
		var cells []string
		for cell := range tr.ChildNodes() {
			if cell.Type == html.ElementNode {
				cells = append(cells, text(cell))
			}
		}
		rows = append(rows, cells)
	}
	return rows
}

// figures are the terms of the page's lists with the amounts beside them.
func (p page) figures(section string) map[string]string {
	found := map[string]string{}
	for n := range p.all("section") {
		if attr(n, "aria-labelledby") != section {
			continue
		}
		for d := range n.Descendants() {
			if d.Data == "dt" {
				for dd := d.NextSibling; dd != nil; dd = dd.NextSibling {
					if dd.Data == "dd" {
						link := dd.FirstChild
						found[text(d)] = text(link) + " " + attr(link, "href")
						break
					}
				}
			}
		}
	}
	return found
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
