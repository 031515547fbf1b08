package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/web"
)

func TestHomeShowsTheEmergencyFirstAndEveryOpenAppeal(t *testing.T) {
	t.Parallel()
	answer := get(t, open(t, newCharity()), "/")
	if answer.Code != http.StatusOK {
		t.Fatalf("home answers %d", answer.Code)
	}
	p := parse(t, answer.Body.String())
	var appeals []string
	for _, link := range p.links() {
		if strings.HasPrefix(link, "/appeals/") && !strings.HasSuffix(link, "/donate") {
			appeals = append(appeals, link)
		}
	}
	want := []string{"/appeals/river-floods", "/appeals/winter", "/appeals/new-homes"}
	if !slices.Equal(appeals, want) {
		t.Errorf("home links %v, want %v", appeals, want)
	}
	for _, words := range []string{
		"Emergency appeal", "$45,120.50 given of $250,000", "312 gifts, 18% of the goal.",
		"Funded so far: 1,204 of 60,000 people resettled", "€1,506,249.99 given; €1,250.00 pays for one. 1 gift, 2% of the goal.",
		"¥0 given No gifts yet.", "VR 12345",
	} {
		if !p.says(words) {
			t.Errorf("home does not say %q", words)
		}
	}
}

func TestHomeWithoutAppealsSaysWhatToDo(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.appeals = nil
	p := parse(t, get(t, open(t, c), "/").Body.String())
	if !p.says("No appeal is open at the moment") || !slices.Contains(p.links(), "mailto:gifts@harbour.example") {
		t.Error("an empty home leads nowhere")
	}
}

func TestAppealShowsGiftsAsTheirDonorsChose(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.gifts = recent()
	answer := get(t, open(t, c), "/appeals/river-floods?s=poster-7")
	p := parse(t, answer.Body.String())
	for _, words := range []string{
		"Donor gift-1 $100.00 Stay strong <b>& dry</b> 21 November 2026, 00:30", // Berlin's time, and no HTML of the donor's
		"Donor gift-2 $100.01",
		"Anonymous $100.02 20 November 2026, 22:30",
		"Anonymous $100.03",
		"Times are those of Europe/Berlin.",
		"The water came in the night",
		"Amina runs for the villages by Amina Yusuf",
	} {
		if !p.says(words) {
			t.Errorf("the appeal does not say %q", words)
		}
	}
	if p.says("Donor gift-3") || p.says("Donor gift-4") {
		t.Error("an anonymous gift shows its donor")
	}
	if strings.Contains(answer.Body.String(), "gift-3\"") {
		t.Error("a donation's id is on a public page")
	}
	if !slices.Contains(p.links(), "/appeals/river-floods/donate?s=poster-7") {
		t.Error("the way to the form forgets the shared link that led here")
	}
}

func TestGiftsAreShownNamelessWithoutTheDonationService(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.gifts = recent()
	c.fail("PublicGifts", unreachable)
	answer := get(t, open(t, c), "/f/amina-runs")
	p := parse(t, answer.Body.String())
	if answer.Code != http.StatusOK || !p.says("A donor $100.00") || !p.says("Names and messages cannot be shown just now") {
		t.Errorf("%d: %s", answer.Code, text(p.first("main")))
	}
}

func TestSupportersPage(t *testing.T) {
	t.Parallel()
	p := parse(t, get(t, open(t, newCharity()), "/f/amina-runs").Body.String())
	for _, words := range []string{
		"A page by Amina Yusuf, raising money for Families fleeing the river floods",
		"$150.00 given of $1,000", "3 gifts, 15% of the goal.",
		"Gifts on this page go to Harbour Refugee Relief, not to Amina Yusuf.",
		"Nobody has given here yet. Be the first.",
	} {
		if !p.says(words) {
			t.Errorf("the page does not say %q", words)
		}
	}
	if !slices.Contains(p.links(), "/f/amina-runs/donate") {
		t.Error("no way to give")
	}
}

