package web_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/internal/apperr"
)

// filled is a form as a donor sends it: a choice, and the text field empty.
func filled(change ...string) url.Values {
	form := url.Values{
		"intent": {intentID}, "amount": {"100.00", ""}, "currency": {"USD"}, "frequency": {"once"}, "cover_fees": {"1"},
		"fund": {"SHELTER"}, "name": {"Zoë Müller-O’Neill"}, "email": {"zoe@example.org"},
		"visibility": {"first_name"}, "message": {"For the children.\r\nAll of them."},
	}
	for i := 0; i < len(change); i += 2 {
		form[change[i]] = []string{change[i+1]}
	}
	return form
}

func post(t *testing.T, site http.Handler, path string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	return send(site, path, strings.NewReader(form.Encode()))
}

func send(site http.Handler, path string, body io.Reader) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodPost, path, body)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.RemoteAddr = "203.0.113.9:5123"
	recorder := httptest.NewRecorder()
	site.ServeHTTP(recorder, request)
	return recorder
}

func TestAGiftGoesToStripeWithEverythingTheDonorSaid(t *testing.T) {
	t.Parallel()
	c := newCharity()
	answer := post(t, open(t, c), "/appeals/river-floods/donate?s=poster-7", filled())
	if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != checkout+"/c/pay/"+sessionID {
		t.Fatalf("%d to %q", answer.Code, answer.Header().Get("Location"))
	}
	want := &donationv1.StartCheckoutRequest{
		IntentId: intentID,
		Target:   &donationv1.StartCheckoutRequest_AppealSlug{AppealSlug: "river-floods"},
		Gift:     &moneyv1.Money{Minor: 10_000, Currency: "USD"}, CoverFees: true, FundCode: "SHELTER",
		Name: "Zoë Müller-O’Neill", Email: "zoe@example.org", Visibility: donationv1.Visibility_VISIBILITY_FIRST_NAME,
		Message: "For the children.\r\nAll of them.", ShareCode: "poster-7", ClientAddress: "203.0.113.9", Language: "en",
		Frequency: donationv1.Frequency_FREQUENCY_ONCE,
	}
	if started := c.requests(); len(started) != 1 || !proto.Equal(started[0], want) {
		t.Errorf("asked for %v", started)
	}
}

func TestAGiftThroughASupportersPage(t *testing.T) {
	t.Parallel()
	c := newCharity()
	site := open(t, c)
	p := parse(t, get(t, site, "/f/amina-runs/donate").Body.String())
	if !p.says("Through the page of Amina Yusuf") || attr(p.first("form"), "action") != "/f/amina-runs/donate" {
		t.Error(text(p.first("main")))
	}
	answer := post(t, site, "/f/amina-runs/donate", filled())
	if started := c.requests(); answer.Code != http.StatusSeeOther || started[0].GetFundraiserSlug() != "amina-runs" {
		t.Errorf("%d: %v", answer.Code, started)
	}
}

func TestWhatMayBeLeftOut(t *testing.T) {
	t.Parallel()
	c := newCharity()
	form := url.Values{"intent": {intentID}, "amount": {"25"}, "name": {"Li"}, "email": {"li@example.org"}, "s": {"link-1"}}
	answer := post(t, open(t, c), "/appeals/river-floods/donate", form)
	if answer.Code != http.StatusSeeOther {
		t.Fatalf("%d: %s", answer.Code, answer.Body)
	}
	r := c.requests()[0]
	if r.GetVisibility() != donationv1.Visibility_VISIBILITY_PUBLIC || r.GetFundCode() != "" || r.GetCoverFees() || r.GetShareCode() != "link-1" || r.GetFrequency() != donationv1.Frequency_FREQUENCY_ONCE {
		t.Errorf("asked for %v", r)
	}
}

// Monthly is asked for in so many words, and is kept when something else is wrong.
func TestAGiftEveryMonth(t *testing.T) {
	t.Parallel()
	c := newCharity()
	site := open(t, c)
	fresh := parse(t, get(t, site, "/appeals/river-floods/donate").Body.String())
	if often := fresh.values()["frequency"]; !slices.Equal(often, []string{"once"}) || !fresh.says("charged on this day of every month") {
		t.Errorf("the form starts with %q", often)
	}
	if total := attr(fresh.first("form"), "data-monthly"); total != "Total: {total} every month" {
		t.Errorf("the total is shown as %q", total)
	}
	wrong := filled("frequency", "monthly", "email", "zoe")
	p := parse(t, post(t, site, "/appeals/river-floods/donate", wrong).Body.String())
	p.expectKept(t, "monthly", wrong, "email")
	answer := post(t, site, "/appeals/river-floods/donate", filled("frequency", "monthly"))
	if started := c.requests(); answer.Code != http.StatusSeeOther || started[0].GetFrequency() != donationv1.Frequency_FREQUENCY_MONTHLY {
		t.Errorf("%d: %v", answer.Code, started)
	}
}

