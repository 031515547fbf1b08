package web_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/texts"
)

const (
	planID      = "3d6f4c1e-1c3a-4b52-8a3e-92f5c8f0a7d1"
	planToken   = "aGFuZHMtb2Zm_dG9rZW4-1"
	planAddress = "/plans/" + planID + "/" + planToken
	requestID1  = "0b8f0f6e-54c2-4f1f-9c3e-7a3a1a9d2e11"
)

func at(year int, month time.Month, day int) int64 {
	return time.Date(year, month, day, 9, 30, 0, 0, time.UTC).UnixMicro()
}

// monthlyPlan has been charged twice; of the first instalment a part went back.
func monthlyPlan() *donationv1.GetPlanResponse {
	instalment := func(id string, on int64, back int64) *donationv1.Donation {
		d := donated(donationv1.State_STATE_SUCCEEDED)
		d.DonationId, d.PaidAt, d.Returned, d.RecurringPlanId = id, on, usd(back), planID
		return d
	}
	return &donationv1.GetPlanResponse{
		Plan: &donationv1.Plan{
			PlanId: planID, SubscriptionId: "sub_1", Status: "active", Gift: usd(10_000), Cover: usd(330), OrganizationId: "o1",
			AppealId: "a1", AppealSlug: "river-floods", ProductName: "Families fleeing the river floods",
			NextAt: at(2026, 12, 21), StartedAt: at(2026, 10, 21), Instalments: 2,
		},
		Instalments: []*donationv1.Donation{
			instalment("d2", at(2026, 11, 21), 0), instalment(donationID, at(2026, 10, 21), 3_000),
		},
		Minimum: usd(200),
	}
}

func (c *charity) GetPlan(_ context.Context, r *donationv1.GetPlanRequest) (*donationv1.GetPlanResponse, error) {
	leave, err := c.enter("GetPlan")
	defer leave()
	if err != nil {
		return nil, err
	}
	if r.GetPlanId() != planID || r.GetToken() != planToken {
		return nil, noSuch
	}
	return c.plan, nil
}

func (c *charity) ChangePlan(_ context.Context, r *donationv1.ChangePlanRequest) (*donationv1.ChangePlanResponse, error) {
	leave, err := c.enter("ChangePlan")
	defer leave()
	if err != nil {
		return nil, err
	}
	c.changes = append(c.changes, r)
	return &donationv1.ChangePlanResponse{Plan: c.plan.GetPlan()}, nil
}

func (c *charity) OpenPlanPortal(context.Context, *donationv1.OpenPlanPortalRequest) (*donationv1.OpenPlanPortalResponse, error) {
	leave, err := c.enter("OpenPlanPortal")
	defer leave()
	return &donationv1.OpenPlanPortalResponse{Url: checkout + "/p/session/bps_1"}, err
}

func (c *charity) SendPlanLinks(_ context.Context, r *donationv1.SendPlanLinksRequest) (*donationv1.SendPlanLinksResponse, error) {
	leave, err := c.enter("SendPlanLinks")
	defer leave()
	if err == nil {
		c.linked = append(c.linked, r)
	}
	return &donationv1.SendPlanLinksResponse{}, err
}

// forms are what a page's forms would send, by where they are sent.
func (p page) forms() map[string]url.Values {
	sent := map[string]url.Values{}
	for _, form := range p.all("form") {
		values := url.Values{}
		for n := range form.Descendants() {
			if n.Data == "input" && (attr(n, "type") != "checkbox" || has(n, "checked")) {
				values.Add(attr(n, "name"), attr(n, "value"))
			}
		}
		sent[attr(form, "action")] = values
	}
	return sent
}

