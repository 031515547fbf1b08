package web_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// hostile are values that no address and no field has, as they stand in an address.
func hostile() map[string]string {
	return map[string]string{
		"nothing but a NUL":  "%00",
		"a NUL inside":       "river%00floods",
		"no UTF-8":           "%ff%fe",
		"half a character":   "%e2%82",
		"a way up":           "..%2f..%2f..%2fetc%2fpasswd",
		"dots":               "%2e%2e",
		"a header":           "x%0d%0aSet-Cookie:%20a=b",
		"a question to SQL":  "'%20OR%201=1--",
		"an element":         "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
		"a template":         "%7B%7B.%7D%7D",
		"reversed writing":   "%e2%80%ae",
		"8,000 characters":   strings.Repeat("a", 8000),
		"8,000 dots":         strings.Repeat(".", 8000),
		"2,000 NULs":         strings.Repeat("%00", 2000),
		"a number below":     "-1",
		"a number above":     "99999999999999999999999999",
		"a number with sign": "+0x1p-2",
		"an address":         "https:%2f%2fevil.example",
		"an emoji":           "%F0%9F%95%8A",
		"an empty JSON":      "%7B%7D",
		"a space":            "%20",
		"a percent":          "%25",
	}
}

// ours reports an answer that is our fault.
func ours(t *testing.T, what string, answer reply) {
	t.Helper()
	if answer.status >= http.StatusInternalServerError {
		t.Errorf("%.300s: %d", what, answer.status)
	}
	if answer.header.Get("Set-Cookie") == "a=b" || strings.Contains(answer.body, "<script>alert(1)</script>") {
		t.Errorf("%.300s: it came through", what)
	}
}

func hostileAddresses(t *testing.T, p *premises) {
	for _, r := range p.routes {
		who := insider(r)
		missing := p.get(who, p.fill(r.Pattern, none)).status
		if wildcard.MatchString(r.Pattern) || strings.HasSuffix(r.Pattern, "/") {
			for name, value := range hostile() {
				at := len(wildcard.FindAllString(r.Pattern, -1))
				for nth := range max(at, 1) {
					seen := -1
					path := p.fill(r.Pattern, func(x place) string {
						seen++
						if seen == nth {
							return value
						}
						return x.mine
					})
					answer := p.get(who, path)
					ours(t, "GET "+r.Pattern+" with "+name, answer)
					if answer.status < 300 && nth == 0 && at > 0 && missing >= 400 {
						t.Errorf("GET %s with %s: %d", r.Pattern, name, answer.status)
					}
					if r.Post != nil {
						ours(t, "POST "+r.Pattern+" with "+name, p.send(who, http.MethodPost, path, http.NoBody))
					}
				}
			}
		}
		// Every parameter that a page of ours reads, and some that none does.
		if r.Get == nil {
			continue
		}
		for _, name := range []string{"a NUL inside", "no UTF-8", "an element", "a number below", "a number above", "reversed writing"} {
			value := hostile()[name]
			var query strings.Builder
			for _, parameter := range parameters() {
				fmt.Fprintf(&query, "&%s=%.600s", parameter, value)
			}
			path := p.fill(r.Pattern, mine) + "?" + query.String()[1:]
			ours(t, "GET "+r.Pattern+"?… with "+name, p.get(who, path))
		}
		long := p.fill(r.Pattern, mine) + "?" + strings.Repeat("q=abcdefghijklmn&", 1000)
		ours(t, "GET "+r.Pattern+" with a query of 16 kB", p.get(who, long))
		for _, value := range []string{"\xff\xfe", strings.Repeat("a,", 1500), "__Host-session=\"\\\"; lang=\xff", "bytes=9-1,-1", `W/"`, "-1"} {
			var header []string
			for _, name := range []string{"Accept-Language", "Cookie", "If-None-Match", "If-Modified-Since", "Range", "Last-Event-ID", "Accept", "Accept-Encoding", "X-Forwarded-For", "Referer"} {
				header = append(header, name, value)
			}
			ours(t, "GET "+r.Pattern+" with headers of "+value, p.send(anonymous, http.MethodGet, p.fill(r.Pattern, mine), http.NoBody, header...))
		}
		ours(t, "GET "+r.Pattern+" with broken escapes", p.get(who, p.fill(r.Pattern, mine)+"?a=%zz&b=%&;&=&&lang=%zz"))
	}
}

// parameters that addresses of the site have.
func parameters() []string {
	return []string{
		"lang", "s", "session_id", "c", "next", "q", "from", "to", "currency", "account", "appeal", "fund", "fundraiser", "organization", "after", "before",
		"page", "cursor", "limit", "by", "format", "reference", "kind", "rule", "state", "step", "size", "amount", "id", "Last-Event-ID",
	}
}

// fields are those of all forms of a page, with what stands in them.
func fields(body string) (names []string, values url.Values, upload string) {
	values = url.Values{}
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		return nil, values, ""
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "input" && n.Data != "textarea" && n.Data != "select" && n.Data != "button" {
			continue
		}
		name := attr(n, "name")
		switch {
		case name == "":
		case attr(n, "type") == "file":
			upload = name
		default:
			if !values.Has(name) {
				names = append(names, name)
			}
			values.Set(name, attr(n, "value"))
		}
	}
	return names, values, upload
}

