package web_test

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/web"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The headers of every kind of answer, as they are agreed. A header that is
// lost shows as a difference here and as nothing anywhere else.
func TestHeadersOfEveryRoute(t *testing.T) {
	t.Parallel()
	site, style := development(t)
	requests := []string{
		"GET /", "HEAD /", "DELETE /appeals/river-floods",
		"GET /appeals/river-floods", "GET /appeals/none",
		"GET /appeals/river-floods/donate", "POST /appeals/river-floods/donate", "GET /appeals/last-year/donate",
		"GET /f/amina-runs", "GET /f/amina-runs/donate", "POST /f/amina-runs/donate",
		"GET " + thanks, "GET /donations/" + donationID + "/thanks",
		"GET /donations/" + donationID + "/cancelled",
		"GET /receipts/REFUGE-2026-000123/dG9rZW4", "GET /receipts/REFUGE-2026-000123/wrong",
		"GET /receipts/REFUGE-2026-000123/dG9rZW4.pdf", "GET /receipts/REFUGE-2026-000123/wrong.pdf",
		"GET " + planAddress, "POST " + planAddress + "/amount", "POST " + planAddress + "/card", "GET /plans/" + planID + "/wrong", "GET /plans", "POST /plans",
		"GET /verify", "GET /verify/REFUGE-2026-000123?c=K7M2Q9XZ4T", "GET /verify/REFUGE-2026-000123?c=WRONG",
		"GET /f/amina-runs/events", "GET /f/amina-runs/og.png", "GET /f/amina-runs/qr.svg", "GET /embed/f/amina-runs", "GET /embed/f/none",
		"GET /api/v1/appeals", "GET /api/v1/appeals/none", "GET /api/v1/fundraisers/amina-runs", "GET /api/v1/openapi.json",
		"GET /finance/", "GET /finance/entries/1", "POST /finance/audit", "GET /finance/exports?format=csv",
		"GET /dev/mail", "GET /dev/mail/receipt-1", "GET /dev/mail/receipt-1.eml", "GET /dev/mail/none",
		"GET " + style, "GET /assets/none.css", "GET /nothing",
	}
	var golden strings.Builder
	for _, request := range requests {
		method, path, _ := strings.Cut(request, " ")
		recorder := httptest.NewRecorder()
		site.ServeHTTP(recorder, httptest.NewRequest(method, path, nil))
		fmt.Fprintf(&golden, "%s\n%d\n", strings.Replace(request, style, "/assets/site.HASH.css", 1), recorder.Code)
		headers := recorder.Header()
		headers.Del("X-Request-Id")
		headers.Del("Content-Length")
		if tag := headers.Get("Etag"); strings.HasPrefix(tag, `W/"`) {
			headers.Set("Etag", `W/"HASH"`) // of the page's words and looks
		}
		for _, name := range slices.Sorted(maps.Keys(headers)) {
			fmt.Fprintf(&golden, "%s: %s\n", name, strings.Join(headers[name], " | "))
		}
		golden.WriteString("\n")
		if method == http.MethodHead && recorder.Body.Len() > 0 {
			t.Error("HEAD has a body")
		}
	}
	file := filepath.Join("testdata", "headers.golden")
	if *update {
		err := os.WriteFile(file, []byte(golden.String()), 0o644)
		if err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if golden.String() != string(want) {
		t.Errorf("headers are not those of %s; they are now:\n%s", file, golden.String())
	}
}

// development is a site that keeps its mails, with one in it, and the address
// of its style.
func development(t *testing.T) (site http.Handler, style string) {
	t.Helper()
	dir := t.TempDir()
	sink, err := mail.NewSink(dir, func() time.Time { return time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC) })
	if err != nil {
		t.Fatal(err)
	}
	err = sink.Send(t.Context(), mail.Message{
		ID: "receipt-1", From: mail.Address{Name: "Harbour", Email: "gifts@harbour.example"},
		To:      mail.Address{Name: "Zoë", Email: "zoe@example.org"},
		Subject: "Receipt REFUGE-2026-000123 <b>",
		Text:    "Dear Zoë,\n\nsee http://127.0.0.1:8080/receipts/REFUGE-2026-000123/dG9rZW4.\n",
		HTML:    "<p>Dear Zoë</p>",
	})
	if err != nil {
		t.Fatal(err)
	}
	c := newCharity()
	c.donation = donated(2)
	site = open(t, c, func(cfg *web.Config) {
		cfg.BaseURL, cfg.CheckoutOrigin = "http://127.0.0.1:8080", "http://127.0.0.1:8081"
		cfg.Development, cfg.MailDir = true, dir
	})
	for _, link := range parse(t, get(t, site, "/").Body.String()).all("link") {
		if attr(link, "rel") == "stylesheet" {
			style = attr(link, "href")
		}
	}
	return site, style
}

