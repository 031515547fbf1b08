package domain_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

var (
	eur       = money.MustCurrency("EUR")
	jpy       = money.MustCurrency("JPY")
	paidAt    = time.Date(2026, 11, 4, 9, 30, 0, 0, time.UTC)
	issuedAt  = time.Date(2026, 11, 4, 9, 30, 2, 0, time.UTC)
	waterFund = domain.Fund{FundKey: domain.FundKey{OrganizationID: "org-refuge", Code: "WATER"}, Name: "Water in the camps", Version: 3}
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	location, err := time.LoadLocation(name)
	if err != nil {
		t.Fatalf("load time zone: %v", err)
	}
	return location
}

func refuge(t *testing.T) domain.Organization {
	return domain.Organization{
		ID: "org-refuge", Code: "REFUGE", LegalName: "Refuge Aid Association",
		Address: []string{"12 Harbour Street", "1204 Geneva", "Switzerland"}, Registration: "CHE-123.456.789",
		Contact: "gifts@refuge.example", TimeZone: zone(t, "Europe/Zurich"), Profile: "generic", Version: 1,
	}
}

func gift() domain.Gift {
	return domain.Gift{
		DonationID: "0b5b0f0e-1df4-4d32-9d43-4d8f7b4a9c11", Fund: waterFund.FundKey,
		Amount: money.Amount{Minor: 10000, Currency: eur}, Cover: money.Amount{Minor: 330, Currency: eur},
		PaidAt: paidAt, PaymentReference: "pi_3QabcWater", SucceededAt: paidAt.Add(time.Second),
	}
}

func donor() domain.Donor {
	return domain.Donor{Name: "Amina Diallo", Email: "amina@example.org", Language: "en"}
}

func TestReceiptIsForGiftAndCoverTogether(t *testing.T) {
	t.Parallel()
	document, err := domain.Compose(gift(), refuge(t), waterFund, donor(), issuedAt, "en")
	if err != nil {
		t.Fatalf("compose: %v", err)
	}
	if got, want := document.Total, (money.Amount{Minor: 10330, Currency: eur}); got != want {
		t.Errorf("total = %s, want %s", got, want)
	}
	if document.DonorName != "Amina Diallo" || document.FundName != "Water in the camps" || document.PaymentReference != "pi_3QabcWater" {
		t.Errorf("document does not say who gave what to which fund: %+v", document)
	}
}

// Just before midnight in Geneva it is already the new year in Auckland.
func TestDaysAndYearsAreTheOrganizations(t *testing.T) {
	t.Parallel()
	lastEvening := time.Date(2026, 12, 31, 22, 59, 0, 0, time.UTC)
	for _, c := range []struct {
		zone string
		day  string
		year int
	}{
		{"Europe/Zurich", "2026-12-31", 2026},
		{"Pacific/Auckland", "2027-01-01", 2027},
		{"America/New_York", "2026-12-31", 2026},
	} {
		o := refuge(t)
		o.TimeZone = zone(t, c.zone)
		g := gift()
		g.PaidAt = lastEvening
		document, err := domain.Compose(g, o, waterFund, donor(), lastEvening.Add(30*time.Second), "en")
		if err != nil {
			t.Fatalf("%s: compose: %v", c.zone, err)
		}
		if document.ReceivedOn != c.day || document.IssuedOn != c.day {
			t.Errorf("%s: received %s, issued %s, want %s", c.zone, document.ReceivedOn, document.IssuedOn, c.day)
		}
		if got := domain.SeriesOf(o, lastEvening).Year; got != c.year {
			t.Errorf("%s: series of %d, want %d", c.zone, got, c.year)
		}
	}
}

func TestIncompleteReceiptIsRefusedWithEverythingThatIsMissing(t *testing.T) {
	t.Parallel()
	o := refuge(t)
	o.LegalName, o.Address = " ", nil
	_, err := domain.Compose(gift(), o, waterFund, domain.Donor{}, issuedAt, "en")
	var refusal *domain.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("compose = %v, want a refusal", err)
	}
	for _, want := range []string{"legal name", "organization's address", "donor's name", "donor's e-mail"} {
		if !strings.Contains(refusal.Reason, want) {
			t.Errorf("refusal %q does not name %q", refusal.Reason, want)
		}
	}
}

func TestUnknownProfileIsRefused(t *testing.T) {
	t.Parallel()
	o := refuge(t)
	o.Profile = "atlantis"
	_, err := domain.Compose(gift(), o, waterFund, donor(), issuedAt, "en")
	if err == nil || !strings.Contains(err.Error(), "atlantis") {
		t.Fatalf("compose = %v, want a refusal that names the profile", err)
	}
}

func TestNameIsKeptAsGivenButForWhatNoDatabaseHolds(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"أمينة الديالو":      "أمينة الديالو",
		"O'Brien <b>& co":    "O'Brien <b>& co",
		"Amina\x00Diallo":    "Amina\uFFFDDiallo",
		"Amina\r\nBcc: x@y.": "Amina\r\nBcc: x@y.",
	} {
		d := donor()
		d.Name = given
		document, err := domain.Compose(gift(), refuge(t), waterFund, d, issuedAt, "en")
		if err != nil {
			t.Fatalf("compose for %q: %v", given, err)
		}
		if document.DonorName != want {
			t.Errorf("name %q became %q, want %q", given, document.DonorName, want)
		}
	}
}

