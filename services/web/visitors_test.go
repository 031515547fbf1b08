package web_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/internal/testkit"
)

// cookie is that of a browser in which somebody has just signed in.
func (p *premises) cookie(who string) *http.Cookie {
	p.t.Helper()
	w := httptest.NewRecorder()
	p.sessions.Load(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		err := p.sessions.SignIn(r.Context(), addresses()[who], p.accounts[who])
		if err != nil {
			p.t.Error(err)
		}
	})).ServeHTTP(w, httptest.NewRequestWithContext(p.t.Context(), http.MethodGet, "/", nil))
	for _, c := range w.Result().Cookies() {
		if c.Name == p.sessions.CookieName() {
			return c
		}
	}
	p.t.Fatalf("%s is not signed in", who)
	return nil
}

// reply is what was answered, read to its end unless it has none.
type reply struct {
	status int
	header http.Header
	body   string
}

// send asks as somebody who is signed in, whatever was sent before. The path is sent
// as it is.
func (p *premises) send(who, method, path string, body io.Reader, header ...string) reply {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 2*time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, p.address, body)
	if err != nil {
		p.t.Fatal(err)
	}
	request.URL.Opaque = path
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			request.Host = header[i+1]
		}
	}
	if who != anonymous {
		if p.cookies[who] == nil {
			p.cookies[who] = p.cookie(who)
		}
		request.AddCookie(p.cookies[who])
	}
	answer, err := p.client.Do(request)
	if err != nil {
		p.t.Fatalf("%s %.200s: %v", method, path, err)
	}
	defer answer.Body.Close()
	if method == http.MethodPost && answer.StatusCode == http.StatusSeeOther {
		// It may have signed somebody out, here or everywhere.
		clear(p.cookies)
	}
	got := reply{status: answer.StatusCode, header: answer.Header}
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		content, err := io.ReadAll(answer.Body)
		if err != nil {
			p.t.Fatalf("%s %.200s: %v", method, path, err)
		}
		got.body = string(content)
	}
	return got
}

func (p *premises) get(who, path string) reply {
	p.t.Helper()
	return p.send(who, http.MethodGet, path, nil)
}

func (p *premises) post(who, path string, form url.Values) reply {
	p.t.Helper()
	return p.send(who, http.MethodPost, path, strings.NewReader(form.Encode()))
}

// gifted names a gift that was paid.
type gifted struct{ id, session string }

// give pays through a supporter's page, and waits for the receipt.
func (p *premises) give(slug string) (gift gifted, number, token, code string) {
	p.t.Helper()
	back := p.pay(slug, "once")
	gift = gifted{id: strings.Split(back.Path, "/")[2], session: back.Query().Get("session_id")}
	var found []string
	testkit.Eventually(p.t, func() bool {
		_, texts := p.letters()
		found = receiptLink.FindStringSubmatch(texts)
		return found != nil
	})
	number, token = found[1], found[2]
	check := checkLink.FindStringSubmatch(p.get(anonymous, "/receipts/"+number+"/"+token).body)
	if check != nil {
		code = check[1]
	}
	return gift, number, token, code
}

// giveMonthly begins a monthly gift through a supporter's page, and waits for the
// mail with its link.
func (p *premises) giveMonthly(slug string) (id, token string) {
	p.t.Helper()
	p.pay(slug, "monthly")
	var found []string
	testkit.Eventually(p.t, func() bool {
		_, texts := p.letters()
		found = planLink.FindStringSubmatch(texts)
		return found != nil
	})
	return found[1], found[2]
}

// pay sends the form and pays at Stripe; back is where Stripe sends the donor.
func (p *premises) pay(slug, frequency string) (back *url.URL) {
	p.t.Helper()
	path := "/f/" + slug + "/donate"
	form := url.Values{
		"intent": {uuid.NewString()}, "amount": {"50"}, "currency": {"EUR"}, "name": {donorName}, "email": {donorMail}, "visibility": {"public"},
		"frequency": {frequency},
	}
	started := p.post(anonymous, path, form)
	if started.status != http.StatusSeeOther {
		p.t.Fatalf("the form answered %d: %.500s", started.status, started.body)
	}
	paid, err := p.client.PostForm(started.header.Get("Location"), url.Values{
		"card_number": {"4242424242424242"}, "exp": {"12/34"}, "cvc": {"123"}, "name": {donorName}, "email": {donorMail}, "country": {"DE"}, "postal_code": {"20457"},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	paid.Body.Close()
	back, err = url.Parse(paid.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(back.String(), premisesURL+"/donations/") {
		p.t.Fatalf("Stripe sends the donor to %q", back)
	}
	return back
}
