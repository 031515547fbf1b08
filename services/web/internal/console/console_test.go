package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
)

const month = "from=2026-11-01&to=2026-11-30"

// TestAMonthOfGifts asks all that can be asked of the same books.
func TestAMonthOfGifts(t *testing.T) {
	t.Parallel()
	w := season(t)
	for name, story := range map[string]func(*testing.T, *world){
		"the overview says what the trial balance says":        theOverviewSaysWhatTheTrialBalanceSays,
		"the overview begins with the running month":           theOverviewBeginsWithTheRunningMonth,
		"a long period goes by month and an empty one says so": aLongPeriodGoesByMonthAndAnEmptyOneSaysSo,
		"every link leads somewhere":                           everyLinkLeadsSomewhere,
		"every page in every language":                         everyPageInEveryLanguage,
		"the journal is read page by page":                     theJournalIsReadPageByPage,
		"nonsense in filters is said beside the field":         nonsenseInFiltersIsSaidBesideTheField,
		"addresses that lead nowhere":                          addressesThatLeadNowhere,
		"who may look":                                         whoMayLook,
		"who gave is for those who answer donors":              whoGaveIsForThoseWhoAnswerDonors,
		"an entry leads down and back":                         anEntryLeadsDownAndBack,
		"the box takes any id":                                 theBoxTakesAnyID,
		"what is exported is what is filtered":                 whatIsExportedIsWhatIsFiltered,
		"an account carries its balance":                       anAccountCarriesItsBalance,
		"a month is closed without typing its days":            aMonthIsClosedWithoutTypingItsDays,
		"the box says what it does not search":                 theBoxSaysWhatItDoesNotSearch,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, w)
		})
	}
}

func theOverviewSaysWhatTheTrialBalanceSays(t *testing.T, w *world) {
	balance, err := w.books.TrialBalance(t.Context(), &ledgerv1.TrialBalanceRequest{From: "2026-11-01", To: "2026-11-30"})
	if err != nil {
		t.Fatal(err)
	}
	type sums struct{ income, cover, fees int64 }
	want := map[string]*sums{"EUR": {}, "USD": {}}
	for _, row := range balance.GetRows() {
		sum := want[row.GetCurrency()]
		switch code, _, _ := strings.Cut(row.GetAccountCode(), "/"); code {
		case "4000", "4020", "4100":
			sum.income += row.GetCreditsMinor()
		case "4040":
			sum.cover += row.GetCreditsMinor()
		case "6100":
			sum.fees += row.GetDebitsMinor()
		}
	}
	// A picture has no elements that keep figures and names in one piece; marks do.
	arabic := w.get(t, "/finance/?"+month+"&lang=ar").Body.String()
	for _, mark := range []string{`\x{2066}`, `\x{2068}`} {
		if !regexp.MustCompile(`<text[^>]*>` + mark).MatchString(arabic) {
			t.Errorf("nothing in a picture begins with %s", mark)
		}
	}
	overview := w.page(t, "/finance/?"+month)
	if text := w.get(t, "/finance/?"+month).Body.String(); !strings.Contains(text, `href="/staff/"`) {
		t.Error("there is no way from the books to the site's own desk")
	}
	for code, sum := range want {
		shown := overview.figures("currency-" + code)
		for name, minor := range map[string]int64{
			"Income": sum.income, "Fee cover": sum.cover, "Refunds and lost disputes": 0, "Fees": sum.fees, "Net": sum.income + sum.cover - sum.fees,
		} {
			written := money.Format(money.Amount{Minor: minor, Currency: money.MustCurrency(code)}, "en")
			figure, address, _ := strings.Cut(shown[name], " ")
			if minor == 0 && name != "Refunds and lost disputes" || figure != written {
				t.Errorf("%s %s is %q, want %s", code, name, figure, written)
			}
			// The page behind the number has the number that it was a link of.
			behind := w.page(t, address)
			if name != "Net" && !slices.ContainsFunc(behind.rows(), func(row []string) bool { return row[0] == "" && slices.Contains(row, written) }) {
				t.Errorf("%s does not add up to %s", address, written)
			}
		}
	}
	if !overview.says("Europe/Zurich") || !overview.says("The feed donation is booked up to position 73") {
		t.Error("the page does not say when and where it is true")
	}
}