func TestADonorSeesTheMonthlyGift(t *testing.T) {
	t.Parallel()
	p := parse(t, get(t, open(t, newCharity()), planAddress).Body.String())
	for _, words := range []string{
		"Your monthly gift", "$103.30 every month", "It is $100.00 and $3.30 for the payment fee.", "Active",
		"The next charge is on 21 December 2026.", "Begun on21 October 2026", "Payments so far2",
		"21 November 2026$103.30", "$30.00 of it has gone back to you", "REFUGE-2026-000123",
		"Whoever has this page’s address can change the gift",
	} {
		if !p.says(words) {
			t.Errorf("does not say %q: %s", words, text(p.first("main")))
		}
	}
	for _, link := range []string{"/appeals/river-floods", planAddress + "/end", "/receipts/REFUGE-2026-000123/dG9rZW4"} {
		if !slices.Contains(p.links(), link) {
			t.Errorf("no link to %s: %v", link, p.links())
		}
	}
	forms := p.forms()
	amount := forms[planAddress+"/amount"]
	if amount.Get("amount") != "100.00" || amount.Get("cover_fees") != "1" || len(amount.Get("request_id")) != 36 || forms[planAddress+"/card"] == nil {
		t.Errorf("the forms are %v", forms)
	}
	if pause := forms[planAddress+"/pause"]; pause.Get("request_id") == amount.Get("request_id") || len(p.all("option")) != 12 {
		t.Errorf("two forms have one number, or there are %d months", len(p.all("option")))
	}
}

// Each standing in words, with what can be done there and nothing else.
func TestWhereAMonthlyGiftStands(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		is    func(*donationv1.Plan)
		says  []string
		forms []string
		ends  bool
	}{
		"active": {func(*donationv1.Plan) {}, []string{"Active"}, []string{"amount", "card", "pause"}, true},
		"active until it ends": {
			func(p *donationv1.Plan) { p.EndsAt = p.GetNextAt() },
			[]string{"Nothing more is charged before it ends.", "Ends on21 December 2026"}, []string{"amount", "card", "pause"}, true,
		},
		"paused": {
			func(p *donationv1.Plan) { p.PausedUntil = at(2027, 2, 20) },
			[]string{"Paused", "Nothing is charged until 20 February 2027."}, []string{"amount", "card", "resume"}, true,
		},
		"paused with no end": {func(p *donationv1.Plan) { p.PausedUntil = -1 }, []string{"until you go on"}, []string{"amount", "card", "resume"}, true},
		"failing": {
			func(p *donationv1.Plan) { p.Status, p.PaymentFailed, p.RetryAt = "past_due", true, at(2026, 11, 24) },
			[]string{"Payment failed", "It is tried again on 24 November 2026.", "put in another one"}, []string{"amount", "card"}, true,
		},
		"failed for good": {
			func(p *donationv1.Plan) { p.Status, p.PaymentFailed = "unpaid", true },
			[]string{"it is not tried again by itself"}, []string{"amount", "card"}, true,
		},
		"waiting": {func(p *donationv1.Plan) { p.Status = "incomplete" }, []string{"Not begun yet"}, nil, false},
		"ending":  {func(p *donationv1.Plan) { p.Ending = true }, []string{"Is being ended", "You have asked for its end, and that is kept."}, nil, false},
		"ended": {
			func(p *donationv1.Plan) { p.Status, p.NextAt, p.EndsAt = "canceled", 0, at(2026, 11, 22) },
			[]string{"Ended on22 November 2026", "Nothing more is charged.", "Give again"}, nil, false,
		},
		"ended, and charged after that": {
			func(p *donationv1.Plan) { p.Status, p.NextAt, p.EndsAt = "canceled", 0, at(2026, 11, 22) },
			[]string{"Its end was asked for, and $103.30 was charged after that.", "refunded to your card"}, nil, false,
		},
		"a word that nobody knows": {func(p *donationv1.Plan) { p.Status = "hibernating" }, []string{"Needs a look"}, nil, true},
	} {
		c := newCharity()
		tt.is(c.plan.GetPlan())
		if strings.Contains(name, "charged after") {
			c.plan.ChargedAfterEnd = &moneyv1.Money{Minor: 103_30, Currency: "USD"}
		}
		p := parse(t, get(t, open(t, c), planAddress).Body.String())
		for _, words := range tt.says {
			if !p.says(words) {
				t.Errorf("%s: does not say %q: %s", name, words, text(p.first("main")))
			}
		}
		var forms []string
		for action := range p.forms() {
			forms = append(forms, strings.TrimPrefix(action, planAddress+"/"))
		}
		slices.Sort(forms)
		if !slices.Equal(forms, tt.forms) || slices.Contains(p.links(), planAddress+"/end") != tt.ends {
			t.Errorf("%s: forms %v, links %v", name, forms, p.links())
		}
	}
}

