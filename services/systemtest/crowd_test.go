package systemtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// crowd are donors who give one gift after the other, whatever happens to the
// services meanwhile. A donor whose page does not come tries the same again, as
// people do.
type crowd struct {
	site   string
	client *http.Client
	// paid gifts, as Stripe told the donors.
	paid atomic.Int64
	// sorry are pages that said that it does not work now, and to try again;
	// broken are requests that got no answer at all.
	sorry, broken atomic.Int64

	mu sync.Mutex
	// wrong is what a donor must never see.
	wrong []string
	stop  context.CancelFunc
	gone  sync.WaitGroup
}

// retryPause is how long a donor waits before trying again. It is a donor's
// behaviour and waits for nothing.
const retryPause = 100 * time.Millisecond

// gather has so many donors begin. fronts are the addresses at which the site is
// served: who does not get through at the first is sent to the next, as a load
// balancer does it.
func gather(t *testing.T, site string, donors int, fronts ...string) *crowd {
	t.Helper()
	host := strings.TrimPrefix(site, "http://")
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, network, addr)
		for _, front := range fronts {
			if err == nil || addr != host {
				break
			}
			conn, err = dialer.DialContext(ctx, network, strings.TrimPrefix(front, "http://"))
		}
		return conn, err
	}
	ctx, stop := context.WithCancel(t.Context())
	c := &crowd{site: site, stop: stop, client: &http.Client{
		// Each request is somebody's first: none rides on a connection that worked.
		Transport:     &http.Transport{DialContext: dial, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       time.Minute,
	}}
	for n := range donors {
		c.gone.Go(func() {
			for gift := 0; ctx.Err() == nil; gift++ {
				// Who has begun finishes: the context ends only the going on.
				c.give(t, fmt.Sprintf("crowd-%d-%d", n, gift))
			}
		})
	}
	t.Cleanup(c.leave)
	return c
}

// leave lets the donors finish what they began, and waits for them.
func (c *crowd) leave() {
	c.stop()
	c.gone.Wait()
}

// more waits until so many gifts more are paid.
func (c *crowd) more(t *testing.T, gifts int64) {
	t.Helper()
	from := c.paid.Load()
	eventually(t, fmt.Sprintf("donors get %d gifts through", gifts), func() bool { return c.paid.Load() >= from+gifts || c.isWrong() })
	c.mustBeRight(t)
}

func (c *crowd) isWrong() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.wrong) > 0
}

func (c *crowd) mustBeRight(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, what := range c.wrong {
		t.Error(what)
	}
	if len(c.wrong) > 0 {
		t.FailNow()
	}
}

var crowdAppeal = regexp.MustCompile(`href="(/appeals/[a-z0-9-]+)"`)

// give is one gift from the front page to the thanks.
func (c *crowd) give(t *testing.T, name string) {
	home, ok := c.get(t, c.site+"/")
	if !ok {
		return
	}
	link := crowdAppeal.FindStringSubmatch(home)
	if link == nil {
		c.see("the front page links no appeal")
		return
	}
	address := c.site + link[1] + "/donate"
	form, ok := c.get(t, address)
	if !ok {
		return
	}
	intent := hiddenIntent.FindStringSubmatch(form)
	currency := regexp.MustCompile(`name="currency"[^>]*value="([A-Z]{3})"`).FindStringSubmatch(form)
	if intent == nil || currency == nil {
		c.see("the donate form lacks its hidden fields")
		return
	}
	checkout, ok := c.post(t, address, url.Values{
		"intent": {intent[1]}, "currency": {currency[1]}, "amount": {"25"}, "frequency": {"once"},
		"name": {"Leila Haddad"}, "email": {name + "@example.org"}, "visibility": {"anonymous"},
	})
	if !ok {
		return
	}
	thanks, ok := c.post(t, checkout, url.Values{
		"card_number": {"4242424242424242"}, "exp": {"12/34"}, "cvc": {"123"}, "name": {"Leila Haddad"},
		"email": {name + "@example.org"}, "country": {"US"}, "postal_code": {"10001"},
	})
	if !ok {
		return
	}
	c.paid.Add(1)
	page, ok := c.get(t, thanks)
	// Just after a crash the payment may still have to be looked for; the page says
	// so, and asks again by itself.
	if ok && !strings.Contains(page, "Thank you") && !strings.Contains(page, "We are confirming your payment") {
		c.see(fmt.Sprintf("whoever paid is shown: %.2000s", page))
	}
}

// get opens a page, again and again until it is there.
func (c *crowd) get(t *testing.T, address string) (body string, ok bool) {
	answer, body, ok := c.insist(t, http.MethodGet, address, nil)
	if ok && answer.StatusCode != http.StatusOK {
		c.see(fmt.Sprintf("GET %s answers %d", address, answer.StatusCode))
		return "", false
	}
	return body, ok
}

// post sends a form until it is taken, and returns where that leads.
func (c *crowd) post(t *testing.T, address string, fields url.Values) (location string, ok bool) {
	answer, body, ok := c.insist(t, http.MethodPost, address, fields)
	if !ok {
		return "", false
	}
	next, err := answer.Location()
	if err != nil || answer.StatusCode != http.StatusSeeOther {
		c.see(fmt.Sprintf("POST %s answers %d: %.300s", address, answer.StatusCode, body))
		return "", false
	}
	return next.String(), true
}

// insist repeats a request that was not answered, or with "try again".
func (c *crowd) insist(t *testing.T, method, address string, fields url.Values) (*http.Response, string, bool) {
	limit := time.Now().Add(patience)
	for time.Now().Before(limit) {
		answer, body, err := c.ask(t, method, address, fields)
		switch {
		case t.Context().Err() != nil:
			return nil, "", false
		case err != nil:
			c.broken.Add(1)
		case answer.StatusCode == http.StatusServiceUnavailable:
			c.sorry.Add(1)
			// Programs and people are both told to come again.
			if answer.Header.Get("Retry-After") == "" || !strings.Contains(body, "again") {
				c.see(fmt.Sprintf("%s %s answers 503 and does not say to try again: %.2000s", method, address, body))
				return nil, "", false
			}
		default:
			return answer, body, true
		}
		pause := time.NewTimer(retryPause)
		select {
		case <-pause.C:
		case <-t.Context().Done():
			pause.Stop()
			return nil, "", false
		}
	}
	c.see(fmt.Sprintf("%s %s got no answer for %s", method, address, patience))
	return nil, "", false
}

func (c *crowd) ask(t *testing.T, method, address string, fields url.Values) (*http.Response, string, error) {
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(fields.Encode()))
	if err != nil {
		return nil, "", err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := c.client.Do(req)
	if err != nil {
		return nil, "", err
	}
	body, err := io.ReadAll(answer.Body)
	return answer, string(body), errors.Join(err, answer.Body.Close())
}

func (c *crowd) see(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, what)
}