func theOverviewBeginsWithTheRunningMonth(t *testing.T, w *world) {
	p := w.page(t, "/finance/")
	if attr(p.field("from"), "value") != "2026-11-01" || attr(p.field("to"), "value") != "2026-11-30" || !p.says("1 November 2026 to 30 November 2026") {
		t.Error("it is another period")
	}
	for _, part := range []string{"Income over time, EUR", "Fees over time, USD", "Income by appeal, EUR", "Income by fund, USD", "Gifts by currency", "Stoves & blankets", "عطاء الشتاء"} {
		if !p.says(part) {
			t.Errorf("nothing says %q", part)
		}
	}
	// The stranger's charge waits for somebody; nothing else does.
	if !p.says("ch_stranger") || !p.says("-€14.48") || p.says("The sums differ") {
		t.Error("what needs attention is not what there is")
	}
}

func aLongPeriodGoesByMonthAndAnEmptyOneSaysSo(t *testing.T, w *world) {
	year := w.page(t, "/finance/?from=2020-01-01&to=2026-12-31")
	first := slices.IndexFunc(year.rows(), func(row []string) bool { return row[0] == "27 October 2026" })
	if first < 0 || slices.ContainsFunc(year.rows(), func(row []string) bool { return strings.HasSuffix(row[0], "2020") }) {
		t.Error("the bars are not those of the time in which something happened")
	}
	empty := w.page(t, "/finance/?from=2019-01-01&to=2019-01-31")
	if !empty.says("Nothing was booked in this period") || len(empty.ids) == 0 {
		t.Error("an empty period says nothing")
	}
}

func everyLinkLeadsSomewhere(t *testing.T, w *world) {
	seen, asked := map[string]bool{}, map[string]int{}
	queue := []string{"/finance/", "/finance/search?q=traceless", "/finance/search?q=" + traceID}
	for len(queue) > 0 {
		address := queue[0]
		queue = queue[1:]
		kind, _, _ := strings.Cut(strings.TrimPrefix(address, "/finance/"), "/")
		kind, _, _ = strings.Cut(kind, "?")
		if seen[address] || asked[kind] >= 20 {
			continue
		}
		seen[address] = true
		asked[kind]++
		answer := w.get(t, address)
		if strings.HasPrefix(address, "/finance/exports") {
			if answer.Code != http.StatusOK || answer.Body.Len() == 0 {
				t.Errorf("%s answers %d", address, answer.Code)
			}
			continue
		}
		if answer.Code != http.StatusOK {
			t.Fatalf("%s answers %d", address, answer.Code)
		}
		for _, link := range parse(t, answer.Body.String()).links() {
			link, _, _ = strings.Cut(link, "#")
			if strings.HasPrefix(link, "/finance/") && !strings.Contains(link, "lang=") && !seen[link] {
				queue = append(queue, link)
			}
		}
	}
	for _, kind := range []string{"", "journal", "entries", "gifts", "accounts", "trial-balance", "audit", "exports"} {
		if asked[kind] == 0 {
			t.Errorf("nothing leads to %q", kind)
		}
	}
	if !seen["/finance/accounts/4100/winter?currency=EUR"] {
		t.Error("nothing leads to the account of a fund")
	}
}

func everyPageInEveryLanguage(t *testing.T, w *world) {
	for _, lang := range []string{"en", "fr", "es", "ar"} {
		for _, address := range []string{
			"/finance/?" + month, "/finance/journal?account=9999", "/finance/journal?rule=none", "/finance/entries/3", "/finance/gifts/" + giftID(7),
			"/finance/accounts", "/finance/accounts/1100?currency=EUR", "/finance/trial-balance?part=net&currency=EUR", "/finance/audit", "/finance/search?q=pi_none",
			"/finance/refunds", "/finance/refunds?show=waiting", "/finance/disputes", "/finance/plans", "/finance/payouts", "/finance/gifts/" + giftID(7) + "/refund",
		} {
			answer := w.get(t, address+ampersand(address)+"lang="+lang)
			p := parse(t, answer.Body.String())
			if left := regexp.MustCompile(`console\.[a-z_.]+|\{\{|<no value>`).FindString(text(p.root)); left != "" {
				t.Errorf("%s in %s shows %s", address, lang, left)
			}
			for n := range p.all("html") {
				if (attr(n, "dir") == "rtl") != (lang == "ar") {
					t.Errorf("%s in %s runs %s", address, lang, attr(n, "dir"))
				}
			}
		}
	}
}

func ampersand(address string) string {
	if strings.Contains(address, "?") {
		return "&"
	}
	return "?"
}

