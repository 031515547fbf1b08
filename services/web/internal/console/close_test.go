package console_test

import (
	"net/url"
	"testing"
)

// A month is closed from the trial balance down to the entries: each page offers the
// month that is over, keeps what else was chosen, and says which period it shows.
func aMonthIsClosedWithoutTypingItsDays(t *testing.T, w *world) {
	for address, kept := range map[string]map[string]string{
		"/finance/": nil,
		"/finance/trial-balance?part=income&currency=EUR": {"part": "income", "currency": "EUR"},
		"/finance/journal?rule=gift&currency=EUR":         {"rule": "gift", "currency": "EUR"},
		"/finance/accounts/1100?currency=EUR":             {"currency": "EUR"},
	} {
		over := w.page(t, address).link("Last month")
		asked, err := url.Parse(over)
		if err != nil || over == "" {
			t.Errorf("%s offers %q for the last month, %v", address, over, err)
			continue
		}
		query := asked.Query()
		if query.Get("from") != "2026-10-01" || query.Get("to") != "2026-10-31" {
			t.Errorf("%s offers %s for the last month", address, over)
		}
		for name, value := range kept {
			if query.Get(name) != value {
				t.Errorf("%s: %s forgets the %s", address, over, name)
			}
		}
		shown, chosen := w.page(t, over), ""
		for n := range shown.all("a") {
			if attr(n, "aria-current") == "true" && text(n) != "EUR" && text(n) != "English" {
				chosen += text(n)
			}
		}
		if chosen != "Last month" || attr(shown.field("from"), "value") != "2026-10-01" {
			t.Errorf("%s says that it is of %q", over, chosen)
		}
	}
}

// What finance looks for a person with is the receipt, and the box says so.
func theBoxSaysWhatItDoesNotSearch(t *testing.T, w *world) {
	if p := w.page(t, "/finance/search?q=Amina"); !p.says("Nothing has this id.") || !p.says("ask the donor for the number of the receipt") {
		t.Error("who looks for a name is not told why there is nothing")
	}
	if p := w.page(t, "/finance/accounts/6100?currency=EUR"); p.link("its gift") == "" || p.link("Gift") != "" {
		t.Error("a fee is called a gift")
	}
}
