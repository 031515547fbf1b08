package systemtest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// sendAll writes a whole request before it reads a byte, as a browser does. A
// server that hangs up in the middle breaks it off, and the page that says what
// was wrong is never seen.
func sendAll(t *testing.T, site, head string, body []byte) (status int, page string) {
	t.Helper()
	address, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", address.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(conn, io.MultiReader(strings.NewReader(head), bytes.NewReader(body)))
	if err != nil {
		t.Fatalf("cut off while sending: %v", err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("no answer after sending: %v", err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(content)
}

func tenMegabytesAreAnsweredWithAPage(t *testing.T, s system) {
	body := append([]byte("message="), bytes.Repeat([]byte("a"), 10<<20)...)
	head := "POST /appeals/shelter-tonight/donate HTTP/1.1\r\nHost: localhost\r\n" +
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " + fmt.Sprint(len(body)) + "\r\n\r\n"
	status, page := sendAll(t, s.site(), head, body)
	if status != http.StatusRequestEntityTooLarge || !strings.Contains(page, "That was too much at once") {
		t.Errorf("%d: %.200s", status, page)
	}
}

// Also what no page answers is answered on our origin, under our rules.
func everyAnswerOfTheSiteCarriesItsPolicy(t *testing.T, s system) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for path, want := range map[string]int{
		"/": 200, "/nowhere": 404, "/assets": 307, "/appeals/../dev/mail": 307,
		"/dev/mail": 200, "/readyz": s.healthOnSite(), "/appeals/shelter-tonight/donate": 200,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.site(), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.URL.Opaque = path
		answer, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		policy := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self' " +
			s.stripe() + "; base-uri 'none'; frame-ancestors 'none'"
		if answer.StatusCode != want || answer.Header.Get("Content-Security-Policy") != policy {
			t.Errorf("%s: %d with policy %q", path, answer.StatusCode, answer.Header.Get("Content-Security-Policy"))
		}
	}
}