func theJournalIsReadPageByPage(t *testing.T, w *world) {
	first := w.page(t, "/finance/journal")
	if first.link("Newer") != "" || first.link("Older") == "" {
		t.Fatal("the first page has the wrong neighbours")
	}
	older := w.page(t, first.link("Older"))
	if older.link("Older") == "" && older.link("Newer") == "" {
		t.Fatal("there is no way back")
	}
	numbers := append(entries(first), entries(older)...)
	if len(numbers) != 74 || !slices.IsSortedFunc(numbers, func(a, b string) int { return len(b)*100 - len(a)*100 + strings.Compare(b, a) }) {
		t.Errorf("the pages have %d entries: %v", len(numbers), numbers)
	}
	back := w.page(t, older.link("Newer"))
	if !slices.Equal(entries(back), entries(first)) {
		t.Errorf("the way back leads to %v, not %v", entries(back), entries(first))
	}
	if !slices.ContainsFunc(first.rows(), func(row []string) bool {
		return len(row) == 4 && row[1] == "Sum EUR" && row[2] == row[3] && row[2] != ""
	}) {
		t.Error("debits and credits of the page are not the same sum")
	}
}

// entries are the numbers of the entries on a page.
func entries(p page) []string {
	var numbers []string
	for _, link := range p.links() {
		rest, is := strings.CutPrefix(link, "/finance/entries/")
		if is {
			numbers = append(numbers, rest)
		}
	}
	return numbers
}

func nonsenseInFiltersIsSaidBesideTheField(t *testing.T, w *world) {
	long := strings.Repeat("x", 300)
	for _, c := range []struct{ path, field, value string }{
		{"/finance/", "from", "yesterday"},
		{"/finance/", "to", "2026-02-30"},
		{"/finance/", "from", "2026-1-1"},
		{"/finance/journal", "from", "<script>alert(1)</script>"},
		{"/finance/journal", "to", "0000-00-00"},
		{"/finance/journal", "account", "9999"},
		{"/finance/journal", "account", "4000' OR 1=1"},
		{"/finance/journal", "account", "4100/../x"},
		{"/finance/journal", "currency", "EURO"},
		{"/finance/journal", "currency", "zzz"},
		{"/finance/journal", "rule", long},
		{"/finance/journal", "reference", "pi_\x00"},
		{"/finance/journal", "fundraiser", "a\nb"},
		{"/finance/trial-balance", "from", "01.11.2026"},
		{"/finance/accounts/1100", "currency", "dollars"},
		{"/finance/accounts/1100", "to", "99999-01-01"},
	} {
		answer := w.get(t, c.path+"?"+url.Values{c.field: {c.value}}.Encode())
		if answer.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s %s=%.20q answers %d", c.path, c.field, c.value, answer.Code)
			continue
		}
		p := parse(t, answer.Body.String())
		field := p.field(c.field)
		if attr(field, "aria-invalid") != "true" || p.ids["f-"+c.field+"-fault"] == nil || p.ids["errors"] == nil || !slices.Contains(p.links(), "#f-"+c.field) {
			t.Errorf("%s %s=%.20q is not said beside the field", c.path, c.field, c.value)
		}
		kept := strings.Map(func(r rune) rune {
			if r < ' ' {
				return -1
			}
			return r
		}, c.value)
		if got := strings.Trim(attr(field, "value"), "\uFFFD"); field != nil && field.Data == "input" && strings.ReplaceAll(got, "\uFFFD", "") != kept && strings.ReplaceAll(got, "\n", "") != kept {
			t.Errorf("%s: %.20q became %.20q", c.field, c.value, got)
		}
	}
	both := parse(t, w.get(t, "/finance/journal?from=2026-11-20&to=2026-11-01").Body.String())
	if !both.says("The last day is before the first.") {
		t.Error("a period that runs backwards is not refused")
	}
}

func addressesThatLeadNowhere(t *testing.T, w *world) {
	for _, address := range []string{
		"/finance/entries/0", "/finance/entries/-1", "/finance/entries/007", "/finance/entries/99999999999999999999", "/finance/entries/400", "/finance/entries/x",
		"/finance/gifts/none", "/finance/gifts/" + giftID(400), "/finance/gifts/../../etc", "/finance/accounts/9999", "/finance/accounts/", "/finance/accounts/1100/x/y",
		"/finance/accounts/1100?currency=EUR&after=nowhere", "/finance/journal?older=x", "/finance/journal?newer=-5", "/finance/journal?book=other", "/finance/?book=%00",
		"/finance/exports", "/finance/exports?format=exe", "/finance/trial-balance?part=all", "/finance/trial-balance?currency=xx", "/finance/payouts/",
	} {
		answer := w.get(t, address)
		if answer.Code != http.StatusNotFound && answer.Code != http.StatusMovedPermanently && answer.Code != http.StatusTemporaryRedirect {
			t.Errorf("%s answers %d", address, answer.Code)
		}
	}
}