// The plan stays true when what it gives to, or its receipts, cannot be asked for.
func TestAMonthlyGiftNeedsOnlyTheDonationService(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.fail("GetAppeal", unreachable)
	c.fail("GetReceiptLink", unreachable)
	p := parse(t, get(t, open(t, c), planAddress).Body.String())
	if !p.says("Families fleeing the river floods") || !p.says("$103.30 every month") || !p.says("On its way") {
		t.Error(text(p.first("main")))
	}
	if asked := c.calls["GetReceiptLink"]; asked != 1 {
		t.Errorf("the receipt service that is away was asked %d times", asked)
	}
}

func TestTheDonorChangesAMonthlyGift(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		path  string
		form  url.Values
		leads string
		says  string
		is    func(*donationv1.ChangePlanRequest) bool
	}{
		"amount": {
			"/amount", url.Values{"amount": {"25,50"}, "cover_fees": {"1"}}, "?done=amount", "you give $103.30 every month",
			func(r *donationv1.ChangePlanRequest) bool {
				return r.GetAmount().GetGift().GetMinor() == 25_50 && r.GetAmount().GetGift().GetCurrency() == "USD" && r.GetAmount().GetCoverFees()
			},
		},
		"pause": {
			"/pause", url.Values{"pause_months": {"3"}}, "?done=paused", "",
			func(r *donationv1.ChangePlanRequest) bool { return r.GetPauseMonths() == 3 },
		},
		"resume": {"/resume", url.Values{}, "?done=resumed", "Your monthly gift goes on.", (*donationv1.ChangePlanRequest).GetResume},
		"end":    {"/end", url.Values{}, "", "", (*donationv1.ChangePlanRequest).GetCancel},
	} {
		c := newCharity()
		site := open(t, c)
		tt.form.Set("request_id", requestID1)
		answer := post(t, site, planAddress+tt.path, tt.form)
		if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != planAddress+tt.leads {
			t.Errorf("%s: %d to %q: %s", name, answer.Code, answer.Header().Get("Location"), text(parse(t, answer.Body.String()).first("main")))
			continue
		}
		if asked := c.changes; len(asked) != 1 || !tt.is(asked[0]) || asked[0].GetRequestId() != requestID1 || asked[0].GetPlanId() != planID || asked[0].GetToken() != planToken {
			t.Errorf("%s: asked for %v", name, asked)
		}
		p := parse(t, get(t, site, answer.Header().Get("Location")).Body.String())
		if !p.says(tt.says) || p.says("Your monthly gift is paused.") {
			t.Errorf("%s: then it says %s", name, text(p.first("main")))
		}
	}
}

