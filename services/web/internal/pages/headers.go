package pages

import "net/http"

// privacy says who may keep what a route answers with, and whether the next
// site may learn its address.
type privacy int

const (
	// open pages are the same for everybody. They are asked for again each
	// time, because their totals are meant to be seen rising.
	open privacy = iota
	// form pages carry an intent. The browser may keep them for the back
	// button (which no-store would forbid): coming back from Stripe, the donor
	// finds the same intent and everything that was typed.
	form
	// secret pages are opened by an address that is the key to them.
	secret
	// secretForm is such a page with a form. A page that forbids all referrers
	// sends its form with the origin "null", and browsers too old to say more
	// would be taken for another site; so it tells its address to us alone.
	secretForm
)

// setHeaders puts on every answer what browsers are to refuse on our behalf.
func (s *Site) setHeaders(header http.Header, p privacy) {
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "+
		"img-src 'self' data:; connect-src 'self'; form-action 'self' "+s.checkout+"; base-uri 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	if s.base.Scheme == "https" {
		header.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}

	referrer, cache := "strict-origin-when-cross-origin", "no-cache"
	switch p {
	case open:
	case form:
		cache = "private, no-cache"
	case secret:
		referrer, cache = "no-referrer", "no-store"
	case secretForm:
		referrer, cache = "same-origin", "no-store"
	}
	if p == secret || p == secretForm {
		header.Set("X-Robots-Tag", "noindex")
	}
	header.Set("Referrer-Policy", referrer)
	header.Set("Cache-Control", cache)
}
