package domain_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"pgregory.net/rapid"
)

var (
	states  = []domain.State{domain.Draft, domain.Live, domain.Paused, domain.Closed, domain.TakenDown}
	deeds   = []domain.Action{domain.Publish, domain.Pause, domain.Resume, domain.Close, domain.Discard}
	anyText = rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune("aZ9 ߿\u202e\u200b\r\n\t\x00éßقم中🎁\u0301-")), 0, 60, -1))
)

func goodInput() domain.PageInput {
	return domain.PageInput{
		AppealSlug: "shelter-tonight", Slug: "salma-walks-the-coast", Title: "180 kilometres, one for each family",
		Owner: "Salma Haddad", Goal: 5_400_00, Story: "I was *nine* when we left.",
	}
}

func TestWhatAnOwnerMayDo(t *testing.T) {
	t.Parallel()
	can := map[domain.Action][]domain.State{
		domain.Publish: {domain.Draft, domain.Live},
		domain.Pause:   {domain.Live, domain.Paused},
		domain.Resume:  {domain.Live, domain.Paused},
		domain.Close:   {domain.Live, domain.Paused, domain.Closed},
		domain.Discard: {domain.Draft},
	}
	for _, deed := range deeds {
		for _, state := range states {
			_, allowed := state.After(deed)
			if allowed != slices.Contains(can[deed], state) {
				t.Errorf("%s a %s page: %v", deed, state, allowed)
			}
		}
	}
	if _, allowed := domain.Live.After("sell"); allowed {
		t.Error("an action that does not exist is allowed")
	}
}

// Whatever an owner does in whatever order: what was published is never a draft
// again, closed is for good, what staff took down no owner brings back, and
// doing it twice is doing it once.
func TestStatesOnlyGoForward(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		state := rapid.SampledFrom(states).Draw(r, "state")
		published := state != domain.Draft
		for range rapid.IntRange(1, 30).Draw(r, "deeds") {
			deed := rapid.SampledFrom(deeds).Draw(r, "deed")
			next, allowed := state.After(deed)
			if !allowed {
				continue
			}
			again, allowed := next.After(deed)
			if !allowed || again != next {
				r.Fatalf("%s twice leads from %s over %s to %s, %v", deed, state, next, again, allowed)
			}
			if published && next == domain.Draft {
				r.Fatalf("%s made a %s page a draft", deed, state)
			}
			if (state == domain.Closed || state == domain.TakenDown) && next != state {
				r.Fatalf("%s made a %s page %s", deed, state, next)
			}
			state, published = next, published || next != domain.Draft
		}
	})
}

func TestAGoodPageHasNoFaults(t *testing.T) {
	t.Parallel()
	for _, title := range []string{"مئة وثمانون كيلومترا", "Пробег за школу", "我们的面包", "👩‍👩‍👧‍👦 run", "Für Zoë"} {
		in := goodInput()
		in.Title, in.Owner, in.Slug, in.Story = title, title, "", ""
		if faults := in.Clean().Faults(); len(faults) != 0 {
			t.Errorf("%s: %+v", title, faults)
		}
	}
}

func TestEachFaultIsBesideItsField(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil         func(*domain.PageInput)
		field, reason string
	}{
		"no appeal":        {func(in *domain.PageInput) { in.AppealSlug = "" }, "appeal_slug", "APPEAL_MISSING"},
		"reserved":         {func(in *domain.PageInput) { in.Slug = "account" }, "slug", "SLUG_INVALID"},
		"capitals":         {func(in *domain.PageInput) { in.Slug = "Salma" }, "slug", "SLUG_INVALID"},
		"path":             {func(in *domain.PageInput) { in.Slug = "../../etc" }, "slug", "SLUG_INVALID"},
		"no title":         {func(in *domain.PageInput) { in.Title = " \t " }, "title", "TITLE_MISSING"},
		"invisible title":  {func(in *domain.PageInput) { in.Title = "\u200b\u2060\u00ad\u202e" }, "title", "TITLE_MISSING"},
		"long title":       {func(in *domain.PageInput) { in.Title = strings.Repeat("é", 121) }, "title", "TITLE_TOO_LONG"},
		"no name":          {func(in *domain.PageInput) { in.Owner = "" }, "owner_name", "OWNER_NAME_MISSING"},
		"long name":        {func(in *domain.PageInput) { in.Owner = strings.Repeat("م", 121) }, "owner_name", "OWNER_NAME_TOO_LONG"},
		"no goal":          {func(in *domain.PageInput) { in.Goal = 0 }, "goal_minor", "GOAL_MISSING"},
		"negative goal":    {func(in *domain.PageInput) { in.Goal = -1 }, "goal_minor", "GOAL_MISSING"},
		"goal of the moon": {func(in *domain.PageInput) { in.Goal = domain.LargestGoal + 1 }, "goal_minor", "GOAL_TOO_LARGE"},
		"endless story":    {func(in *domain.PageInput) { in.Story = strings.Repeat("é", 20_001) }, "story_markdown", "STORY_TOO_LONG"},
	} {
		in := goodInput()
		c.spoil(&in)
		faults := in.Clean().Faults()
		if len(faults) != 1 || faults[0].Name != c.field || faults[0].Reason != c.reason || faults[0].Message == "" {
			t.Errorf("%s: %+v", name, faults)
		}
	}
	in := goodInput()
	in.Story = strings.Repeat("é", 20_000)
	in.Goal = domain.LargestGoal
	if faults := in.Clean().Faults(); len(faults) != 0 {
		t.Errorf("at the bounds: %+v", faults)
	}
	unfinished := domain.Page{Title: "T", Owner: "O", Goal: 1}.Unfinished("shelter-tonight")
	if len(unfinished) != 1 || unfinished[0].Name != "story_markdown" {
		t.Errorf("%+v", unfinished)
	}
}