// Whatever is in the way, what was typed is still there, and the number of the form
// is the same where the same may be sent again.
func TestAChangeThatCannotBeMade(t *testing.T) {
	t.Parallel()
	refused := func(reason string) error {
		return apperr.Invalid(apperr.Field{Name: "amount", Reason: reason, Message: reason})
	}
	for name, tt := range map[string]struct {
		path, amount string
		err          error
		status       int
		says         string
		same         bool
	}{
		"no amount":           {"/amount", "", nil, 422, "Choose an amount, or enter your own.", true},
		"too small":           {"/amount", "1.99", nil, 422, "The smallest gift is $2.00.", true},
		"refused by Stripe":   {"/amount", "5000", refused("AMOUNT_REFUSED_LARGE"), 422, "This amount cannot be charged. Please enter a smaller one.", false},
		"Stripe is away":      {"/amount", "50", unreachable, 503, "what has been done already is not done twice", true},
		"sent with something": {"/amount", "50", apperr.New(apperr.Aborted, "REQUEST_REUSED", "Twice."), 409, "Something else was asked for meanwhile", false},
		"without its number":  {"/amount", "50", nil, 422, "Please send the form once more", false},
		"the end, away":       {"/end", "", unreachable, 503, "what has been done already is not done twice", true},
		"no such month":       {"/pause", "", apperr.Invalid(apperr.Field{Name: "pause_months", Reason: "MONTHS_RANGE", Message: "x"}), 422, "Choose from 1 to 12 months.", false},
		"the portal, away":    {"/card", "", unreachable, 503, "Stripe’s page cannot be opened right now", false},
	} {
		c := newCharity()
		site := open(t, c)
		c.fail("ChangePlan", tt.err)
		c.fail("OpenPlanPortal", tt.err)
		form := url.Values{"request_id": {requestID1}, "amount": {tt.amount}, "pause_months": {"13"}}
		if name == "without its number" {
			form.Del("request_id")
		}
		answer := post(t, site, planAddress+tt.path, form)
		p := parse(t, answer.Body.String())
		if answer.Code != tt.status || !p.says(tt.says) || !strings.HasPrefix(p.title(), "Error: ") || len(c.changes) != 0 {
			t.Errorf("%s: %d %q: %s", name, answer.Code, p.title(), text(p.first("main")))
		}
		again := p.forms()[planAddress+tt.path]
		if tt.path == "/amount" && again.Get("amount") != tt.amount || (again.Get("request_id") == requestID1) != tt.same {
			t.Errorf("%s: the form comes back as %v", name, again)
		}
	}
}

// The end is asked for once more, and where Stripe cannot be reached it is kept.
func TestTheEndOfAMonthlyGift(t *testing.T) {
	t.Parallel()
	c := newCharity()
	site := open(t, c)
	p := parse(t, get(t, site, planAddress+"/end").Body.String())
	if !p.says("End your monthly gift?") || !p.says("You give $103.30 every month to Families fleeing the river floods.") || !slices.Contains(p.links(), planAddress) {
		t.Error(text(p.first("main")))
	}
	if len(c.changes) != 0 {
		t.Error("looking at the question ended it")
	}
	for _, err := range []error{
		apperr.New(apperr.Unavailable, "PLAN_END_KEPT", "Kept."), apperr.New(apperr.FailedPrecondition, "PLAN_OVER", "Over."),
	} {
		c.fail("ChangePlan", err)
		answer := post(t, site, planAddress+"/end", p.forms()[planAddress+"/end"])
		if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != planAddress {
			t.Errorf("%v: %d to %s", err, answer.Code, answer.Header().Get("Location"))
		}
	}
	c.plan.Plan.Ending = true
	if answer := get(t, site, planAddress+"/end"); answer.Code != http.StatusSeeOther {
		t.Errorf("asked for again while it is being ended: %d", answer.Code)
	}
}

func TestAnotherCardIsPutInAtStripe(t *testing.T) {
	t.Parallel()
	answer := post(t, open(t, newCharity()), planAddress+"/card", url.Values{})
	if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != checkout+"/p/session/bps_1" {
		t.Errorf("%d to %q", answer.Code, answer.Header().Get("Location"))
	}
}