func TestEachChannelSharesALinkWithItsOwnCode(t *testing.T) {
	t.Parallel()
	links := strings.Join(parse(t, get(t, open(t, newCharity()), "/appeals/river-floods").Body.String()).links(), "\n")
	const words = "Families%20fleeing%20the%20river%20floods%20%E2%80%93%20will%20you%20help%20too%3F"
	const page = "https%3A%2F%2Fgive.harbour.example%2Fappeals%2Friver-floods%3Fs%3D"
	for _, want := range []string{
		"https://wa.me/?text=" + words + "%20" + page + "whatsapp",
		"https://x.com/intent/post?text=" + words + "&url=" + page + "x",
		"https://www.facebook.com/sharer/sharer.php?u=" + page + "facebook",
		"https://t.me/share/url?url=" + page + "telegram&text=" + words,
		"mailto:?subject=" + words + "&body=" + words + "%0A%0A" + page + "email",
		"sms:?&body=" + words + "%20" + page + "sms",
	} {
		if !strings.Contains(links, want) {
			t.Errorf("no link %s", want)
		}
	}
}

func TestClosedPagesAreReadAndTakeNothing(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.pages[0].Closed = true
	site := open(t, c)
	for path, heading := range map[string]string{"/appeals/last-year": "This appeal is closed", "/f/amina-runs": "This page is closed"} {
		answer := get(t, site, path)
		p := parse(t, answer.Body.String())
		if answer.Code != http.StatusOK || !p.says("is closed and takes no more gifts") {
			t.Errorf("%s: %d", path, answer.Code)
		}
		if slices.ContainsFunc(p.links(), func(l string) bool { return strings.Contains(l, "/donate") }) {
			t.Errorf("%s asks for gifts", path)
		}
		answer = get(t, site, path+"/donate")
		p = parse(t, answer.Body.String())
		if answer.Code != http.StatusGone || !p.says(heading) || !slices.Contains(p.links(), "/appeals/river-floods") {
			t.Errorf("%s/donate: %d, links %v", path, answer.Code, p.links())
		}
	}
}

// Every kind of trouble has a page: with the right status, in words, with a way on.
func TestTroubleIsAPage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path   string
		method string // that fails
		err    error
		status int
		says   string
	}{
		{"/", "ListAppeals", unreachable, 503, "We cannot do this right now"},
		{"/", "ListAppeals", apperr.New(apperr.Internal, "BROKEN", "dial 10.0.0.7"), 500, "Something went wrong on our side"},
		{"/", "ListAppeals", apperr.New(apperr.PermissionDenied, "CALLER", "no"), 500, "Something went wrong on our side"},
		{"/appeals/none", "", nil, 404, "This page does not exist"},
		{"/appeals/%ff%fe", "", nil, 404, "This page does not exist"},
		{"/appeals/..%2f..%2fetc", "", nil, 404, "This page does not exist"},
		{"/appeals/none/donate", "", nil, 404, "This page does not exist"},
		{"/appeals/river-floods", "GetAppeal", apperr.New(apperr.DeadlineExceeded, "SLOW", ""), 503, "Please try again in a minute"},
		{"/f/none", "", nil, 404, "This page does not exist"},
		{"/f/none/donate", "", nil, 404, "This page does not exist"},
		{"/receipts/REFUGE-2026-000123/wrong", "", nil, 404, "This page does not exist"},
		{"/receipts/REFUGE-2026-000123/dG9rZW4", "GetReceipt", unreachable, 503, "We cannot do this right now"},
		{"/receipts/%00/x", "", nil, 404, "This page does not exist"},
		{"/nothing/at/all", "", nil, 404, "This page does not exist"},
		{"/assets/site.css", "", nil, 404, "This page does not exist"},
		{"/dev/mail", "", nil, 404, "This page does not exist"},
		{"/donations/" + donationID + "/cancelled", "GetCheckoutForm", apperr.New(apperr.ResourceExhausted, "MANY", ""), 429, "Too many attempts"},
	}
	for _, tt := range tests {
		c := newCharity()
		c.fail(tt.method, tt.err)
		answer := get(t, open(t, c), tt.path)
		p := parse(t, answer.Body.String())
		if answer.Code != tt.status || !p.says(tt.says) || p.says("10.0.0.7") {
			t.Errorf("%s with %s failing: %d %q", tt.path, tt.method, answer.Code, text(p.first("main")))
		}
		if !slices.Contains(p.links()[2:], "/") {
			t.Errorf("%s: no way on", tt.path)
		}
		if (tt.status == 503 || tt.status == 429) != (answer.Header().Get("Retry-After") != "") {
			t.Errorf("%s: Retry-After is %q", tt.path, answer.Header().Get("Retry-After"))
		}
	}
}

