package mail

import "testing"

// Sites behind a name, on somebody's desk, and a base URL that names no host: what
// mails from the latter would come from is no address that a server takes.
func TestMailboxIsAtTheSitesHost(t *testing.T) {
	t.Parallel()
	for baseURL, want := range map[string]string{
		"https://give.harbour.example":      "gifts@give.harbour.example",
		"https://give.harbour.example:8443": "gifts@give.harbour.example",
		"http://127.0.0.1:8080":             "gifts@localhost",
		"http://[::1]:8080":                 "gifts@localhost",
		"give.harbour.example":              "",
		"https://:8080":                     "",
		"https://give harbour":              "",
		"":                                  "",
	} {
		got, err := AddressAt(baseURL, "gifts")
		if got != want || (err == nil) != (want != "") {
			t.Errorf("at %q: %q, %v; want %q", baseURL, got, err, want)
		}
		if want != "" && (Address{Email: got}).check() != nil {
			t.Errorf("at %q: %q is no address", baseURL, got)
		}
	}
}
