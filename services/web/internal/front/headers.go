package front

import "net/http"

// Privacy says who may keep what a route answers with, and whether the next
// site may learn its address.
type Privacy int

const (
	// Open pages are the same for everybody. They are asked for again each
	// time, because their totals are meant to be seen rising.
	Open Privacy = iota
	// Form pages carry an intent. The browser may keep them for the back
	// button (which no-store would forbid): coming back from Stripe, the donor
	// finds the same intent and everything that was typed.
	Form
	// Secret pages are opened by an address that is the key to them.
	Secret
	// SecretForm is such a page with a form. A page that forbids all referrers
	// sends its form with the origin "null", and browsers too old to say more
	// would be taken for another site; so it tells its address to us alone.
	SecretForm
	// Personal pages are a signed-in person's own. Nothing of them is kept, so
	// that who uses the computer next does not find them with the back button.
	Personal
	// Framed pages are open ones that other sites may show inside theirs. They
	// have nothing to press that does anything here.
	Framed

	privacies = iota
)

// setHeaders puts on every answer what browsers are to refuse on our behalf.
func (f *Front) setHeaders(header http.Header, p Privacy) {
	if p == Framed {
		// It is there already, from whoever wraps the mux.
		header.Del("X-Frame-Options")
	}
	for _, line := range f.headers[p] {
		header[line.name] = line.values
	}
}

// headerLine is one header of an answer, its name in canonical form.
type headerLine struct {
	name   string
	values []string
}

// headersOf makes the headers of each privacy once: they are the same for all answers,
// so nobody may change the values in place. A list is walked in a third of the time of
// a map.
func headersOf(checkout, portal string, secure bool) (all [privacies][]headerLine) {
	for p := range all {
		target := checkout
		if Privacy(p) == SecretForm && portal != checkout {
			target += " " + portal
		}
		for name, values := range headers(Privacy(p), target, secure) {
			all[p] = append(all[p], headerLine{name, values})
		}
	}
	return all
}

func headers(p Privacy, checkout string, secure bool) http.Header {
	header := http.Header{}
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "+
		"img-src 'self' data:; connect-src 'self'; form-action 'self' "+checkout+"; base-uri 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	if secure {
		header.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}

	if p == Framed {
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors *")
		header.Del("X-Frame-Options")
		header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}

	referrer, cache := "strict-origin-when-cross-origin", "no-cache"
	switch p {
	case Open, Framed:
	case Form:
		cache = "private, no-cache"
	case Secret:
		referrer, cache = "no-referrer", "no-store"
	case SecretForm, Personal:
		referrer, cache = "same-origin", "no-store"
	}
	if p == Secret || p == SecretForm || p == Personal {
		header.Set("X-Robots-Tag", "noindex")
	}
	header.Set("Referrer-Policy", referrer)
	header.Set("Cache-Control", cache)
	return header
}