func TestTheTypedAmountWinsOverTheChosenOne(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path   string
		sent   []string
		minor  int64
		format string
	}{
		{"river-floods", []string{"25.00", ""}, 2_500, "choice, field left empty"},
		{"river-floods", []string{"25.00", "  "}, 2_500, "blanks are nothing"},
		{"river-floods", []string{"25.00", "12.34"}, 1_234, "typed"},
		{"river-floods", []string{"", "1,234.50"}, 123_450, "grouped"},
		{"river-floods", []string{"$ 50"}, 5_000, "with its sign"},
		{"river-floods", []string{"٢٥٫٥٠"}, 2_550, "Arabic-Indic digits"},
		{"river-floods", []string{"۵۰"}, 5_000, "Persian digits"},
		{"winter", []string{"１０００"}, 1_000, "full-width digits, yen"},
	}
	for _, tt := range tests {
		c := newCharity()
		form := filled("fund", "", "currency", "")
		form["amount"] = tt.sent
		answer := post(t, open(t, c), "/appeals/"+tt.path+"/donate", form)
		if answer.Code != http.StatusSeeOther {
			t.Errorf("%s: %q is answered %d", tt.format, tt.sent, answer.Code)
			continue
		}
		if minor := c.requests()[0].GetGift().GetMinor(); minor != tt.minor {
			t.Errorf("%s: %q is %d, want %d", tt.format, tt.sent, minor, tt.minor)
		}
	}
}

// What is wrong is said at the top and beside the field, and nothing typed is
// lost; Stripe is never asked.
func TestBadInputIsExplained(t *testing.T) {
	t.Parallel()
	tests := []struct {
		appeal, field, sent string
		says                string
	}{
		{"river-floods", "amount", "", "Choose an amount, or enter your own."},
		{"river-floods", "amount", "0", "Enter an amount above zero. The smallest gift is $2.00."},
		{"river-floods", "amount", "-50", "Enter an amount above zero. The smallest gift is $2.00."},
		{"river-floods", "amount", "1.99", "The smallest gift is $2.00."},
		{"river-floods", "amount", "1000000", "The largest gift that can be made here is $999,999.99."},
		{"river-floods", "amount", strings.Repeat("9", 400), "The largest gift that can be made here is $999,999.99."},
		{"river-floods", "amount", "fifty", "Enter the amount in digits, like 2.00."},
		{"river-floods", "amount", "1e3", "Enter the amount in digits, like 2.00."},
		{"river-floods", "amount", "10.555", "This amount can be read in two ways. Enter it without grouping, like 1000."},
		{"river-floods", "amount", "10.5555", "Enter at most two decimals, like 2.00."},
		{"river-floods", "amount", "€50", "Gifts here are taken in USD. Enter the amount without another currency’s sign."},
		{"winter", "amount", "10.5", "Amounts in JPY have no decimals. Enter a whole amount, like 500."},
		{"winter", "amount", "499", "The smallest gift is ¥500."},
		{"river-floods", "currency", "EUR", "Gifts here are taken in USD. The form now says so; check the amount."},
		{"river-floods", "frequency", "weekly", "Choose whether to give once or every month."},
		{"river-floods", "cover_fees", "maybe", "Choose whether to add the payment fee."},
		{"river-floods", "fund", "YACHTS", "Choose one of the purposes that are offered."},
		{"winter", "fund", "YACHTS", "Choose one of the purposes that are offered."},
		{"river-floods", "name", "   ", "Enter your name. It is written on the receipt."},
		{"river-floods", "email", "", "Enter your e-mail address. The receipt goes there."},
		{"river-floods", "email", "zoe", "Enter an e-mail address like name@example.org."},
		{"river-floods", "email", "zoe@localhost", "Enter an e-mail address like name@example.org."},
		{"river-floods", "email", "Zoe <zoe@example.org>", "Enter an e-mail address like name@example.org."},
		{"river-floods", "email", "a@example.org,b@example.org", "Enter an e-mail address like name@example.org."},
		{"river-floods", "visibility", "secret", "Choose what others may see."},
		{"river-floods", "message", strings.Repeat("🕊", 5_000), "Write a message of at most 500 characters."},
	}
	for _, tt := range tests {
		name := tt.field + " " + tt.sent[:min(len(tt.sent), 24)]
		c := newCharity()
		form := filled(tt.field, tt.sent)
		if tt.appeal == "winter" && tt.field != "amount" {
			form.Set("amount", "3000")
		}
		if tt.appeal == "winter" {
			form.Set("currency", "JPY")
			if tt.field != "fund" {
				form.Set("fund", "GENERAL")
			}
		}
		answer := post(t, open(t, c), "/appeals/"+tt.appeal+"/donate", form)
		p := parse(t, answer.Body.String())
		if answer.Code != http.StatusUnprocessableEntity || !strings.HasPrefix(p.title(), "Error: ") {
			t.Errorf("%s: %d %q", name, answer.Code, p.title())
		}
		if len(c.requests()) != 0 {
			t.Errorf("%s: Stripe was asked", name)
		}
		p.expectError(t, name, tt.says)
		p.expectKept(t, name, form, tt.field)
	}
}