func TestGiftsThatCanNeverBeReceiptedAreToldApart(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*domain.Gift){
		"no id":                func(g *domain.Gift) { g.DonationID = "" },
		"no organization":      func(g *domain.Gift) { g.Fund.OrganizationID = "" },
		"no fund":              func(g *domain.Gift) { g.Fund.Code = "" },
		"nothing given":        func(g *domain.Gift) { g.Amount.Minor = 0 },
		"negative cover":       func(g *domain.Gift) { g.Cover.Minor = -1 },
		"cover in yen":         func(g *domain.Gift) { g.Cover.Currency = jpy },
		"more than can be":     func(g *domain.Gift) { g.Amount.Minor = math.MaxInt64 },
		"no time of payment":   func(g *domain.Gift) { g.PaidAt = time.UnixMicro(0) },
		"zero time of payment": func(g *domain.Gift) { g.PaidAt = time.Time{} },
	} {
		g := gift()
		spoil(&g)
		if g.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	err := gift().Validate()
	if err != nil {
		t.Errorf("a good gift is refused: %v", err)
	}
}

func TestOrganizationsThatCannotNumberAreRefused(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*domain.Organization){
		"no id":        func(o *domain.Organization) { o.ID = "" },
		"small code":   func(o *domain.Organization) { o.Code = "refuge" },
		"slash":        func(o *domain.Organization) { o.Code = "RE/FUGE" },
		"dash":         func(o *domain.Organization) { o.Code = "RE-FUGE" },
		"no code":      func(o *domain.Organization) { o.Code = "" },
		"no time zone": func(o *domain.Organization) { o.TimeZone = nil },
		"no version":   func(o *domain.Organization) { o.Version = 0 },
	} {
		o := refuge(t)
		spoil(&o)
		if o.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	err := refuge(t).Validate()
	if err != nil {
		t.Errorf("a good organization is refused: %v", err)
	}
	if (domain.Fund{}).Validate() == nil || waterFund.Validate() != nil {
		t.Error("funds are not told apart")
	}
}

func TestNumberHasOneSpelling(t *testing.T) {
	t.Parallel()
	n := domain.Number{Code: "REFUGE", Year: 2026, Sequence: 123}
	if got := n.String(); got != "REFUGE-2026-000123" {
		t.Fatalf("number = %q", got)
	}
	for _, other := range []string{
		"", "REFUGE-2026-123", "REFUGE-2026-0000123", "refuge-2026-000123", "REFUGE-2026-000123\n",
		"REFUGE-2026-000123/..", "REFUGE-2026-\x00000123", "REFUGE-26-000123", "-2026-000123", "REFUGE-2026-1234567890123456789012",
	} {
		_, ok := domain.ParseNumber(other)
		if ok {
			t.Errorf("%q is taken for a number", other)
		}
	}
}

func TestNumbersSurviveWritingAndReading(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := domain.Number{
			Code:     rapid.StringMatching(`[A-Z0-9]{2,12}`).Draw(t, "code"),
			Year:     rapid.IntRange(1970, 9999).Draw(t, "year"),
			Sequence: rapid.Int64Range(1, 1e15).Draw(t, "sequence"),
		}
		back, ok := domain.ParseNumber(n.String())
		if !ok || back != n {
			t.Fatalf("%v written as %q is read as %v, %v", n, n.String(), back, ok)
		}
	})
}

func TestTokenOpensOneReceiptAlone(t *testing.T) {
	t.Parallel()
	signer, err := domain.NewLinkSigner([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatalf("signer: %v", err)
	}
	other, err := domain.NewLinkSigner([]byte("another secret of this length ok"))
	if err != nil {
		t.Fatalf("signer: %v", err)
	}
	token := signer.Token("REFUGE-2026-000123", 1)
	if len(token) != 43 || strings.ContainsAny(token, "+/=") {
		t.Errorf("token %q does not fit an address", token)
	}
	if !signer.Verify(token, "REFUGE-2026-000123", 1) {
		t.Error("the token does not open its own receipt")
	}
	wrong := []bool{
		signer.Verify(token, "REFUGE-2026-000124", 1),
		signer.Verify(token, "REFUGE-2026-000123", 2),
		signer.Verify(token[:42], "REFUGE-2026-000123", 1),
		signer.Verify("", "REFUGE-2026-000123", 1),
		other.Verify(token, "REFUGE-2026-000123", 1),
	}
	if slices.Contains(wrong, true) {
		t.Errorf("a token opens what is not its own: %v", wrong)
	}
	_, err = domain.NewLinkSigner([]byte("short"))
	if err == nil {
		t.Error("a guessable secret is accepted")
	}
}

func TestCheckCodesArePlainAndOfOneReceipt(t *testing.T) {
	t.Parallel()
	codes, err := domain.NewCheckCodes([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := domain.NewCheckCodes([]byte("fedcba9876543210"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = domain.NewCheckCodes([]byte("too short"))
	if err == nil {
		t.Error("a short secret is taken")
	}
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`[A-Z0-9]{2,12}-[0-9]{4}-[0-9]{6}`).Draw(t, "number")
		version := rapid.IntRange(1, 99).Draw(t, "version")
		code := codes.Code(number, version)
		if len(code) != 10 || strings.ContainsAny(code, "ILOU") || strings.ToUpper(code) != code {
			t.Fatalf("code %q", code)
		}
		misread := strings.NewReplacer("0", "o", "1", "l").Replace(domain.SpacedCode(code))
		if !codes.Verify(code, number, version) || !codes.Verify(strings.ToLower(misread), number, version) {
			t.Fatalf("%q and %q are not taken", code, misread)
		}
		if codes.Verify(code, number, version+1) || codes.Verify(code, number+"0", version) || other.Verify(code, number, version) || codes.Verify("", number, version) {
			t.Fatal("the code opens another receipt")
		}
	})
}
