// Package story turns what people write about their cause, in Markdown, into HTML
// that can stand on our pages.
//
// Everybody can write a story and everybody reads it, so it promises that nothing
// gets through but text, emphasis, headings below the page's own, lists, quotes,
// code and links to http, https and mailto; that links tell search engines and the
// other site nothing good of themselves; and that no text, however it is nested,
// takes long. HTML that somebody wrote is left out; pictures become their
// description.
//
// Two libraries stand one behind the other: goldmark writes only what it means to,
// and bluemonday lets only what is listed pass, whatever goldmark wrote. Both are
// safe for concurrent use, and so is this.
package story

import (
	"bytes"
	"html/template"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

const (
	// longest is more bytes than the fundraiser service takes for a story in any
	// script; what comes after them is left out.
	longest = 100_000
	// deepest is how many quotes and lists stand inside each other; no story needs
	// more, and browsers give up on much less than a line can hold.
	deepest = 12
	// mostBrackets and mostStars are how many beginnings of links and of emphasis are
	// taken for such.
	mostBrackets, mostStars = 500, 2000
	// lowest heading; the page has the first for itself.
	lowest = 4
	rel    = "nofollow ugc noopener noreferrer"
)

// schemes of links.
var schemes = []string{"http", "https", "mailto"}

// tools are made once: both libraries take longer to set up than to work.
var tools = sync.OnceValues(func() (goldmark.Markdown, *bluemonday.Policy) { return markdown(), policy() }) //nolint:gochecknoglobals // made at the first story, never written

// HTML is the story as a part of a page.
func HTML(source string) template.HTML {
	write, allow := tools()
	var out bytes.Buffer
	err := write.Convert([]byte(bounded(source)), &out)
	if err != nil {
		// Writing to memory does not fail; were it to, the plain text is still true.
		return template.HTML("<p>" + template.HTMLEscapeString(source) + "</p>") //nolint:gosec // it has just been encoded
	}
	return template.HTML(allow.Sanitize(out.String())) //nolint:gosec // this is what makes it safe
}

// bounded is the source without what would make reading it slow.
func bounded(source string) string {
	source = strings.ToValidUTF8(source, "\uFFFD")
	if len(source) > longest {
		cut := longest
		for cut > 0 && !utf8.RuneStart(source[cut]) {
			cut--
		}
		source = source[:cut]
	}
	lines := strings.Split(source, "\n")
	for i, line := range lines {
		lines[i] = shallow(line)
	}
	return spent(strings.Join(lines, "\n"))
}

// spent writes what could begin a link or an emphasis as plain text once there has
// been far more of it than any story has: what is begun and never ended is looked
// for again from each beginning.
func spent(source string) string {
	brackets, stars := 0, 0
	var out strings.Builder
	for i := range len(source) {
		c := source[i]
		switch c {
		case '[':
			brackets++
		case '*', '_':
			stars++
		}
		if c == '[' && brackets > mostBrackets || (c == '*' || c == '_') && stars > mostStars {
			out.WriteString("&#" + strconv.Itoa(int(c)) + ";")
			continue
		}
		out.WriteByte(c)
	}
	return out.String()
}

// shallow takes the marks of quotes and lists at the beginning of a line beyond the
// deepest away.
func shallow(line string) string {
	depth, i := 0, 0
	for i < len(line) {
		mark := 0
		switch c := line[i]; {
		case c == ' ' || c == '\t':
			i++
			continue
		case c == '>':
			mark = 1
		case strings.IndexByte("-+*", c) >= 0 && (i+1 == len(line) || line[i+1] == ' ' || line[i+1] == '\t'):
			mark = 1
		case c >= '0' && c <= '9':
			mark = numbered(line[i:])
		}
		if mark == 0 {
			break
		}
		depth++
		if depth > deepest {
			return line[:i] + strings.TrimLeft(line[i:], "> \t-+*0123456789.)")
		}
		i += mark
	}
	return line
}

// numbered is the length of "1." or "12)" at the beginning of a line; 0 for none.
func numbered(line string) int {
	digits := len(line) - len(strings.TrimLeft(line, "0123456789"))
	if digits < len(line) && digits <= 9 && (line[digits] == '.' || line[digits] == ')') {
		return digits + 1
	}
	return 0
}

func markdown() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.NewLinkify(extension.WithLinkifyAllowedProtocols([]string{"http:", "https:"}))),
		goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(tame{}, 100))),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(pictureless{}, 100))),
	)
}

// policy lists what may stand in a story. It must let through all that goldmark
// means to write, and keep out all else should goldmark be wrong.
func policy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h2", "h3", "h4", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong")
	p.AllowAttrs("start").Matching(regexp.MustCompile(`^[0-9]{1,9}$`)).OnElements("ol")
	p.AllowAttrs("rel").Matching(regexp.MustCompile("^" + rel + "$")).OnElements("a")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes(schemes...)
	p.AllowRelativeURLs(false)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	return p
}

// tame lowers headings and marks links. No heading is more than one level below the
// one before it, whatever sign somebody liked best: who cannot see the page finds
// the way about by its levels.
type tame struct{}

// Transform does it on the parsed story.
func (tame) Transform(document *ast.Document, source text.Reader, _ parser.Context) {
	above := 1 // the page's own heading
	// The walk cannot fail: its function does not.
	_ = ast.Walk(document, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			n.Level = min(n.Level+1, above+1, lowest)
			above = n.Level
		case *ast.Link:
			n.Title = nil
			if leadsOut(n.Destination) {
				n.SetAttributeString("rel", []byte(rel))
			}
		case *ast.AutoLink:
			if n.AutoLinkType == ast.AutoLinkEmail || leadsOut(n.URL(source.Source())) {
				n.SetAttributeString("rel", []byte(rel))
			}
		}
		return ast.WalkContinue, nil
	})
}

// leadsOut reports whether an address may be a link's. One that may not gets no
// mark either, and is then no link at all.
func leadsOut(destination []byte) bool {
	address, err := url.Parse(string(destination))
	return err == nil && slices.Contains(schemes, address.Scheme)
}

// pictureless writes a picture's description in its place: what a story shows from
// elsewhere tells that place who reads it.
type pictureless struct{}

// RegisterFuncs puts it in the place of goldmark's own.
func (pictureless) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindImage, func(_ util.BufWriter, _ []byte, _ ast.Node, _ bool) (ast.WalkStatus, error) {
		return ast.WalkContinue, nil // its children are the description
	})
	r.Register(ast.KindRawHTML, nothing)
	r.Register(ast.KindHTMLBlock, nothing)
}

func nothing(util.BufWriter, []byte, ast.Node, bool) (ast.WalkStatus, error) {
	return ast.WalkSkipChildren, nil
}
