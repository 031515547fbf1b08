package session

import "net/http"

// bindingName is the cookie that ties a link to the browser that asked for it. It
// is no session: who asks and never comes back leaves no row.
const bindingName = "sign-in"

// Bind gives the browser a binding, or keeps the one it has, so that the links it
// asked for before go on working.
func (s *Sessions) Bind(w http.ResponseWriter, r *http.Request) (string, error) {
	binding := s.Binding(r)
	if binding == "" {
		var err error
		binding, err = secret()
		if err != nil {
			return "", err
		}
	}
	http.SetCookie(w, s.newCookie(s.named(bindingName), binding, LinkLifetime))
	return binding, nil
}

// Binding is that of the browser; empty for none.
func (s *Sessions) Binding(r *http.Request) string {
	const length = 43 // of 256 bits
	cookie, err := r.Cookie(s.named(bindingName))
	if err != nil || len(cookie.Value) != length {
		return ""
	}
	return cookie.Value
}

// Unbind takes it away again.
func (s *Sessions) Unbind(w http.ResponseWriter) {
	http.SetCookie(w, s.newCookie(s.named(bindingName), "", -LinkLifetime))
}