func TestBrokenFactsAreOurFaultAndNotShownWrong(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.appeals[0].Currency = "XXL"
	site := open(t, c)
	for _, path := range []string{"/", "/appeals/river-floods", "/appeals/river-floods/donate", "/f/amina-runs"} {
		if code := get(t, site, path).Code; code != http.StatusInternalServerError {
			t.Errorf("%s answers %d for an amount without a currency", path, code)
		}
	}
}

func TestReceiptIsShownAsItWasIssued(t *testing.T) {
	t.Parallel()
	c := newCharity()
	site := open(t, c)
	answer := get(t, site, "/receipts/REFUGE-2026-000123/dG9rZW4")
	p := parse(t, answer.Body.String())
	for _, words := range []string{
		"Receipt REFUGE-2026-000123", "$103.30 received with thanks from Zoë Müller-O’Neill",
		"Gift $100.00", "Added for the payment fee $3.30", "Total $103.30", "Purpose Where it is needed most",
		"Received on 20 November 2026", "Issued on 21 November 2026", "Payment pi_3QxYz",
		"Harbour Refugee Relief e.V. Quay Road 4 20457 Hamburg",
	} {
		if !p.says(words) && !strings.Contains(strings.ReplaceAll(text(p.first("main")), " ", ""), strings.ReplaceAll(words, " ", "")) {
			t.Errorf("the receipt does not say %q", words)
		}
	}
	c.document.ReceivedOn = "yesterday"
	if code := get(t, site, "/receipts/REFUGE-2026-000123/dG9rZW4").Code; code != http.StatusInternalServerError {
		t.Errorf("a receipt without a date is shown with %d", code)
	}
}

func TestAnUnknownTimeZoneIsShownAsUTC(t *testing.T) {
	t.Parallel()
	if _, err := time.LoadLocation("Europe/Berlin"); err != nil {
		t.Fatal(err) // embedded, so machines without a database have it too
	}
	c := newCharity()
	c.gifts = recent()[:1]
	c.zone = "Mars/Olympus"
	p := parse(t, get(t, open(t, c), "/appeals/river-floods").Body.String())
	if !p.says("20 November 2026, 23:30 Times are those of UTC.") {
		t.Error(text(p.first("main")))
	}
}

func TestSeveralOrganizationsAreToldApart(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.others = []*fundraiserv1.Organization{{OrganizationId: "o2", Name: "Lantern Aid", LegalName: "Lantern Aid Ltd"}}
	c.appeals[1].OrganizationId = "o2"
	p := parse(t, get(t, open(t, c), "/").Body.String())
	if !p.says("Lantern Aid A warm winter") || !p.says("Who receives your gift") {
		t.Error(text(p.first("main")))
	}
}

func TestWrongAddressesStopTheStart(t *testing.T) {
	t.Parallel()
	deps := web.Deps{DB: testkit.SQLite(t, "web"), Conn: nobody(t), Mail: keptMails(t), Now: time.Now}
	for _, cfg := range []web.Config{
		{BaseURL: "", CheckoutOrigin: checkout},
		{BaseURL: "give.example", CheckoutOrigin: checkout},
		{BaseURL: "https://give.example", CheckoutOrigin: "stripe"},
		{BaseURL: "javascript:alert(1)", CheckoutOrigin: checkout},
	} {
		_, err := web.New(cfg, deps)
		if err == nil {
			t.Errorf("%+v is taken", cfg)
		}
	}
}

// What banks have in hand is shown apart and only where there is any.
func TestWhatIsBeingProcessedIsShownApart(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.appeals[0].Totals.ProcessingMinor, c.appeals[0].Totals.RefundedMinor = 12_000, 5_000
	site := open(t, c)
	if p := parse(t, get(t, site, "/appeals/river-floods").Body.String()); !p.says("$45,120.50 given") || !p.says("$120.00 more is being processed") {
		t.Error(text(p.first("main")))
	}
	if p := parse(t, get(t, site, "/f/amina-runs").Body.String()); p.says("being processed") {
		t.Error(text(p.first("main")))
	}
	for path, want := range map[string]string{
		"/api/v1/appeals/river-floods": `"gifts":312,"processing_minor":12000,"refunded_minor":5000`, "/appeals/river-floods/events": `"processing_minor":12000`,
	} {
		if body := get(t, site, path).Body.String(); !strings.Contains(body, want) {
			t.Errorf("%s: %s", path, body)
		}
	}
}
