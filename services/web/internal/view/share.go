package view

import (
	"html/template"
	"net/url"
	"strings"
)

// ShareLink opens another service, or the reader's own mail or message program,
// with a text ready. They are plain links: no third party's script or picture
// is loaded, so nobody is told of a reader who does not click.
type ShareLink struct {
	Label string
	URL   template.URL
}

// channels have each their own code, so that a gift can be credited to the
// link that brought it.
var channels = []struct {
	label, code string
	build       func(text, link string) string
}{
	{"WhatsApp", "whatsapp", func(text, link string) string {
		return "https://wa.me/?text=" + escape(text+" "+link)
	}},
	{"X", "x", func(text, link string) string {
		return "https://x.com/intent/post?text=" + escape(text) + "&url=" + escape(link)
	}},
	{"Facebook", "facebook", func(_, link string) string {
		return "https://www.facebook.com/sharer/sharer.php?u=" + escape(link)
	}},
	{"Telegram", "telegram", func(text, link string) string {
		return "https://t.me/share/url?url=" + escape(link) + "&text=" + escape(text)
	}},
	{"E-mail", "email", func(text, link string) string {
		return "mailto:?subject=" + escape(text) + "&body=" + escape(text+"\n\n"+link)
	}},
	{"Text message", "sms", func(text, link string) string {
		return "sms:?&body=" + escape(text+" "+link)
	}},
}

// ShareLinks makes the links for a page at an absolute address.
func ShareLinks(text, address string) []ShareLink {
	links := make([]ShareLink, 0, len(channels))
	for _, c := range channels {
		target := c.build(text, address+"?"+FieldShare+"="+c.code)
		// html/template would refuse sms:. It is safe to vouch for: schemes and
		// hosts are the constants above and all the rest is escaped.
		links = append(links, ShareLink{Label: c.label, URL: template.URL(target)}) //nolint:gosec // see above: constants and escaped text only
	}
	return links
}

// escape encodes for a query. Mail and message programs show a plus sign as
// itself, so spaces are %20.
func escape(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}
