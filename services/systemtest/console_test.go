package systemtest

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger"
)

// desk is a browser at the console, signed in by a mailed link.
type desk struct {
	t      *testing.T
	base   string
	client *http.Client
}

func signIn(t *testing.T, site, address string) *desk {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, base: site, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
	status, location, _ := d.send("/sign-in", url.Values{"email": {address}, "next": {"/finance/"}})
	if status != http.StatusSeeOther {
		t.Fatalf("asking for a link answers %d %s", status, location)
	}
	var link string
	eventually(t, "the mail with the link is there", func() bool {
		_, _, list := d.get("/dev/mail")
		for _, mail := range regexp.MustCompile(`/dev/mail/[^"]+`).FindAllString(list, -1) {
			_, _, body := d.get(mail)
			link = regexp.MustCompile(`/sign-in/[A-Za-z0-9_-]{20,}`).FindString(body)
			if link != "" {
				return true
			}
		}
		return false
	})
	status, _, _ = d.send(link, nil)
	if status != http.StatusSeeOther {
		t.Fatalf("redeeming the link answers %d", status)
	}
	return d
}

func (d *desk) get(path string) (status int, location, body string) {
	d.t.Helper()
	return d.do(http.MethodGet, path, "")
}

func (d *desk) send(path string, fields url.Values) (status int, location, body string) {
	d.t.Helper()
	return d.do(http.MethodPost, path, fields.Encode())
}

func (d *desk) do(method, path, body string) (status int, location, answer string) {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), method, d.base+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header.Set("Origin", d.base)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := d.client.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Location"), string(read)
}

// page opens what must be there.
func (d *desk) page(path string) string {
	d.t.Helper()
	status, _, body := d.get(path)
	if status != http.StatusOK {
		d.t.Fatalf("%s answers %d", path, status)
	}
	return body
}

var consoleLink = regexp.MustCompile(`href="(/finance/[^"#]*)`)

// Gifts of donors become numbers on the console, the same that the audit compares;
// each leads down to the object at Stripe and back up from any id, and everything
// that is linked is there.
func financeFollowsANumberDownToStripeAndBack(t *testing.T, s system) {
	o := operator(t, s.config())
	given := give(t, o)
	d := signIn(t, s.site(), "finance@example.org")

	// Others give and take back at the same time, so it agrees between two facts.
	overview := ""
	eventually(t, "the overview says that all sums agree", func() bool {
		overview = d.page("/finance/")
		return strings.Contains(overview, "All sums agree.")
	})
	for _, row := range given.Audit.Rows {
		income := money.Format(money.Amount{Minor: row.Total.Ledger, Currency: money.MustCurrency(row.Currency)}, "en")
		if !strings.Contains(overview, ">"+income+"</a>") {
			t.Errorf("%s of gifts in %s are not on the overview", income, row.Currency)
		}
	}

	entry := regexp.MustCompile(`/finance/entries/\d+`).FindString(d.page("/finance/journal?rule=gift"))
	gift := regexp.MustCompile(`/finance/gifts/[0-9a-f-]{36}`).FindString(d.page(entry))
	shown := d.page(gift)
	stripe := regexp.MustCompile(regexp.QuoteMeta(o.SimulatorURL()) + `/_sim#(ch_\w+)`).FindStringSubmatch(shown)
	if stripe == nil || !strings.Contains(shown, "@example.org") {
		t.Fatalf("the gift leads to no charge, or does not say who gave:\n%s", shown)
	}
	_, simulator := fetch(t, o.SimulatorURL()+"/_sim")
	if !strings.Contains(string(simulator), `id="`+stripe[1]+`"`) {
		t.Errorf("the simulator does not show %s where the link leads", stripe[1])
	}
	ids := regexp.MustCompile(`\b(pi_\w+|ch_\w+|txn_\w+|[A-Z]+-\d{4}-\d{6})\b`).FindAllString(shown, -1)
	for _, id := range append(ids, strings.TrimPrefix(gift, "/finance/gifts/")) {
		status, location, _ := d.get("/finance/search?q=" + url.QueryEscape(id))
		if status != http.StatusSeeOther || location != gift {
			t.Errorf("%s leads to %q (%d), not back to the gift", id, location, status)
		}
	}

	everyRuleHasItsName(t, d)

	seen := map[string]bool{}
	queue := []string{"/finance/", entry, gift}
	for len(queue) > 0 && len(seen) < 120 {
		path := strings.ReplaceAll(queue[0], "&amp;", "&")
		queue = queue[1:]
		if seen[path] || strings.Contains(path, "lang=") {
			continue
		}
		seen[path] = true
		for _, link := range consoleLink.FindAllStringSubmatch(d.page(path), -1) {
			queue = append(queue, link[1])
		}
	}
	status, _, walked := d.send("/finance/audit", nil)
	if status != http.StatusOK || !strings.Contains(walked, "The chains are sound") {
		t.Errorf("verifying the chains answers %d", status)
	}
	if strings.Contains(s.log(t), "@example.org") {
		t.Error("the log has somebody's address")
	}
}

// The console is a service of its own and names the ledger's rules itself: in each
// language the journal can be filtered by every one of them, in words.
func everyRuleHasItsName(t *testing.T, d *desk) {
	t.Helper()
	ruleOption := regexp.MustCompile(`<option value="([a-z_]+)"[^>]*>([^<]*)</option>`)
	// The browser keeps the last one, in which the story goes on.
	for _, language := range []string{"fr", "es", "ar", "en"} {
		field := regexp.MustCompile(`(?s)<select[^>]* name="rule".*?</select>`).FindString(d.page("/finance/journal?lang=" + language))
		named := map[string]string{}
		for _, option := range ruleOption.FindAllStringSubmatch(field, -1) {
			named[option[1]] = option[2]
		}
		for _, rule := range ledger.Rules() {
			words := strings.TrimSuffix(named[rule], "("+rule+")")
			if strings.TrimSpace(words) == "" || words == named[rule] || strings.Contains(words, "console.") {
				t.Errorf("in %q the ledger's rule %s is called %q", language, rule, named[rule])
			}
			delete(named, rule)
		}
		for rule := range named {
			t.Errorf("in %q %s is offered, by which nothing is booked", language, rule)
		}
	}
}
