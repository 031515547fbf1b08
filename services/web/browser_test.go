package web_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/web/internal/front"
)

// headersOfAll compares, for what is found, for what is not, and for what is refused.
func headersOfAll(t *testing.T, p *premises) {
	everywhere := map[string]string{
		"X-Content-Type-Options":     "nosniff",
		"Cross-Origin-Opener-Policy": "same-origin",
		"Permissions-Policy":         "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
		"Strict-Transport-Security":  "max-age=31536000; includeSubDomains",
		"X-Powered-By":               "", "Server": "",
	}
	own := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self' " +
		p.simulator + "; base-uri 'none'; frame-ancestors 'none'"
	framed := "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors *"
	for _, r := range p.routes {
		policy, frame := own, "DENY"
		if r.Privacy == front.Framed {
			policy, frame = framed, ""
		}
		referrer, robots := "strict-origin-when-cross-origin", ""
		switch r.Privacy {
		case front.Open, front.Form, front.Framed:
		case front.Secret:
			referrer, robots = "no-referrer", "noindex"
		case front.SecretForm, front.Personal:
			referrer, robots = "same-origin", "noindex"
		}
		path := p.opened(r.Pattern)
		for name, answer := range map[string]reply{
			"to who may":       p.get(insider(r), path),
			"to a stranger":    p.get(anonymous, path),
			"to a supporter":   p.get(supporter, path),
			"of what is none":  p.get(insider(r), p.fill(r.Pattern, none)),
			"to another site":  p.send(insider(r), http.MethodPost, path, http.NoBody, "Sec-Fetch-Site", "cross-site"),
			"to a wrong verb":  p.send(insider(r), http.MethodDelete, path, http.NoBody),
			"to an invented":   p.send(insider(r), "BREW", path, http.NoBody),
			"to who asks HEAD": p.send(insider(r), http.MethodHead, path, http.NoBody),
		} {
			want := map[string]string{
				"Content-Security-Policy": policy, "X-Frame-Options": frame, "Referrer-Policy": referrer,
			}
			for header, value := range everywhere {
				want[header] = value
			}
			for header, value := range want {
				if got := answer.header.Get(header); got != value {
					t.Errorf("%s answers %s (%d) with %s %q, want %q", r.Pattern, name, answer.status, header, got, value)
				}
			}
			// Which of the open ones others may use is in the table of routes.
			resource, readers := answer.header.Get("Cross-Origin-Resource-Policy"), answer.header.Get("Access-Control-Allow-Origin")
			common := r.Privacy == front.Open || r.Privacy == front.Framed
			if resource != "same-origin" && (!common || resource != "cross-origin") || readers != "" && (!common || readers != "*") || answer.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s answers %s (%d) to pages of other sites: %q, %q", r.Pattern, name, answer.status, resource, readers)
			}
			if robots != "" && answer.header.Get("X-Robots-Tag") != robots {
				t.Errorf("%s may be listed by search engines", r.Pattern)
			}
			kept := answer.header.Get("Cache-Control")
			personal := r.Privacy == front.Secret || r.Privacy == front.SecretForm || r.Privacy == front.Personal
			if kept == "" || personal && kept != "no-store" || r.Privacy == front.Form && !strings.Contains(kept, "private") && kept != "no-store" {
				t.Errorf("%s answers %s (%d) with Cache-Control %q", r.Pattern, name, answer.status, kept)
			}
		}
	}
}

// cookiesOfAll: who reads the public site is not known again, and no page is kept
// with somebody's cookie on it.
func cookiesOfAll(t *testing.T, p *premises) {
	for _, r := range p.routes {
		for _, who := range []string{anonymous, supporter} {
			for _, query := range []string{"", "lang=fr"} {
				path := p.opened(r.Pattern)
				if query != "" && strings.Contains(path, "?") {
					path += "&" + query
				} else if query != "" {
					path += "?" + query
				}
				for _, cookie := range (&http.Response{Header: p.get(who, path).header}).Cookies() {
					switch {
					case cookie.Name == "lang" && query != "":
					case cookie.Name == "__Host-session" && who != anonymous && r.Access != front.Anyone:
					default:
						t.Errorf("GET %s gives %s the cookie %s", path, who, cookie.Name)
					}
					if !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" {
						t.Errorf("GET %s: %s", r.Pattern, cookie)
					}
				}
			}
		}
	}
	c := p.cookie(supporter)
	if c.Name != "__Host-session" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("the session's cookie is %s", c)
	}
}