// expectError wants the message as a link in the summary, which has the focus,
// and once more at the field that the link leads to.
func (p page) expectError(t *testing.T, name, message string) {
	t.Helper()
	summary := p.ids["errors"]
	if summary == nil || attr(summary, "role") != "alert" || !has(summary, "autofocus") || attr(summary, "tabindex") != "-1" {
		t.Fatalf("%s: the summary cannot take the focus", name)
	}
	if strings.Count(text(p.first("main")), message) < 2 {
		t.Errorf("%s: %q does not stand in the summary and at the field: %s", name, message, text(summary))
	}
	for _, link := range p.all("a") {
		if text(link) == message {
			return
		}
	}
	t.Errorf("%s: no link to the field", name)
}

// expectKept wants every value that was sent back in the form, except where the
// form offers no such thing.
func (p page) expectKept(t *testing.T, name string, sent url.Values, wrong string) {
	t.Helper()
	values := p.values()
	for field, want := range sent {
		if field == wrong && slices.Contains([]string{"currency", "frequency", "cover_fees", "fund", "visibility"}, field) {
			continue
		}
		if field == "fund" && values["fund"] == nil {
			continue // only one: nothing to choose
		}
		got := strings.TrimSpace(strings.Join(values[field], ""))
		if got != strings.TrimSpace(strings.ReplaceAll(strings.Join(want, ""), "\r\n", "\n")) {
			t.Errorf("%s: %s is %.60q after it was sent as %.60q", name, field, got, want)
		}
	}
}

func TestAllErrorsAreSaidAtOnceInTheOrderOfThePage(t *testing.T) {
	t.Parallel()
	form := url.Values{"intent": {intentID}, "email": {"x"}, "visibility": {"?"}, "frequency": {"weekly"}}
	p := parse(t, post(t, open(t, newCharity()), "/appeals/river-floods/donate", form).Body.String())
	var anchors []string
	for n := range p.ids["errors"].Descendants() {
		if n.Data == "a" {
			anchors = append(anchors, attr(n, "href"))
		}
	}
	if !slices.Equal(anchors, []string{"#frequency", "#amount", "#name", "#email", "#visibility"}) {
		t.Errorf("the summary leads to %v", anchors)
	}
	for _, id := range []string{"amount", "name", "email"} {
		field := p.ids[id]
		if attr(field, "aria-invalid") != "true" || !strings.Contains(attr(field, "aria-describedby"), id+"-error") {
			t.Errorf("the field %s does not say that it is wrong", id)
		}
	}
}

func TestTheDonationServiceHasTheLastWord(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.fail("StartCheckout", apperr.Invalid(
		apperr.Field{Name: "message", Reason: "MESSAGE_LONG", Message: "Write a message of at most 500 characters."},
		apperr.Field{Name: "currency", Reason: "CURRENCY_DIFFERS", Message: "Gifts to this appeal are taken in USD."},
	))
	form := filled("message", strings.Repeat("a", 501))
	answer := post(t, open(t, c), "/appeals/river-floods/donate", form)
	p := parse(t, answer.Body.String())
	if answer.Code != http.StatusUnprocessableEntity {
		t.Errorf("%d", answer.Code)
	}
	p.expectError(t, "message", "Write a message of at most 500 characters.")
	p.expectError(t, "currency", "Gifts to this appeal are taken in USD.")
	p.expectKept(t, "message", form, "")
}

