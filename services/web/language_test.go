package web_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/texts"
)

// in asks for a page in a language, as a browser with these settings does.
func in(t *testing.T, site http.Handler, lang, path string) page {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, path, nil)
	request.Header.Set("Accept-Language", lang)
	return answeredIn(t, site, lang, request)
}

func answeredIn(t *testing.T, site http.Handler, lang string, request *http.Request) page {
	t.Helper()
	recorder := httptest.NewRecorder()
	site.ServeHTTP(recorder, request)
	dir := "ltr"
	if lang == "ar" {
		dir = "rtl"
	}
	return parseIn(t, recorder.Body.String(), lang, dir)
}

// What a page says of itself, in the words of each language; and none of them in
// another's.
func TestEveryPageSpeaksTheReadersLanguage(t *testing.T) {
	t.Parallel()
	words := map[string]map[string]string{
		"/":                              {"en": "Emergency appeal", "fr": "Appel d’urgence", "es": "Llamamiento de emergencia", "ar": "نداء طارئ"},
		"/appeals/river-floods":          {"en": "312 gifts, 18% of the goal.", "fr": "312 dons, 18\u00a0% de l’objectif.", "es": "312 donativos, 18\u00a0% del objetivo.", "ar": "312 تبرعًا"},
		"/appeals/river-floods/donate":   {"en": "Continue to payment", "fr": "Passer au paiement", "es": "Continuar al pago", "ar": "المتابعة إلى الدفع"},
		"/f/amina-runs":                  {"en": "A page by Amina Yusuf", "fr": "Une page de Amina Yusuf", "es": "Una página de Amina Yusuf", "ar": "صفحة Amina Yusuf"},
		thanks:                           {"en": "Your gift to Families", "fr": "Votre don pour Families", "es": "Su donativo para Families", "ar": "وصل تبرعك إلى Families"},
		"/receipts/REFUGE-2026-000123/x": {"en": "This page does not exist", "fr": "Cette page n’existe pas", "es": "Esta página no existe", "ar": "هذه الصفحة غير موجودة"},
		"/appeals/last-year/donate":      {"en": "This appeal is closed", "fr": "Cet appel est clos", "es": "Esta campaña está cerrada", "ar": "أُغلق هذا النداء"},
	}
	c := newCharity()
	c.gifts = recent()
	site := open(t, c)
	for path, said := range words {
		for lang := range said {
			p := in(t, site, lang, path)
			for other, words := range said {
				if p.says(folded(words)) != (other == lang) {
					t.Errorf("%s in %s and the words %q: %s", path, lang, words, text(p.first("main")))
				}
			}
		}
	}
}

// folded is a text as tests read pages: every blank is a space.
func folded(words string) string { return strings.Join(strings.Fields(words), " ") }

func TestAmountsAreReadAndErrorsSaidInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	tests := []struct{ lang, amount, says string }{
		{"fr", "1,99", "Le don minimal est de 2,00 $US."},
		{"fr", "0", "Saisissez un montant supérieur à zéro. Le don minimal est de 2,00 $US."},
		{"es", "1,99", "El donativo mínimo es de 2,00 US$."},
		{"es", "10,5555", "Escriba como máximo dos decimales, por ejemplo 2,00."},
		{"ar", "خمسون", "اكتب المبلغ بالأرقام، مثل 2.00."},
		{"fr", "1 234,50", ""},
		{"es", "1.234,50", ""},
		{"ar", "١٬٢٣٤٫٥٠", ""},
	}
	for _, tt := range tests {
		c := newCharity()
		site := open(t, c)
		request := httptest.NewRequest(http.MethodPost, "/appeals/river-floods/donate", strings.NewReader(filled("amount", tt.amount).Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Accept-Language", tt.lang)
		if tt.says == "" {
			recorder := httptest.NewRecorder()
			site.ServeHTTP(recorder, request)
			if r := c.requests(); len(r) != 1 || r[0].GetGift().GetMinor() != 123_450 || r[0].GetLanguage() != tt.lang {
				t.Errorf("%s %s: %d, asked for %v", tt.lang, tt.amount, recorder.Code, r)
			}
			continue
		}
		p := answeredIn(t, site, tt.lang, request)
		p.expectError(t, tt.lang+" "+tt.amount, folded(tt.says))
		p.expectKept(t, tt.lang+" "+tt.amount, filled("amount", tt.amount), "")
	}
}

// The donation service speaks English; what it refuses has a reason, and the page
// has words for it.
func TestEveryReasonOfTheDonationServiceHasWords(t *testing.T) {
	t.Parallel()
	reasons := []string{
		"AMOUNT_EMPTY", "AMOUNT_SMALL", "AMOUNT_LARGE", "AMOUNT_LARGE_WITH_FEE", "AMOUNT_STEP", "AMOUNT_REFUSED_SMALL", "AMOUNT_REFUSED_LARGE",
		"CURRENCY_DIFFERS", "NAME_EMPTY", "NAME_LINES", "NAME_LONG", "EMAIL_EMPTY", "EMAIL_INVALID", "EMAIL_LINES", "EMAIL_LONG",
		"MESSAGE_LONG", "VISIBILITY_UNKNOWN", "FUND_UNKNOWN", "INTENT_INVALID",
	}
	const english = "Said in English by the service."
	c := newCharity()
	site := open(t, c)
	seen := map[string]bool{}
	for _, reason := range append(reasons, "NOBODY_KNOWS") {
		c.fail("StartCheckout", apperr.Invalid(apperr.Field{Name: "name", Reason: reason, Message: english}))
		request := httptest.NewRequest(http.MethodPost, "/appeals/river-floods/donate?lang=es", strings.NewReader(filled().Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		said := text(answeredIn(t, site, "es", request).ids["name-error"])
		if (said == english) != (reason == "NOBODY_KNOWS") || said == "" || seen[said] {
			t.Errorf("%s is said as %q", reason, said)
		}
		seen[said] = true
	}
}

func TestTheLanguageChooserKeepsTheAddress(t *testing.T) {
	t.Parallel()
	site := open(t, newCharity())
	p := in(t, site, "fr", "/appeals/river-floods?s=poster-7")
	for _, l := range texts.Languages() {
		if !slices.Contains(p.links(), "/appeals/river-floods?lang="+l.Tag+"&s=poster-7") || !p.says(l.Name) {
			t.Errorf("no way to %s: %v", l.Name, p.links())
		}
	}
	var alternates []string
	for _, link := range p.all("link") {
		if attr(link, "rel") == "alternate" {
			alternates = append(alternates, attr(link, "hreflang")+" "+attr(link, "href"))
		}
	}
	if len(alternates) != len(texts.Languages()) || alternates[3] != "ar https://give.harbour.example/appeals/river-floods?lang=ar" {
		t.Errorf("search engines are told of %v", alternates)
	}
	// A receipt's address is a key: no list of it for anybody.
	for _, link := range in(t, site, "fr", "/receipts/REFUGE-2026-000123/dG9rZW4?lang=fr").all("link") {
		if attr(link, "rel") == "alternate" {
			t.Error("a private page has alternates")
		}
	}
}