// hostsOfAll: what the request says of where it went is the sender's to choose.
func hostsOfAll(t *testing.T, p *premises) {
	const evil = "evil.example"
	check := func(what string, answer reply) {
		t.Helper()
		for name, values := range answer.header {
			if strings.Contains(strings.Join(values, " "), evil) {
				t.Errorf("%s: %s: %s", what, name, values)
			}
		}
		if strings.Contains(answer.body, evil) {
			t.Errorf("%s: the page has it", what)
		}
	}
	for _, r := range p.routes {
		header := []string{
			"Host", evil, "X-Forwarded-Host", evil, "Forwarded", "host=" + evil, "X-Forwarded-Server", evil,
			"X-Original-Url", "https://" + evil, "X-Rewrite-Url", "https://" + evil, "X-Forwarded-Proto", "gopher", "Referer", "https://" + evil,
		}
		for _, who := range []string{anonymous, insider(r)} {
			check("GET "+r.Pattern, p.send(who, http.MethodGet, p.opened(r.Pattern), http.NoBody, header...))
			if r.Post != nil {
				check("POST "+r.Pattern, p.send(who, http.MethodPost, p.opened(r.Pattern), http.NoBody, header...))
			}
		}
	}
	// As a proxy writes it, and as one that is tricked would be sent.
	for _, path := range []string{"//" + evil + "/", "///" + evil, "/" + "\\" + evil + "/", "//" + evil + "/%2e%2e", "/account//" + evil, "/./" + "/" + evil, "/finance/../" + "/" + evil} {
		answer := p.get(anonymous, path)
		location := answer.header.Get("Location")
		if answer.status >= 500 || strings.HasPrefix(location, "//") || strings.HasPrefix(location, `/\`) || strings.HasPrefix(location, "http") {
			t.Errorf("%s: %d to %q", path, answer.status, location)
		}
	}
	for _, path := range []string{"/finance", "/assets", "/account/sign-out-everywhere", "/sign-in?next=%2F", "/finance/"} {
		status, header := p.raw("GET http://" + evil + path + " HTTP/1.1\r\nHost: " + evil + "\r\nConnection: close\r\n\r\n")
		if status >= 500 || strings.Contains(header.Get("Location"), evil) {
			t.Errorf("GET http://%s%s: %d to %q", evil, path, status, header.Get("Location"))
		}
	}
	// A link that was asked for under another name leads to ours.
	asked := p.send(anonymous, http.MethodPost, "/sign-in", strings.NewReader(url.Values{"email": {viewerMail}}.Encode()), "Host", evil, "X-Forwarded-Host", evil, "Origin", premisesURL)
	_, texts := p.letters()
	if asked.status != http.StatusSeeOther || strings.Contains(texts, evil) || !signInLink.MatchString(texts) {
		t.Errorf("%d, and a mail with a link to elsewhere", asked.status)
	}
	// The browser's word for our own site holds behind any proxy.
	if theirs := p.send(anonymous, http.MethodPost, "/sign-in", http.NoBody, "Host", "inside:8080", "Origin", premisesURL); theirs.status == http.StatusForbidden {
		t.Errorf("a form of our own is refused behind a proxy: %d", theirs.status)
	}
}

// raw sends bytes as they are, and reads the head of the answer.
func (p *premises) raw(request string) (int, http.Header) {
	p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.address, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	err = conn.SetDeadline(time.Now().Add(2 * time.Minute))
	if err != nil {
		p.t.Fatal(err)
	}
	_, err = conn.Write([]byte(request))
	if err != nil {
		p.t.Fatalf("cut off while sending: %v", err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		p.t.Fatalf("no answer: %v", err)
	}
	answer.Body.Close()
	return answer.StatusCode, answer.Header
}

// state is a fingerprint of each table of all databases, and of what was mailed.
// Sessions are left out: when somebody was last here is all that looking may change.
func (p *premises) state() map[string]string {
	p.t.Helper()
	found := map[string]string{}
	for name, db := range p.databases {
		err := db.InReadTx(p.t.Context(), func(ctx context.Context, tx *database.Tx) error {
			tables, err := column(ctx, tx, `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`)
			if err != nil {
				return err
			}
			for _, table := range tables {
				if name == "web" && table == "session" {
					continue
				}
				rows, err := column(ctx, tx, `SELECT * FROM "`+table+`"`)
				if err != nil {
					return err
				}
				slices.Sort(rows)
				sum := sha256.Sum256([]byte(strings.Join(rows, "\n")))
				found[name+"."+table] = fmt.Sprintf("%d rows %s", len(rows), hex.EncodeToString(sum[:6]))
			}
			return nil
		})
		if err != nil {
			p.t.Fatal(err)
		}
	}
	ids, _ := p.letters()
	found["mails"] = fmt.Sprint(len(ids))
	return found
}

// column is each row of a question as a text.
func column(ctx context.Context, tx *database.Tx, question string) ([]string, error) {
	rows, err := tx.QueryContext(ctx, question)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var found []string
	for rows.Next() {
		values := make([]any, len(names))
		into := make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		err = rows.Scan(into...)
		if err != nil {
			return nil, err
		}
		if len(values) == 1 {
			found = append(found, fmt.Sprint(values[0]))
			continue
		}
		found = append(found, fmt.Sprint(values))
	}
	return found, rows.Err()
}

// unchanged does something, and says which tables are not as before.
func (p *premises) unchanged(what string, do func()) {
	p.t.Helper()
	before := p.state()
	do()
	after := p.state()
	for table, was := range before {
		if after[table] != was {
			p.t.Errorf("%s changes %s: %s, then %s", what, table, was, after[table])
		}
	}
}

func lookingAtAll(t *testing.T, p *premises) {
	p.unchanged("a look at every page by everybody", func() {
		for _, r := range p.routes {
			for _, who := range everybody() {
				p.get(who, p.opened(r.Pattern))
				p.send(who, http.MethodHead, p.opened(r.Pattern), http.NoBody)
				p.get(who, p.fill(r.Pattern, none))
			}
		}
	})
}

func forgedToAll(t *testing.T, p *premises) {
	senders := map[string][]string{
		"another site":               {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
		"another site, old browser":  {"Origin", "https://evil.example"},
		"a page without an origin":   {"Origin", "null"},
		"a frame without an origin":  {"Sec-Fetch-Site", "cross-site", "Origin", "null"},
		"a sister site":              {"Sec-Fetch-Site", "same-site", "Origin", "https://shop.harbour.example"},
		"our name without TLS":       {"Sec-Fetch-Site", "same-site", "Origin", "http://give.harbour.example"},
		"our name on another port":   {"Origin", premisesURL + ":8443"},
		"a name that begins as ours": {"Origin", premisesURL + ".evil.example"},
	}
	p.unchanged("a form from another site", func() {
		for _, r := range p.routes {
			for from, header := range senders {
				answer := p.send(insider(r), http.MethodPost, p.opened(r.Pattern), strings.NewReader("email="+url.QueryEscape(raiserMail)), header...)
				if answer.status != http.StatusForbidden {
					t.Errorf("POST %s from %s: %d", r.Pattern, from, answer.status)
				}
			}
		}
	})
	// Stripe is no browser: its calls are known by their signature alone.
	for from, header := range senders {
		if answer := p.send(anonymous, http.MethodPost, "/webhooks/stripe", strings.NewReader("{}"), header...); answer.status != http.StatusBadRequest {
			t.Errorf("a webhook without a signature, from %s: %d", from, answer.status)
		}
	}
}

// leaksOfAll looks for everybody's names, and for every key that was used, where
// they have no business: logs, events, and what the broker keeps of them.
func leaksOfAll(t *testing.T, p *premises) {
	secrets := slices.Clone(p.secrets)
	_, texts := p.letters()
	for _, found := range signInLink.FindAllStringSubmatch(texts, -1) {
		secrets = append(secrets, found[1])
	}
	for _, found := range receiptLink.FindAllStringSubmatch(texts, -1) {
		secrets = append(secrets, found[2])
	}
	for _, name := range []string{donorName, donorMail, raiserName, raiserMail, rivalName, rivalMail, viewerMail, bookMail, chairMail, juniorMail} {
		secrets = append(secrets, strings.ToLower(name))
		if first, last, ok := strings.Cut(name, " "); ok {
			secrets = append(secrets, strings.ToLower(first), strings.ToLower(last))
		}
	}
	if len(secrets) < 18 {
		t.Fatalf("there is little to look for: %d", len(secrets))
	}
	search := func(where, text string) {
		lower := strings.ToLower(text)
		for _, secret := range secrets {
			if at := strings.Index(lower, strings.ToLower(secret)); at >= 0 {
				t.Errorf("%s has %q: …%.300q", where, secret, text[max(0, at-200):])
			}
		}
	}
	logged := p.logs.String()
	if !strings.Contains(logged, "/receipts/{number}/{token}") {
		t.Error("the log says nothing of what was asked")
	}
	search("the log", logged)
	events := 0
	for name, db := range p.databases {
		if name == "web" {
			continue
		}
		err := db.InReadTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			payloads, err := column(ctx, tx, `SELECT CAST(payload AS TEXT) FROM event`)
			events += len(payloads)
			search("an event of "+name, strings.Join(payloads, "\n"))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if events < 5 {
		t.Errorf("only %d events were read", events)
	}
	kept := 0
	err := filepath.WalkDir(filepath.Join(p.dir, "nats"), func(path string, file fs.DirEntry, err error) error {
		if err != nil || file.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		kept += len(content)
		search(path, string(content))
		return err
	})
	if err != nil || kept == 0 {
		t.Errorf("%d bytes of the broker's were read: %v", kept, err)
	}
}