func TestWhatIsTypedStaysText(t *testing.T) {
	t.Parallel()
	for _, nasty := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</textarea><script>alert(1)</script>`,
		"\u202Egnp.exe\u202C", "{{.Form}}", "a\x00b", "\xff\xfe",
	} {
		c := newCharity()
		site := open(t, c)
		answer := post(t, site, "/appeals/river-floods/donate", filled("name", nasty, "message", nasty, "amount", ""))
		parse(t, answer.Body.String()) // checks that no element came of it
		if answer.Code != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", nasty, answer.Code)
		}
		// Sent with an amount it is a name like any other; the receipt's text
		// is the donation service's to clean.
		answer = post(t, site, "/appeals/river-floods/donate", filled("name", nasty, "message", nasty))
		if answer.Code != http.StatusSeeOther {
			t.Errorf("%q: %d", nasty, answer.Code)
		}
	}
}

func TestAFreshFormHasAnIntentOfItsOwnAndNoFee(t *testing.T) {
	t.Parallel()
	site := open(t, newCharity())
	first := parse(t, get(t, site, "/appeals/river-floods/donate?s=a_b-1").Body.String())
	second := parse(t, get(t, site, "/appeals/river-floods/donate").Body.String())
	values := first.values()
	if len(values["intent"][0]) != 36 || values["intent"][0] == second.values()["intent"][0] {
		t.Errorf("intents are %v and %v", values["intent"], second.values()["intent"])
	}
	if values["cover_fees"] != nil {
		t.Error("the fee is ticked for the donor")
	}
	if !slices.Equal(values["amount"], []string{"50.00", ""}) || values["visibility"][0] != "public" || values["fund"][0] != "GENERAL" {
		t.Errorf("the form starts with %v", values)
	}
	if attr(first.first("form"), "action") != "/appeals/river-floods/donate?s=a_b-1" {
		t.Errorf("the form goes to %q", attr(first.first("form"), "action"))
	}
	if !first.says("The fee is estimated at 2.9% and $0.30 of what you pay. It adds $1.06 to $25.00, $1.80 to $50.00, $3.30 to $100.00, $7.78 to $250.00.") {
		t.Error("without script nobody can know what the fee adds")
	}
	mangled := parse(t, get(t, site, "/appeals/river-floods/donate?s=%22%3E%3Cscript%3E").Body.String())
	if attr(mangled.first("form"), "action") != "/appeals/river-floods/donate" {
		t.Error("a mangled share code is kept")
	}
	if size := get(t, site, "/appeals/river-floods/donate").Body.Len(); size > 15_000 {
		t.Errorf("the form has %d bytes, the budget is 15,000", size)
	}
}

func TestAFormWithoutItsNumberIsSentOnceMore(t *testing.T) {
	t.Parallel()
	for _, intent := range []string{"", "1", "urn:uuid:" + intentID, strings.Repeat("x", 36)} {
		c := newCharity()
		form := filled("intent", intent)
		answer := post(t, open(t, c), "/appeals/river-floods/donate", form)
		p := parse(t, answer.Body.String())
		form.Del("intent")
		p.expectKept(t, "intent", form, "")
		if answer.Code != 422 || !p.says("Please send the form once more") || len(p.values()["intent"][0]) != 36 || len(c.requests()) > 0 {
			t.Errorf("intent %q: %d", intent, answer.Code)
		}
	}
}

func TestAPaidIntentLeadsToItsThanks(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.paid = true
	answer := post(t, open(t, c), "/appeals/river-floods/donate", filled("amount", "7"))
	if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/donations/"+donationID+"/thanks?session_id="+sessionID {
		t.Errorf("%d to %s", answer.Code, answer.Header().Get("Location"))
	}
}

// Whatever keeps a gift from being started, what was typed is not lost.
func TestNothingTypedIsLost(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method string
		err    error
		status int
		says   string
	}{
		{"StartCheckout", unreachable, 503, "The payment page cannot be reached right now"},
		{"StartCheckout", apperr.New(apperr.DeadlineExceeded, "SLOW", ""), 503, "The payment page cannot be reached right now"},
		{"StartCheckout", apperr.New(apperr.ResourceExhausted, "MANY", ""), 429, "Too many attempts"},
		{"StartCheckout", apperr.New(apperr.Aborted, "BUSY", ""), 409, "The form was sent twice"},
		{"StartCheckout", apperr.New(apperr.InvalidArgument, "ODD", "The fund has been closed."), 422, "The fund has been closed."},
		{"StartCheckout", apperr.New(apperr.Internal, "BROKEN", ""), 500, "Something went wrong on our side"},
		{"GetAppeal", unreachable, 503, "Everything you entered is kept in this page."},
	}
	for _, tt := range tests {
		c := newCharity()
		site := open(t, c)
		c.fail(tt.method, tt.err)
		form := filled()
		answer := post(t, site, "/appeals/river-floods/donate?s=poster-7", form)
		p := parse(t, answer.Body.String())
		if answer.Code != tt.status || !p.says(tt.says) || !strings.HasPrefix(p.title(), "Error: ") {
			t.Errorf("%s %v: %d %s", tt.method, tt.err, answer.Code, text(p.first("main")))
		}
		p.expectKept(t, tt.method, form, "")

		// The page that kept it sends it again as it was.
		c.fail(tt.method, nil)
		answer = post(t, site, attr(p.first("form"), "action"), p.values())
		if answer.Code != http.StatusSeeOther || c.requests()[0].GetIntentId() != intentID || c.requests()[0].GetShareCode() != "poster-7" {
			t.Errorf("%s: sent again it is answered %d", tt.method, answer.Code)
		}
	}
}

func TestGoneAndUnknownAppealsTakeNoForm(t *testing.T) {
	t.Parallel()
	c := newCharity()
	site := open(t, c)
	for path, status := range map[string]int{
		"/appeals/last-year/donate": 410,
		"/appeals/none/donate":      404,
		"/f/none/donate":            404,
		"/appeals/%ff/donate":       404,
		"/appeals/river-floods":     405,
		"/nothing":                  404,
	} {
		answer := post(t, site, path, filled())
		parse(t, answer.Body.String())
		if answer.Code != status {
			t.Errorf("%s: %d, want %d", path, answer.Code, status)
		}
	}
	// Closed between drawing the form and sending it.
	c.fail("StartCheckout", apperr.New(apperr.Gone, "APPEAL_CLOSED", ""))
	if code := post(t, site, "/appeals/river-floods/donate", filled()).Code; code != 410 {
		t.Errorf("closed in the meantime: %d", code)
	}
}

func TestTooMuchAndTooDamagedToRead(t *testing.T) {
	t.Parallel()
	c := newCharity()
	site := open(t, c)
	ten := strings.Repeat("a", 10<<20)
	tests := []struct {
		name   string
		body   io.Reader
		status int
	}{
		{"10 MB that say so", strings.NewReader("message=" + ten), 413},
		{"10 MB that do not", io.MultiReader(strings.NewReader("message="), strings.NewReader(ten)), 413},
		{"one byte too many", bytes.NewReader(make([]byte, 64<<10+1)), 413},
		{"damaged", strings.NewReader("amount=%zz&name=Zoe"), 400},
		{"nothing", strings.NewReader(""), 422},
	}
	for _, tt := range tests {
		answer := send(site, "/appeals/river-floods/donate", tt.body)
		parse(t, answer.Body.String())
		if answer.Code != tt.status {
			t.Errorf("%s: %d, want %d", tt.name, answer.Code, tt.status)
		}
	}
	if len(c.requests()) > 0 {
		t.Error("a gift was started")
	}
}

// Over a real connection the sender must see the answer, not a reset.
func TestTenMegabytesAreAnsweredOverTheWire(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(open(t, newCharity()))
	defer server.Close()
	answer, err := server.Client().Post(server.URL+"/appeals/river-floods/donate", "application/x-www-form-urlencoded",
		strings.NewReader("message="+strings.Repeat("a", 10<<20)))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(string(body), "That was too much at once") {
		t.Errorf("%d %v", answer.StatusCode, err)
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	c := newCharity()
	site := open(t, c)
	for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		request := httptest.NewRequest(http.MethodPost, "/appeals/river-floods/donate", strings.NewReader(filled().Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set(header, value)
		answer := httptest.NewRecorder()
		site.ServeHTTP(answer, request)
		if p := parse(t, answer.Body.String()); answer.Code != http.StatusForbidden || !p.says("This was not sent from our site") {
			t.Errorf("%s: %s is answered %d", header, value, answer.Code)
		}
	}
	if len(c.requests()) > 0 {
		t.Error("a gift was started")
	}
	// Behind a proxy that changes the Host, our own pages still may.
	request := httptest.NewRequest(http.MethodPost, "/appeals/river-floods/donate", strings.NewReader(filled().Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", "https://give.harbour.example")
	request.Host = "web.internal:8080"
	answer := httptest.NewRecorder()
	site.ServeHTTP(answer, request)
	if answer.Code != http.StatusSeeOther {
		t.Errorf("our own form is answered %d", answer.Code)
	}
}
