package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

// small is a whole file; tests replace one line of it.
const small = `fee_cover:
  EUR: {rate: 1.5%, fixed: 0.25}
  JPY: {rate: 3.6%, fixed: 0}
organizations:
  - code: WAYHAVEN
    slug: wayhaven
    home: true
    name: Wayhaven Relief
    legal_name: Wayhaven Relief Foundation
    address: [1 Example Quay, 1000 AA Amsterdam]
    registration: Sample registration
    country: NL
    time_zone: Europe/Amsterdam
    base_currency: EUR
    receipt_profile: generic
    mission: We stand beside people who had to leave their homes.
    contact_email: hello@wayhaven.example
    funds:
      - {code: GENERAL, name: Where it is needed most, class: unrestricted}
      - {code: SCHOOL, name: Schooling, class: restricted}
appeals:
  - slug: shelter-tonight
    organization: WAYHAVEN
    kind: crisis
    title: Shelter tonight
    summary: Help them through the first nights.
    story:
      - They came on foot.
    currency: EUR
    minimum: 1.00
    suggested: [20, 50 EUR, "100.00"]
    goal: 7500000.50
    funds: [GENERAL, SCHOOL]
    starts: 2026-03-01
    ends: 2026-03-29
fundraisers:
  - slug: salma-walks-the-coast
    appeal: shelter-tonight
    title: 180 kilometres
    owner: Salma Haddad
    story: [I will walk the coast path.]
    goal: 5400
`