func TestOnTLSBrowsersAreToldToStayThere(t *testing.T) {
	t.Parallel()
	headers := get(t, open(t, newCharity()), "/").Header()
	if headers.Get("Strict-Transport-Security") != "max-age=31536000; includeSubDomains" {
		t.Errorf("Strict-Transport-Security is %q", headers.Get("Strict-Transport-Security"))
	}
	if !strings.Contains(headers.Get("Content-Security-Policy"), "form-action 'self' https://checkout.stripe.com;") {
		t.Errorf("Content-Security-Policy is %q", headers.Get("Content-Security-Policy"))
	}
}

func TestMailsOfADevelopmentInstance(t *testing.T) {
	t.Parallel()
	site, _ := development(t)
	p := parse(t, get(t, site, "/dev/mail").Body.String())
	if !p.says("Receipt REFUGE-2026-000123 <b>") || !p.says("21 November 2026, 09:30 UTC") || !slices.Contains(p.links(), "/dev/mail/receipt-1") {
		t.Error(text(p.first("main")))
	}
	p = parse(t, get(t, site, "/dev/mail/receipt-1").Body.String())
	if !p.says("Dear Zoë, see") || !slices.Contains(p.links(), "http://127.0.0.1:8080/receipts/REFUGE-2026-000123/dG9rZW4") {
		t.Error(text(p.first("main")))
	}
	raw := get(t, site, "/dev/mail/receipt-1.eml")
	if raw.Header().Get("Content-Type") != "message/rfc822" || !strings.Contains(raw.Body.String(), "Message-ID: <receipt-1@harbour.example>") {
		t.Error(raw.Body.String())
	}
	for _, id := range []string{"none", "none.eml", "..%2freceipt-1", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "%ff"} {
		if code := get(t, site, "/dev/mail/"+id).Code; code != http.StatusNotFound {
			t.Errorf("%s: %d", id, code)
		}
	}
	empty := open(t, newCharity(), func(cfg *web.Config) {
		cfg.Development, cfg.MailDir = true, filepath.Join(t.TempDir(), "not", "there", "yet")
	})
	if p := parse(t, get(t, empty, "/dev/mail").Body.String()); !p.says("There are none yet.") {
		t.Error(text(p.first("main")))
	}
}

// Without the services nothing here fails to start, and everything says so.
func TestTheSiteStartsAlone(t *testing.T) {
	t.Parallel()
	conn := nobody(t)
	site := site(t, conn)
	for _, path := range []string{"/", "/appeals/river-floods", "/f/amina-runs/donate", thanks} {
		answer := get(t, site, path)
		if p := parse(t, answer.Body.String()); answer.Code != http.StatusServiceUnavailable || len(p.links()) < 3 {
			t.Errorf("%s: %d", path, answer.Code)
		}
	}
	service, err := web.New(web.Config{BaseURL: "http://127.0.0.1:8080", CheckoutOrigin: checkout},
		web.Deps{DB: testkit.SQLite(t, "web", web.Migrations()...), Conn: conn, Mail: keptMails(t), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if service.Ready(t.Context()) != nil {
		t.Error("a site that can say what is wrong is not ready")
	}
}