func hostileForms(t *testing.T, p *premises) {
	asked := 0
	for _, r := range p.routes {
		if r.Post == nil {
			continue
		}
		who, path := insider(r), p.opened(r.Pattern)
		names, values, upload := fields(p.get(who, path).body)
		names = append(names, "invented")
		send := func(what, kind string, body []byte, want ...int) {
			t.Helper()
			asked++
			began := time.Now()
			answer := p.send(who, http.MethodPost, path, bytes.NewReader(body), "Content-Type", kind)
			ours(t, "POST "+r.Pattern+" with "+what, answer)
			for _, status := range want {
				if answer.status == status {
					return
				}
			}
			if len(want) > 0 {
				t.Errorf("POST %s with %s: %d, want one of %v", r.Pattern, what, answer.status, want)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("POST %s with %s took %s", r.Pattern, what, took)
			}
		}
		// What takes no form answers as always: it reads none of it.
		tooMuch := []int{http.StatusRequestEntityTooLarge}
		usual := p.send(who, http.MethodPost, path, http.NoBody).status
		if usual != http.StatusUnprocessableEntity && !slices.Contains(uploads(), r.Pattern) {
			tooMuch = append(tooMuch, usual)
		}
		forms, much := tooMuch, 2_000_000
		if slices.Contains(uploads(), r.Pattern) {
			// A picture that is too large is said beside its field, up to a point.
			forms, much = nil, 30_000_000
		}
		const encoded = "application/x-www-form-urlencoded"
		for kind, value := range hostile() {
			var all strings.Builder
			for _, name := range names {
				fmt.Fprintf(&all, "%s=%.4000s&", url.QueryEscape(name), value)
			}
			send("all fields being "+kind, encoded, []byte(all.String()))
		}
		// One at a time they come further, past the checks of the others.
		for _, name := range names {
			for _, kind := range []string{"a NUL inside", "no UTF-8", "an element", "a number above"} {
				form := url.Values{}
				for _, field := range names {
					form.Set(field, values.Get(field))
				}
				form.Del(name)
				send(name+" being "+kind, encoded, []byte(form.Encode()+"&"+url.QueryEscape(name)+"="+hostile()[kind]))
			}
		}
		everything := url.Values{}
		for _, name := range names {
			everything[name] = []string{"\x00\xff", "", strings.Repeat("é", 9000), "-1"}
		}
		send("every field four times", encoded, []byte(everything.Encode()))
		send("100,000 fields", encoded, bytes.Repeat([]byte("a=&"), 100_000), append(forms, http.StatusBadRequest)...)
		send("30,000 names", encoded, manyNames(30_000))
		send("a million bytes of one field", encoded, append([]byte("invented="), bytes.Repeat([]byte("a"), 1<<20)...), forms...)
		send("far too much", encoded, append([]byte("invented="), bytes.Repeat([]byte("a"), much)...), tooMuch...)
		send("broken escapes", encoded, []byte("a=%zz&b=%&;c"))
		send("no kind", "", []byte("a=b"))
		send("another kind", "application/json", []byte(`{"email":"x@example.org"}`))
		send("parts without a boundary", "multipart/form-data", []byte("--x\r\n\r\n"))
		send("parts that do not end", "multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhello"))
		send("5,000 parts", "multipart/form-data; boundary=x", manyParts(5000))
		send("a part with 20,000 headers", "multipart/form-data; boundary=x", append(append([]byte("--x\r\n"), bytes.Repeat([]byte("A: b\r\n"), 20_000)...), []byte("\r\nhi\r\n--x--\r\n")...))
		body, kind := file(t, upload, values, []byte("GIF89a\x00not a picture"))
		send("a file that is no picture", kind, body)
		body, kind = file(t, upload, values, bytes.Repeat([]byte("\xff\xd8\xff\xe0"), much/4))
		send("a file that is far too large", kind, body, tooMuch...)
	}
	if asked == 0 {
		t.Error("nothing was sent")
	}
	if _, what, panicked := strings.Cut(p.logs.String(), "panicked"); panicked {
		t.Errorf("something panicked: %.2000s", what)
	}
}

// uploads are the routes that take a picture, and so more than a form.
func uploads() []string {
	return []string{"/staff/organization/logo", "/start/{appeal}", "/account/fundraisers/{id}/edit"}
}

func manyNames(n int) []byte {
	var form bytes.Buffer
	for i := range n {
		fmt.Fprintf(&form, "%x&", i)
	}
	return form.Bytes()
}

func manyParts(n int) []byte {
	var form bytes.Buffer
	for i := range n {
		fmt.Fprintf(&form, "--x\r\nContent-Disposition: form-data; name=\"%d\"\r\n\r\n\r\n", i)
	}
	form.WriteString("--x--\r\n")
	return form.Bytes()
}

// file is a form with a file in it.
func file(t *testing.T, field string, values url.Values, content []byte) (body []byte, kind string) {
	t.Helper()
	if field == "" {
		field = "photo"
	}
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	for name := range values {
		err := parts.WriteField(name, values.Get(name))
		if err != nil {
			t.Fatal(err)
		}
	}
	part, err := parts.CreateFormFile(field, "holiday\".jpg")
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = parts.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return form.Bytes(), parts.FormDataContentType()
}