func TestTypedTextIsSafeToShow(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"  Salma\r\nHaddad\x00 ":           "Salma\nHaddad",
		"one\rtwo\u2028three\u0085four":    "one\ntwo\nthree\nfour",
		"\ufeffa\tb\u00a0c":                "a b c",
		"gift \u202efdp.exe":               "gift fdp.exe",
		"می\u200cخواهم":                    "می\u200cخواهم",
		"z" + strings.Repeat("\u0301", 90): "z" + strings.Repeat("\u0301", 8),
		"bad \xff byte":                    "bad \uFFFD byte",
	} {
		if got := domain.Text(typed); got != want {
			t.Errorf("%q became %q, want %q", typed, got, want)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		typed := anyText.Draw(r, "typed")
		text, line := domain.Text(typed), domain.OneLine(typed)
		if !utf8.ValidString(text) || domain.Text(text) != text || domain.OneLine(line) != line {
			r.Fatalf("%q became %q and %q, which are not done", typed, text, line)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) || strings.Contains(line, "\n") {
			r.Fatalf("%q became %q and %q", typed, text, line)
		}
		if domain.Characters(text) > utf8.RuneCountInString(text) {
			r.Fatalf("%q has %d characters", text, domain.Characters(text))
		}
	})
}

func TestSlugsFromTitles(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{
		"180 kilometres, one for each family": "180-kilometres-one-for-each-family",
		"Für Zoë & Łukasz":                    "fur-zoe-and-lukasz",
		"Ça va être l’été":                    "ca-va-etre-lete",
		"Straße nach Århus":                   "strasse-nach-arhus",
		"ﬁnish ①②③":                           "finish-123",
		"مئة وثمانون كيلومترا":                "",
		"我们的面包":                               "",
		"Пробег":                              "",
		"!!!":                                 "",
		"🎁🎁":                                  "",
		"Le pain de la rue Mouffetard pour les voisins qui arrivent": "le-pain-de-la-rue-mouffetard-pour-les-voisins",
		strings.Repeat("a", 200):                                     strings.Repeat("a", 48),
	} {
		if got := domain.SlugFrom(title); got != want {
			t.Errorf("%q became %q, want %q", title, got, want)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		offers := domain.SlugsFor(anyText.Draw(r, "wanted"), anyText.Draw(r, "title"), "shelter-tonight", "x7k2qa")
		if len(offers) == 0 || !strings.HasSuffix(offers[len(offers)-1], "-x7k2qa") {
			r.Fatalf("%q", offers)
		}
		for _, offer := range offers {
			if problem := domain.CheckSlug(offer); problem != "" {
				r.Fatalf("%q %s", offer, problem)
			}
		}
	})
	if offers := domain.SlugsFor("", "我们的面包", "shelter-tonight", "x7k2qa"); !slices.Equal(offers, []string{"shelter-tonight-x7k2qa"}) {
		t.Errorf("%q", offers)
	}
	if offers := domain.SlugsFor("", "Donate", "shelter-tonight", "x7k2qa"); offers[0] != "donate-2" {
		t.Errorf("a title that is a word of the site is offered %q", offers)
	}
	long := strings.Repeat("long-", 11) + "appea"
	if offers := domain.SlugsFor("", "我们的面包", long, "x7k2qa"); len(offers) != 1 {
		t.Errorf("%q", offers)
	}
}

func TestAddressesOfAccounts(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		" Salma.Haddad+walk@Example.ORG ":   "salma.haddad+walk@example.org",
		"SALMA@EXAMPLE.ORG":                 "salma@example.org",
		"\u212aelvin@example.org":           "\u212aelvin@example.org", // Kelvin's K is no k
		"Salma <salma@example.org>":         "",
		"salma":                             "",
		"salma@example.org\nBcc: all":       "",
		"":                                  "",
		strings.Repeat("a", 250) + "@e.org": "",
	} {
		got, ok := domain.NormalEmail(typed)
		if got != want || ok != (want != "") {
			t.Errorf("%q became %q, %v", typed, got, ok)
		}
	}
	for tag, want := range map[string]string{"ar": "ar", "EN-gb": "en-GB", "": "", "not a language": "", "und": "", strings.Repeat("x", 99): ""} {
		got, ok := domain.NormalLanguage(tag)
		if got != want || ok != (want != "") {
			t.Errorf("%q became %q, %v", tag, got, ok)
		}
	}
}