func whoMayLook(t *testing.T, w *world) {
	for _, address := range []string{
		"/finance/", "/finance/journal", "/finance/entries/1", "/finance/gifts/" + giftID(7), "/finance/accounts", "/finance/accounts/1100?currency=EUR",
		"/finance/trial-balance", "/finance/audit", "/finance/search?q=nothing", "/finance/exports?format=csv",
	} {
		for role, want := range map[string]int{
			"": http.StatusSeeOther, "supporter": http.StatusNotFound, "viewer": http.StatusOK, "accountant": http.StatusOK, "admin": http.StatusOK,
		} {
			answer := w.ask(t, role, http.MethodGet, address)
			if answer.Code != want {
				t.Errorf("%s for %q answers %d, want %d", address, role, answer.Code, want)
			}
			if role == "" && !strings.HasPrefix(answer.Header().Get("Location"), "/sign-in?next=%2Ffinance%2F") {
				t.Errorf("%s sends to %s", address, answer.Header().Get("Location"))
			}
			if answer.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s for %q may be kept: %s", address, role, answer.Header().Get("Cache-Control"))
			}
		}
	}
	for role, want := range map[string]int{"": 403, "supporter": 404, "viewer": 403, "accountant": 200, "admin": 200} {
		if answer := w.ask(t, role, http.MethodPost, "/finance/audit"); answer.Code != want {
			t.Errorf("verifying as %q answers %d, want %d", role, answer.Code, want)
		}
	}
}

func whoGaveIsForThoseWhoAnswerDonors(t *testing.T, w *world) {
	for role, knows := range map[string]bool{"viewer": false, "accountant": true, "admin": true} {
		for _, address := range []string{"/finance/gifts/" + giftID(7), "/finance/entries/13", "/finance/journal", "/finance/search?q=REFUGE-2026-000007"} {
			body := w.ask(t, role, http.MethodGet, address).Body.String()
			for _, secret := range []string{"zoe@example.org", "Müller", "dG9rZW4"} {
				if !knows && strings.Contains(body, secret) {
					t.Errorf("%s shows %s to a %s", address, secret, role)
				}
			}
		}
		p := parse(t, w.ask(t, role, http.MethodGet, "/finance/gifts/"+giftID(7)).Body.String())
		if p.says("Zoë <b>Müller</b>-O’Neill") != knows || !p.says("REFUGE-2026-000007") || (p.link("REFUGE-2026-000007") != "") != knows {
			t.Errorf("a %s reads %s", role, text(p.root))
		}
	}
}

func anEntryLeadsDownAndBack(t *testing.T, w *world) {
	hit := w.get(t, "/finance/search?q=ch_3Gift7")
	gift := w.page(t, hit.Header().Get("Location"))
	var entry page
	for _, link := range gift.links() {
		if strings.HasPrefix(link, "/finance/entries/") {
			entry = w.page(t, link)
			break
		}
	}
	for _, link := range []string{
		"https://dashboard.stripe.com/test/payments/pi_3Gift7", "https://dashboard.stripe.com/test/payments/ch_3Gift7",
		"/finance/gifts/" + giftID(7), "/finance/journal?rule=gift", "/finance/accounts/1100?currency=EUR", "/receipts/REFUGE-2026-000007/dG9rZW4",
	} {
		if !slices.Contains(entry.links(), link) {
			t.Errorf("the entry does not lead to %s", link)
		}
	}
	if !entry.says(traceID) || !entry.says("event-gift-7") || !entry.says("version 1") {
		t.Error("the entry does not say where it comes from")
	}
	next := w.page(t, entry.link("Next entry"))
	if !next.says("Chain of hashes") || next.link("Previous entry") == "" {
		t.Error("the chain leads nowhere")
	}
}

