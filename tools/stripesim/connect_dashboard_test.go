package stripesim

import (
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var formTarget = regexp.MustCompile(`action="(/_sim[^"]*)"`)

// Every button on an account's dashboard is about that account.
func TestTheDashboardOfAConnectedAccount(t *testing.T) {
	t.Parallel()
	platform := open(t, nil)
	own := platform.get("/v1/account").text("id")
	if alone := platform.get("/_sim"); strings.Contains(alone.raw, `aria-label="Accounts"`) {
		t.Error("one account has nothing to switch to")
	}
	austria := platform.society(austrian())
	austria.listen(newReceiver(t, nil))
	session := austria.give(gift())
	austria.pledge(monthly(), "4242424242424242")
	charge := austria.session(session).text("payment_intent.latest_charge.id")
	austria.control("/_sim/dispute", `{"charge": "`+charge+`"}`)
	austria.control("/_sim/payout", `{"include_pending": true}`)

	page := platform.get("/_sim?account=" + austria.as)
	if !strings.Contains(page.raw, session) || !strings.Contains(page.raw, "Account "+austria.as) ||
		!strings.Contains(page.raw, `href="/_sim?account=`+own+`"`) {
		t.Errorf("the dashboard: %s", page.raw)
	}
	targets := formTarget.FindAllStringSubmatch(page.raw, -1)
	if len(targets) < 9 {
		t.Errorf("only %d forms", len(targets))
	}
	for _, target := range targets {
		if !strings.HasSuffix(target[1], "?account="+austria.as) {
			t.Errorf("a form leads to %s", target[1])
		}
	}
	if strings.Contains(platform.get("/_sim").raw, session) {
		t.Error("the platform shows another account's session")
	}
	r := platform.post("/_sim/refund?account="+austria.as, url.Values{"charge": {session}})
	if r.status != http.StatusBadRequest || !strings.Contains(r.raw, "Account "+austria.as) {
		t.Errorf("a refused form: %d", r.status)
	}
	r = platform.post("/_sim/clock?account="+austria.as, url.Values{"advance_seconds": {"60"}})
	if r.status != http.StatusSeeOther || r.header.Get("Location") != "/_sim?account="+austria.as {
		t.Errorf("after a form: %d to %s", r.status, r.header.Get("Location"))
	}
	listed := austria.get("/_sim/accounts")
	if listed.text("platform") != own || !reflect.DeepEqual(listed.path("connected"), []any{austria.as}) {
		t.Errorf("accounts: %s", listed.raw)
	}
	for _, path := range []string{"/_sim?account=acct_1nobody", "/_sim/truth?account=acct_1nobody", "/_sim/knobs?account=%00"} {
		if r := platform.get(path); r.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, r.status, r.raw)
		}
	}
}
