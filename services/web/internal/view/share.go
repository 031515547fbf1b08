package view

import (
	"html/template"
	"net/url"
	"slices"
	"strings"

	"github.com/almoner/almoner/services/internal/platform/texts"
)

// Share is what a page offers to those who want to tell of it.
type Share struct {
	Links   []ShareLink
	Address string // to copy
}

// ShareLink opens another service, or the reader's own mail or message program,
// with a text ready. They are plain links: no third party's script or picture
// is loaded, so nobody is told of a reader who does not click.
type ShareLink struct {
	Label string
	URL   template.URL
}

// channel is one way to share.
type channel struct {
	label, code string // the label is a name, or the key of a text
	build       func(text, link string) string
}

// channels have each their own code, so that a gift can be credited to the
// link that brought it.
var channels = []channel{
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
	{"share.email", "email", func(text, link string) string {
		return "mailto:?subject=" + escape(text) + "&body=" + escape(text+"\n\n"+link)
	}},
	{"share.sms", "sms", func(text, link string) string {
		return "sms:?&body=" + escape(text+" "+link)
	}},
}

// Channels that are no link of the kit: an address copied by hand, a code read by a
// camera, a card on another site.
const (
	copied   = "copy"
	Camera   = "qr"
	Embedder = "embed"
)

// OurShareCode reports whether the code is one that we hand out. Others may be made
// up by whoever writes a link; they are credited just the same.
func OurShareCode(code string) bool {
	switch code {
	case copied, Camera, Embedder:
		return true
	}
	return slices.ContainsFunc(channels, func(c channel) bool { return c.code == code })
}

// NewShare makes the kit for a page at an absolute address. The text is what a
// message about it begins with.
func NewShare(spoken *texts.Texts, text, address string) Share {
	kit := Share{Address: coded(address, copied)}
	for _, c := range channels {
		label := c.label
		if strings.HasPrefix(label, "share.") {
			label = spoken.Say(label)
		}
		target := c.build(text, coded(address, c.code))
		// html/template would refuse sms:. It is safe to vouch for: schemes and
		// hosts are the constants above and all the rest is escaped.
		kit.Links = append(kit.Links, ShareLink{Label: label, URL: template.URL(target)}) //nolint:gosec // see above: constants and escaped text only
	}
	return kit
}

// coded is the address with a channel's code.
func coded(address, code string) string { return address + "?" + FieldShare + "=" + code }

// escape encodes for a query. Mail and message programs show a plus sign as
// itself, so spaces are %20.
func escape(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}
