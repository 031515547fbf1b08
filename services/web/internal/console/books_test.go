package console_test

import (
	"net/http"
	"strings"
	"testing"
)

func whatIsExportedIsWhatIsFiltered(t *testing.T, w *world) {
	answer := w.get(t, "/finance/exports?format=csv&from=2026-11-01&to=2026-11-15&account=4100/winter")
	if got := answer.Header().Get("Content-Disposition"); got != `attachment; filename="REFUGE-journal-2026-11-01-to-2026-11-15-filtered.csv"` {
		t.Errorf("it is called %s", got)
	}
	if answer.Header().Get("Cache-Control") != "no-store" || !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/csv") {
		t.Errorf("headers %v", answer.Header())
	}
	filtered := w.page(t, "/finance/journal?from=2026-11-01&to=2026-11-15&account=4100/winter")
	for n := 1; n <= 36; n++ {
		event := "event-gift-" + giftID(n)[35:]
		if n >= 10 {
			event = "event-gift-" + giftID(n)[34:]
		}
		inFile := strings.Contains(answer.Body.String(), event+",")
		listed := false
		for _, link := range filtered.links() {
			if strings.HasPrefix(link, "/finance/entries/") {
				listed = listed || w.page(t, link).says(event+" ")
			}
		}
		if inFile != listed {
			t.Errorf("%s: in the file %v, in the journal %v", event, inFile, listed)
		}
	}
	hledger := w.get(t, "/finance/exports?format=hledger")
	if !strings.Contains(hledger.Body.String(), "account Assets:Stripe:Balance:EUR") {
		t.Error("the journal has no accounts")
	}
	balance := w.get(t, "/finance/exports?format=trial-balance&to=2026-11-15")
	if got := balance.Header().Get("Content-Disposition"); got != `attachment; filename="REFUGE-trial-balance-to-2026-11-15.csv"` || balance.Code != http.StatusOK {
		t.Errorf("the trial balance is %s (%d)", got, balance.Code)
	}
	for address, offered := range map[string]bool{
		"/finance/trial-balance?to=2026-11-30": true, "/finance/trial-balance?part=income": false, "/finance/trial-balance?currency=EUR": false,
	} {
		if page := w.get(t, address).Body.String(); strings.Contains(page, "format=trial-balance") != offered {
			t.Errorf("%s offers a file of all accounts: %t", address, !offered)
		}
	}
	refused := w.get(t, "/finance/exports?format=csv&from=soon")
	if refused.Code != http.StatusUnprocessableEntity || refused.Header().Get("Content-Disposition") != "" {
		t.Errorf("a refused export answers %d", refused.Code)
	}
}

func anAccountCarriesItsBalance(t *testing.T, w *world) {
	several := w.get(t, "/finance/accounts/1100")
	if p := parse(t, several.Body.String()); several.Code != http.StatusUnprocessableEntity || p.link("EUR") == "" || p.link("USD") == "" {
		t.Errorf("an account of two currencies answers %d without asking which", several.Code)
	}
	p := w.page(t, "/finance/accounts/1100?currency=USD")
	rows := p.rows()
	if last, line := rows[len(rows)-1], rows[len(rows)-2]; last[4] != line[4] || last[4] == "$0.00" {
		t.Errorf("closing %q after a balance of %q", last[4], line[4])
	}
	// Between Arabic words a browser would turn it around: winter/4100.
	if answer := w.get(t, "/finance/accounts/4100/winter?currency=EUR&lang=ar"); !strings.Contains(answer.Body.String(), "<bdi>4100/winter</bdi>") {
		t.Error("the account's code does not stand by itself")
	}
}
