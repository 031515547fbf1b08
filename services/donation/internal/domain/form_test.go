package domain

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
)

func form() Form {
	return Form{
		AppealSlug: "winter-shelter", Gift: money.Amount{Minor: 50_00, Currency: eur},
		Name: "Amina Yusuf", Email: "amina@example.org", Message: "For a warm room.",
	}
}

func reasons(fields []apperr.Field) string {
	var all []string
	for _, f := range fields {
		all = append(all, f.Name+":"+f.Reason)
	}
	return strings.Join(all, " ")
}

func TestFormAsMostPeopleSendIt(t *testing.T) {
	t.Parallel()
	got, wrong := form().Checked()
	if len(wrong) != 0 {
		t.Fatalf("refused: %v", wrong)
	}
	if got.Visibility != Public {
		t.Errorf("visibility %q, want public when nothing was chosen", got.Visibility)
	}
}

func TestWhatADonorTypesWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Form)
		want   string
	}{
		"no amount":               {func(f *Form) { f.Gift.Minor = 0 }, "amount:AMOUNT_EMPTY"},
		"negative amount":         {func(f *Form) { f.Gift.Minor = -5_00 }, "amount:AMOUNT_EMPTY"},
		"no name":                 {func(f *Form) { f.Name = " \t" }, "name:NAME_EMPTY"},
		"only controls as a name": {func(f *Form) { f.Name = "\u202E\u0007" }, "name:NAME_EMPTY"},
		"a name of nothing seen":  {func(f *Form) { f.Name = "\u200b\u2060\u00ad" }, "name:NAME_EMPTY"},
		"name of 101 letters":     {func(f *Form) { f.Name = strings.Repeat("é", 101) }, "name:NAME_LONG"},
		"name with a header":      {func(f *Form) { f.Name = "Amina\r\nBcc: all@example.org" }, "name:NAME_LINES"},
		"no address":              {func(f *Form) { f.Email = "" }, "email:EMAIL_EMPTY"},
		"address with a header":   {func(f *Form) { f.Email = "a@example.org\nBcc: b@example.org" }, "email:EMAIL_LINES"},
		"address without at":      {func(f *Form) { f.Email = "amina.example.org" }, "email:EMAIL_INVALID"},
		"address without dot":     {func(f *Form) { f.Email = "amina@localhost" }, "email:EMAIL_INVALID"},
		"two ats":                 {func(f *Form) { f.Email = "a@b@example.org" }, "email:EMAIL_INVALID"},
		"address with a name":     {func(f *Form) { f.Email = "Amina <amina@example.org>" }, "email:EMAIL_INVALID"},
		"two addresses":           {func(f *Form) { f.Email = "a@example.org,b@example.org" }, "email:EMAIL_INVALID"},
		"empty label":             {func(f *Form) { f.Email = "a@example..org" }, "email:EMAIL_INVALID"},
		"label with underscore":   {func(f *Form) { f.Email = "a@ex_ample.org" }, "email:EMAIL_INVALID"},
		"very long address":       {func(f *Form) { f.Email = strings.Repeat("a", 250) + "@example.org" }, "email:EMAIL_LONG"},
		"long local part":         {func(f *Form) { f.Email = strings.Repeat("a", 65) + "@example.org" }, "email:EMAIL_INVALID"},
		"501 characters":          {func(f *Form) { f.Message = strings.Repeat("x", 501) }, "message:MESSAGE_LONG"},
		"5,000 emoji":             {func(f *Form) { f.Message = strings.Repeat("🕊️", 5_000) }, "message:MESSAGE_LONG"},
		"9 kB of joined emoji":    {func(f *Form) { f.Message = strings.Repeat("👩\u200d", 1300) }, "message:MESSAGE_LONG"},
		"unknown visibility":      {func(f *Form) { f.Visibility = "friends" }, "visibility:VISIBILITY_UNKNOWN"},
		"endless fund":            {func(f *Form) { f.FundCode = strings.Repeat("F", 65) }, "fund:FUND_UNKNOWN"},
		"several at once": {
			func(f *Form) { f.Gift.Minor, f.Name, f.Email = 0, "", "x" },
			"amount:AMOUNT_EMPTY name:NAME_EMPTY email:EMAIL_INVALID",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := form()
			c.change(&f)
			_, wrong := f.Checked()
			if reasons(wrong) != c.want {
				t.Errorf("got %q, want %q", reasons(wrong), c.want)
			}
		})
	}
}