// Who does not hold the link learns nothing, and who does keeps it.
func TestTheLinkOfAMonthlyGiftIsItsKey(t *testing.T) {
	t.Parallel()
	c := newCharity()
	site := open(t, c)
	unknown := text(parse(t, get(t, site, "/nothing").Body.String()).first("main"))
	for _, path := range []string{
		"/plans/" + planID + "/wrong", "/plans/" + donationID + "/" + planToken, "/plans/" + planID + "/%ff", "/plans/1/" + planToken, "/plans/" + planID + "/a.b",
	} {
		for _, action := range []string{"", "/end", "/amount", "/card"} {
			answer := get(t, site, path+action)
			if answer.Code != http.StatusNotFound || text(parse(t, answer.Body.String()).first("main")) != unknown {
				t.Errorf("%s: %d", path+action, answer.Code)
			}
		}
		for _, action := range []string{"/amount", "/pause", "/resume", "/end", "/card"} {
			if answer := post(t, site, path+action, url.Values{"request_id": {requestID1}, "amount": {"5"}}); answer.Code != http.StatusNotFound {
				t.Errorf("%s: %d", path+action, answer.Code)
			}
		}
	}
	if len(c.changes) != 0 {
		t.Error("something was changed")
	}
	answer := get(t, site, planAddress)
	for header, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex"} {
		if got := answer.Header().Get(header); got != want {
			t.Errorf("%s: %q", header, got)
		}
	}
	p := parse(t, answer.Body.String())
	for _, tag := range []string{"a", "img", "link", "script"} {
		for _, n := range p.all(tag) {
			if at := attr(n, "href") + attr(n, "src"); strings.Contains(at, "//") {
				t.Errorf("<%s> leads away to %s", tag, at)
			}
		}
	}
}

func TestLostLinksAreMailedAndNothingIsToldOfThem(t *testing.T) {
	t.Parallel()
	c := newCharity()
	site := open(t, c)
	answer := post(t, site, "/plans", url.Values{"email": {" zoe@example.org "}})
	if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/plans?sent=1" {
		t.Errorf("%d to %q", answer.Code, answer.Header().Get("Location"))
	}
	if len(c.linked) != 1 || c.linked[0].GetEmail() != "zoe@example.org" || c.linked[0].GetClientAddress() != "203.0.113.9" || c.linked[0].GetLanguage() != "en" {
		t.Errorf("asked for %v", c.linked)
	}
	if p := parse(t, get(t, site, "/plans?sent=1").Body.String()); !p.says("If monthly gifts are made with this address") {
		t.Error(text(p.first("main")))
	}
	for typed, tt := range map[string]struct {
		err    error
		status int
		says   string
	}{
		"":                 {nil, 422, "Enter an e-mail address like name@example.org."},
		"zoe":              {nil, 422, "Enter an e-mail address like name@example.org."},
		"zoe@example.org":  {apperr.New(apperr.ResourceExhausted, "TOO_MANY_LINKS", "Many."), 429, "The links were asked for several times"},
		"zoe2@example.org": {unreachable, 503, "We cannot send the links right now"},
	} {
		c.fail("SendPlanLinks", tt.err)
		answer := post(t, site, "/plans", url.Values{"email": {typed}})
		p := parse(t, answer.Body.String())
		if answer.Code != tt.status || !p.says(tt.says) || p.values()["email"][0] != typed {
			t.Errorf("%q: %d: %s", typed, answer.Code, text(p.first("main")))
		}
	}
}

func TestAMonthlyGiftInEveryLanguage(t *testing.T) {
	t.Parallel()
	site := open(t, newCharity())
	says := map[string]string{"en": "Your monthly gift", "fr": "Votre don mensuel", "es": "Su donativo mensual", "ar": "تبرعك الشهري"}
	for _, l := range texts.Languages() {
		for _, path := range []string{planAddress, planAddress + "/end", "/plans", "/plans?sent=1"} {
			p := in(t, site, l.Tag, path)
			if path == planAddress && text(p.first("h1")) != says[l.Tag] {
				t.Errorf("%s in %s: %s", path, l.Tag, text(p.first("h1")))
			}
		}
		if size := get(t, site, planAddress+"?lang="+l.Tag).Body.Len(); size > 15_000 {
			t.Errorf("in %s the page has %d bytes", l.Name, size)
		}
	}
}