func theBoxTakesAnyID(t *testing.T, w *world) {
	gift := "/finance/gifts/" + giftID(7)
	for asked, want := range map[string]string{
		"13": "/finance/entries/13", "#13": "/finance/entries/13", "JE-000013": "/finance/entries/13", "refuge-13": "/finance/entries/13",
		giftID(7): gift, "pi_3Gift7": gift, " ch_3Gift7 ": gift, "txn_3Gift7": gift, "refuge-2026-000007": gift,
		"event-stranger-none": "", "ch_stranger": "several", traceID: "several", "4000": "", "%": "", "' OR 1=1": "", strings.Repeat("9", 30): "",
	} {
		answer := w.get(t, "/finance/search?"+url.Values{"q": {asked}}.Encode())
		switch {
		case strings.HasPrefix(want, "/"):
			if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != want {
				t.Errorf("%q leads to %q (%d), want %s", asked, answer.Header().Get("Location"), answer.Code, want)
			}
		case want == "several":
			if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), `class="hits"`) {
				t.Errorf("%q answers %d without a list", asked, answer.Code)
			}
		default:
			if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "Nothing has this id") {
				t.Errorf("%q answers %d and does not say that there is nothing", asked, answer.Code)
			}
		}
	}
}

func TestTheAuditIsAlwaysOn(t *testing.T) {
	t.Parallel()
	w := season(t)
	p := w.page(t, "/finance/audit")
	if !p.says("All sums agree") || !p.says("acct_harbour") || !p.says("ch_stranger") {
		t.Errorf("the audit says %s", text(p.root))
	}
	walked := w.ask(t, "accountant", http.MethodPost, "/finance/audit")
	if verified := parse(t, walked.Body.String()); !verified.says("The chains are sound: 74 entries.") {
		t.Errorf("walked: %s", text(verified.root))
	}
	w.mu.Lock()
	w.atStripe["USD"]++
	w.mu.Unlock()
	if p := w.page(t, "/finance/audit"); !p.says("The sums differ") {
		t.Error("a cent at Stripe is not noticed")
	}
	if p := w.page(t, "/finance/"); !p.says("The sums differ") || !p.says("$0.01") {
		t.Error("a cent at Stripe is not on the overview")
	}
}

func TestTheBooksStandWithoutTheOthers(t *testing.T) {
	t.Parallel()
	w := season(t)
	w.mu.Lock()
	w.away = apperr.New(apperr.Unavailable, "AWAY", "Cannot be reached.")
	w.mu.Unlock()
	for address, want := range map[string]int{
		"/finance/?" + month: 200, "/finance/journal": 200, "/finance/accounts": 200, "/finance/trial-balance": 200, "/finance/audit": 200,
		"/finance/search?q=13": 200, "/finance/gifts/" + giftID(7): 503,
	} {
		if answer := w.get(t, address); answer.Code != want {
			t.Errorf("%s answers %d, want %d", address, answer.Code, want)
		}
	}
	if p := w.page(t, "/finance/"); !p.says("The sums of all services could not be taken just now") {
		t.Error("the overview does not say what is missing")
	}
}

func TestTwoOrganizationsHaveTwoBooks(t *testing.T) {
	t.Parallel()
	w := start(t, harbour, lagoon)
	w.give(t, harbour, 1)
	w.give(t, lagoon, 2)
	w.applied(t)
	sent := w.get(t, "/finance/entries/1")
	if sent.Code != http.StatusSeeOther || sent.Header().Get("Location") != "/finance/entries/1?book=lagoon" && sent.Header().Get("Location") != "/finance/entries/1?book=harbour" {
		t.Fatalf("a number without books leads to %q", sent.Header().Get("Location"))
	}
	p := w.page(t, "/finance/journal?book=harbour")
	if !p.says("Refugee relief of the lagoon") || len(p.links()) == 0 {
		t.Error("there is no way to the other books")
	}
	for _, link := range p.links() {
		if strings.HasPrefix(link, "/finance/") && link != "/finance/" && !strings.Contains(link, "book=") {
			t.Errorf("%s does not say whose books", link)
		}
	}
	if hit := w.get(t, "/finance/search?book=lagoon&q=1"); hit.Header().Get("Location") != "/finance/entries/1?book=lagoon" {
		t.Errorf("the search leads to %q", hit.Header().Get("Location"))
	}
}

func TestBeforeThereAreBooks(t *testing.T) {
	t.Parallel()
	w := start(t)
	if p := w.page(t, "/finance/"); !p.says("There are no books yet") {
		t.Error("an empty ledger says nothing")
	}
}

func TestBooksWithoutAGift(t *testing.T) {
	t.Parallel()
	w := start(t, harbour)
	for _, address := range []string{"/finance/", "/finance/journal", "/finance/accounts", "/finance/trial-balance", "/finance/audit", "/finance/accounts/4000"} {
		w.page(t, address)
	}
}