func TestAFileIsReadExactly(t *testing.T) {
	t.Parallel()
	doc, err := readFile(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	appeal := doc.Appeals[0]
	if appeal.Minimum != 1_00 || appeal.Goal != 7_500_000_50 || fmt.Sprint(appeal.Suggested) != "[2000 5000 10000]" {
		t.Errorf("amounts are %d, %d, %v", appeal.Minimum, appeal.Goal, appeal.Suggested)
	}
	if appeal.CoverRatePPM != 15_000 || appeal.CoverFixed != 25 {
		t.Errorf("cover is %d ppm and %d", appeal.CoverRatePPM, appeal.CoverFixed)
	}
	// Amsterdam is an hour ahead of UTC when March begins and two when it
	// ends: the last day has 23 hours and is still a whole day.
	if want := time.Date(2026, 2, 28, 23, 0, 0, 0, time.UTC); !appeal.StartsAt.Equal(want) {
		t.Errorf("starts %v, want %v", appeal.StartsAt, want)
	}
	if want := time.Date(2026, 3, 29, 22, 0, 0, 0, time.UTC); !appeal.EndsAt.Equal(want) {
		t.Errorf("ends %v, want %v", appeal.EndsAt, want)
	}
	if appeal.State != domain.Live || appeal.OrganizationID != domain.OrganizationID("WAYHAVEN") {
		t.Errorf("state %s, organization %s", appeal.State, appeal.OrganizationID)
	}
	if page := doc.Pages[0]; page.AppealID != appeal.ID || page.Goal != 5400_00 {
		t.Errorf("page is %+v", page)
	}
}

func TestEachMistakeIsNamedWithItsLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, from, to string
		want           string // of the form "line 12: …"
	}{
		{"unknown key", "    country: NL", "    contry: NL", `line 12: unknown key contry`},
		{"key twice", "    country: NL", "    slug: other", `line 12: mapping key "slug" already defined at line 6`},
		{"not YAML", "    country: NL", "   country: [", "did not find expected"},
		{"text for a number", "    goal: 7500000.50", "    goal_count: many", "line 32: cannot unmarshal !!str `many` into int64"},
		{"slug reserved", "slug: shelter-tonight\n    org", "slug: donate\n    org", `line 22: appeals[0].slug "donate" is a word of the site itself`},
		{"code", "code: WAYHAVEN", "code: way", `line 5: organizations[0].code may only have capital letters`},
		{"currency unknown", "    currency: EUR", "    currency: EUX", `line 29: appeals[0].currency is not a currency`},
		{"currency in small letters", "    currency: EUR", "    currency: eur", `line 29: appeals[0].currency is not a currency`},
		{"currency without fee cover", "    currency: EUR", "    currency: GBP", `line 29: appeals[0].currency fee_cover has no entry for GBP`},
		{"suggestion in another currency", "50 EUR", "50 USD", `line 31: appeals[0].suggested[1] "50 USD" is not in EUR`},
		{"minimum below Stripe's", "minimum: 1.00", "minimum: 0.49", `line 30: appeals[0].minimum is below the smallest charge, 0.50 EUR`},
		{"minimum with a comma", "minimum: 1.00", `minimum: "1,00"`, `line 30: appeals[0].minimum "1,00" must be an amount in EUR like 25`},
		{"three decimals", "minimum: 1.00", "minimum: 1.005", `line 30: appeals[0].minimum "1.005" must be an amount`},
		{"negative", "minimum: 1.00", "minimum: -1", `line 30: appeals[0].minimum "-1" must be an amount`},
		{"exponent", "minimum: 1.00", "minimum: 1e2", `line 30: appeals[0].minimum "1e2" must be an amount`},
		{"decimals of yen", "    currency: EUR\n    minimum: 1.00\n    suggested: [20, 50 EUR, \"100.00\"]\n    goal: 7500000.50",
			"    currency: JPY\n    minimum: 100\n    suggested: [500.5]\n    goal: 90000", `line 31: appeals[0].suggested[0] "500.5" must be an amount in JPY like 25`},
		{"fund of nobody", "funds: [GENERAL, SCHOOL]", "funds: [GENERAL, WATER]", `line 33: appeals[0].funds[1] organization WAYHAVEN has no fund "WATER"`},
		{"fund twice", "funds: [GENERAL, SCHOOL]", "funds: [GENERAL, GENERAL]", `line 33: appeals[0].funds[1] "GENERAL" is used already, by appeals[0].funds[0] on line 33`},
		{"fund code twice", "code: SCHOOL", "code: GENERAL", `line 20: organizations[0].funds[1].code "GENERAL" is used already`},
		{"class", "class: restricted", "class: semi", `line 20: organizations[0].funds[1].class must be unrestricted or restricted`},
		{"organization unknown", "organization: WAYHAVEN", "organization: HAVEN", `line 23: appeals[0].organization no organization in this file has the code "HAVEN"`},
		{"appeal unknown", "appeal: shelter-tonight", "appeal: shelter", `line 38: fundraisers[0].appeal no appeal in this file has the slug "shelter"`},
		{"time zone", "Europe/Amsterdam", "Europe/Wayhaven", `line 13: organizations[0].time_zone "Europe/Wayhaven" is not a known`},
		{"time zone of the server", "Europe/Amsterdam", "Local", `line 13: organizations[0].time_zone must be an IANA`},
		{"time zone as a path", "Europe/Amsterdam", "../../etc/passwd", `line 13: organizations[0].time_zone`},
		{"country", "country: NL", "country: NLD", `line 12: organizations[0].country must be an ISO 3166`},
		{"country that is none", "country: NL", "country: QQ", `line 12: organizations[0].country must be an ISO 3166`},
		{"e-mail", "hello@wayhaven.example", "Wayhaven <hello@wayhaven.example>", `line 17: organizations[0].contact_email must be an e-mail`},
		{"day", "starts: 2026-03-01", "starts: 1 March", `line 34: appeals[0].starts must be a day`},
		{"day that is none", "ends: 2026-03-29", "ends: 2026-02-30", `line 35: appeals[0].ends must be a day`},
		{"ends before it starts", "ends: 2026-03-29", "ends: 2026-02-01", `line 35: appeals[0].ends is before it starts`},
		{"rate", "rate: 1.5%", "rate: 1.5", `line 2: fee_cover.EUR.rate must be a percentage`},
		{"rate of everything", "rate: 1.5%", "rate: 100%", `line 2: fee_cover.EUR.rate must be a percentage`},
		{"fee cover in nothing", "  EUR: {rate", "  euro: {rate", `line 2: fee_cover.euro is not a currency`},
		{"title missing", "    title: Shelter tonight\n", "", `line 22: appeals[0].title is missing`},
		{"page goal", "goal: 5400", "goal: lots", `line 42: fundraisers[0].goal "lots" must be an amount in EUR`},
		{"no organization", small, "appeals: []\n", `organizations is missing`},
		{"empty", small, "", "the file is empty"},
		{"only a comment", small, "# later\n", "the file is empty"},
		{"two documents", small, small + "---\nappeals: []\n", "more than one YAML document"},
		{"a list", small, "- one\n", "line 1: cannot unmarshal"},
		{"endless aliases", small, "a: &a [x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n" + bomb(), "nothing was loaded"},
		{"binary", small, "\x00\x01", "nothing was loaded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(small, c.from, c.to, 1)
			if text == small {
				t.Fatal("the test changes nothing")
			}
			_, err := readFile(strings.NewReader(text))
			var invalid *InvalidFileError
			if !errors.As(err, &invalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

// bomb is a file that grows a thousandfold with each line when it is unfolded.
func bomb() string {
	var b strings.Builder
	for from := 'b'; from < 'n'; from++ {
		fmt.Fprintf(&b, "%c: &%c [%s*%c]\n", from+1, from+1, strings.Repeat(fmt.Sprintf("*%c,", from), 9), from)
	}
	return b.String()
}

func TestAllMistakesAreSaidAtOnce(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("country: NL", "country: XX", "minimum: 1.00", "minimum: 0.01", "goal: 5400", "goal: x").Replace(small)
	_, err := readFile(strings.NewReader(text))
	var invalid *InvalidFileError
	if !errors.As(err, &invalid) || len(invalid.Problems) != 3 {
		t.Fatalf("%v", err)
	}
	if invalid.Problems[0].Line != 12 || invalid.Problems[1].Line != 30 || invalid.Problems[2].Line != 42 {
		t.Errorf("not by line: %+v", invalid.Problems)
	}
}

func TestAFileTooLargeIsNotRead(t *testing.T) {
	t.Parallel()
	_, err := readFile(strings.NewReader(strings.Repeat("# nothing\n", 500_000)))
	if err == nil || !strings.Contains(err.Error(), "larger than 4 MiB") {
		t.Errorf("%v", err)
	}
	broken := errors.New("disk gone")
	_, err = readFile(failing{broken})
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzReadFile(f *testing.F) {
	f.Add(small)
	f.Add("organizations: [{code: A, funds: [{}]}]\nappeals: [{funds: [x], currency: EUR}]")
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := readFile(strings.NewReader(text))
		var invalid *InvalidFileError
		if err == nil && len(doc.Organizations) == 0 {
			t.Error("a file without an organization passes")
		}
		if err != nil && (!errors.As(err, &invalid) || len(invalid.Problems) == 0) {
			t.Errorf("an error that says nothing: %v", err)
		}
	})
}