func TestWhatADonorMayType(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Form)
		check  func(Form) bool
	}{
		"html stays text":          {func(f *Form) { f.Message = `<script>alert("x")</script>` }, func(f Form) bool { return f.Message == `<script>alert("x")</script>` }},
		"bidi controls are gone":   {func(f *Form) { f.Name = "Amina\u202E fusuY\u2066" }, func(f Form) bool { return f.Name == "Amina fusuY" }},
		"controls are gone":        {func(f *Form) { f.Message = "a\x00b\x1b[31mc\u200F" }, func(f Form) bool { return f.Message == "ab[31mc" }},
		"accents in a heap":        {func(f *Form) { f.Name = "Zoe" + strings.Repeat("\u0301", 200) + " M" }, func(f Form) bool { return f.Name == "Zoe"+strings.Repeat("\u0301", 8)+" M" }},
		"lines stay in a message":  {func(f *Form) { f.Message = "one\r\ntwo\rthree\u2028four" }, func(f Form) bool { return f.Message == "one\ntwo\nthree\nfour" }},
		"blanks of a name":         {func(f *Form) { f.Name = "  Amina \u00a0 Yusuf " }, func(f Form) bool { return f.Name == "Amina Yusuf" }},
		"blanks of an address":     {func(f *Form) { f.Email = " amina+gift@mail.example.org " }, func(f Form) bool { return f.Email == "amina+gift@mail.example.org" }},
		"500 joined emoji":         {func(f *Form) { f.Message = strings.Repeat("🕊", 500) }, func(f Form) bool { return true }},
		"joiners of Persian stay":  {func(f *Form) { f.Name = "می\u200cخواهم" }, func(f Form) bool { return strings.Contains(f.Name, "\u200c") }},
		"broken UTF-8 is replaced": {func(f *Form) { f.Name = "Am\xffina" }, func(f Form) bool { return f.Name == "Am\uFFFDina" }},
		"a forged share code":      {func(f *Form) { f.ShareCode = "x\x00y" }, func(f Form) bool { return f.ShareCode == "" }},
		"an endless language":      {func(f *Form) { f.Language = strings.Repeat("e", 90) }, func(f Form) bool { return f.Language == "" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := form()
			c.change(&f)
			got, wrong := f.Checked()
			if len(wrong) != 0 || !c.check(got) {
				t.Errorf("got %+v, %v", got, wrong)
			}
		})
	}
}

func TestCharactersAreWhatAReaderCounts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"":           0,
		"Grüße":      5,
		"e\u0301":    1,
		"👍🏽":         1,
		"👨‍👩‍👧‍👦":    1,
		"🇺🇦🇸🇩":       2,
		"❤️":         1,
		"السلام":     6,
		"a\u200Db c": 3, // joined letters count as one; never more than code points
	} {
		if got := characters(text); got != want {
			t.Errorf("%q counts %d, want %d", text, got, want)
		}
	}
}

// Whatever bytes arrive, what is stored is valid text without the characters
// that could harm a page or a mail header, and checking it again changes nothing.
func TestCleanedTextIsSafeAndStays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		f := form()
		f.Name, f.Message = raw, raw
		got, _ := f.Checked()
		if strings.ContainsAny(got.Name, "\r\n\t\x00") || strings.ContainsRune(got.Message, '\r') {
			t.Fatalf("control characters in %q or %q", got.Name, got.Message)
		}
		for _, r := range got.Name + got.Message {
			if turnsDirection(r) {
				t.Fatalf("%U is left", r)
			}
		}
		again, _ := got.Checked()
		if again != got {
			t.Fatalf("checked twice: %+v, then %+v", got, again)
		}
	})
}

func terms() Terms {
	return Terms{Currency: eur, Minimum: 2_00, Rate: money.Rate{PPM: 29_000}, Fixed: 30}
}

func TestPriceOfAGift(t *testing.T) {
	t.Parallel()
	kwd, isk := money.MustCurrency("KWD"), money.MustCurrency("ISK")
	for name, c := range map[string]struct {
		gift  money.Amount
		terms Terms
		cover bool
		want  string
		adds  int64
	}{
		"without cover":            {money.Amount{Minor: 100_00, Currency: eur}, terms(), false, "", 0},
		"with cover":               {money.Amount{Minor: 100_00, Currency: eur}, terms(), true, "", 3_30},
		"below the appeal":         {money.Amount{Minor: 1_99, Currency: eur}, terms(), false, "amount:AMOUNT_SMALL", 0},
		"below Stripe's":           {money.Amount{Minor: 49, Currency: eur}, Terms{Currency: eur}, false, "amount:AMOUNT_SMALL", 0},
		"above Stripe's":           {money.Amount{Minor: 1_000_000_00, Currency: eur}, terms(), false, "amount:AMOUNT_LARGE", 0},
		"above with the fee":       {money.Amount{Minor: 999_999_99, Currency: eur}, terms(), true, "amount:AMOUNT_LARGE_WITH_FEE", 0},
		"another currency":         {money.Amount{Minor: 50_00, Currency: isk}, terms(), false, "currency:CURRENCY_DIFFERS", 0},
		"third decimal of a dinar": {money.Amount{Minor: 10_505, Currency: kwd}, Terms{Currency: kwd}, false, "amount:AMOUNT_STEP", 0},
		"a fee of 100 percent":     {money.Amount{Minor: 50_00, Currency: eur}, Terms{Currency: eur, Rate: money.Rate{PPM: 1_000_000}}, true, "amount:AMOUNT_LARGE_WITH_FEE", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := Form{Gift: c.gift, CoverFees: c.cover, Language: "en"}
			cover, wrong := f.Price(c.terms)
			if reasons(wrong) != c.want || cover.Minor != c.adds {
				t.Errorf("got %s, %q; want %d, %q", cover, reasons(wrong), c.adds, c.want)
			}
		})
	}
}

func TestWhatIsShownOfADonor(t *testing.T) {
	t.Parallel()
	donor := Donor{Name: "Amina Yusuf", Email: "amina@example.org", Message: "For a warm room."}
	for visibility, want := range map[Visibility]Shown{
		Public:     {"Amina Yusuf", "For a warm room."},
		FirstName:  {"Amina", "For a warm room."},
		Anonymous:  {},
		"":         {},
		"whatever": {},
	} {
		if got := visibility.Show(donor); got != want {
			t.Errorf("%q shows %+v, want %+v", visibility, got, want)
		}
	}
}
