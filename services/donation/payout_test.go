package donation_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/testkit"
)

// paidOut is a night on which Stripe pays out everything in euros, and answers the
// payout's id.
func (w *world) paidOut() string {
	w.t.Helper()
	var made struct {
		Payouts []struct {
			ID string `json:"id"`
		} `json:"payouts"`
	}
	err := json.Unmarshal(w.control("/_sim/payout", `{"currency": "eur", "include_pending": true}`), &made)
	if err != nil || len(made.Payouts) != 1 {
		w.t.Fatalf("payouts were answered with %v, %v", made, err)
	}
	return made.Payouts[0].ID
}

// bank says what the bank does with a payout.
func (w *world) bank(payout, status string) {
	w.t.Helper()
	w.control("/_sim/payout/"+payout, fmt.Sprintf(`{"status": %q}`, status))
}

func (w *world) payout(id string) *donationv1.GetPayoutResponse {
	w.t.Helper()
	answer, err := w.web.GetPayout(w.t.Context(), &donationv1.GetPayoutRequest{PayoutId: id})
	if err != nil {
		w.t.Fatalf("get payout %s: %v", id, err)
	}
	return answer
}

// becomes waits until a payout is known to have a status.
func (w *world) becomes(id, status string) {
	w.t.Helper()
	w.eventually("payout "+id+" is "+status, func() bool {
		answer, err := w.web.GetPayout(w.t.Context(), &donationv1.GetPayoutRequest{PayoutId: id})
		return err == nil && answer.GetPayout().GetStatus() == status
	})
}

// reconciled waits until what is in a payout is listed. The clock goes on: what is
// not imported yet is looked for again.
func (w *world) reconciled(id string) *donationv1.GetPayoutResponse {
	w.t.Helper()
	w.eventually("payout "+id+" is reconciled", func() bool {
		w.clock.Advance(time.Second)
		answer, err := w.web.GetPayout(w.t.Context(), &donationv1.GetPayoutRequest{PayoutId: id})
		return err == nil && answer.GetPayout().GetReconciled()
	})
	return w.payout(id)
}

// contents are the categories of what is in a payout, and their sum.
func contents(p *donationv1.GetPayoutResponse) (categories []string, sum int64) {
	for _, l := range p.GetLines() {
		categories = append(categories, l.GetReportingCategory())
		sum += l.GetNet().GetMinor()
	}
	slices.Sort(categories) // what was made in one second has no order
	return categories, sum
}

// Two gifts, one of them partly given back, are paid out: what the bank gets is what
// the gifts left, each movement by itself.
func TestAPayoutIsWhatIsInIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.given(visa), w.given(visa)
	w.refundAtStripe(first, 40_00)
	w.transactions(first, "refund", 1)
	id := w.paidOut()
	w.becomes(id, "pending")
	if p := w.payout(id).GetPayout(); p.GetReconciled() || p.Difference != nil || !p.GetAutomatic() || p.GetAccountId() == "" {
		t.Errorf("as it was made it is %v", p)
	}
	w.bank(id, "in_transit")
	w.becomes(id, "in_transit")
	w.bank(id, "paid")
	w.becomes(id, "paid")
	got := w.reconciled(id)
	categories, sum := contents(got)
	if !slices.Equal(categories, []string{"charge", "charge", "refund"}) {
		t.Errorf("in it are %v", categories)
	}
	p := got.GetPayout()
	if sum != p.GetAmount().GetMinor() || p.GetDifference() == nil || p.GetDifference().GetMinor() != 0 || p.GetAmount().GetCurrency() != "EUR" {
		t.Errorf("%d are in it, it is %v", sum, p)
	}
	gifts := map[string]int{}
	for _, l := range got.GetLines() {
		gifts[l.GetDonationId()]++
		if l.GetAmount().GetMinor()-l.GetFee().GetMinor() != l.GetNet().GetMinor() || l.GetSourceId() == "" || l.GetCreatedAt() == 0 {
			t.Errorf("a line is %v", l)
		}
	}
	if gifts[first.GetDonationId()] != 2 || gifts[second.GetDonationId()] != 1 {
		t.Errorf("gifts in it: %v", gifts)
	}
	w.quiet()
	if parked := w.parked(); len(parked) != 0 {
		t.Errorf("parked %v", parked)
	}
}

// A bank sends back what was called paid. Staff are told, and the next payout, which
// sends the money again, holds its return.
func TestAPayoutFailsAfterItWasPaid(t *testing.T) {
	t.Parallel()
	w := newEagerWorld(t)
	w.given(visa)
	first := w.paidOut()
	w.bank(first, "paid")
	before := w.reconciled(first)
	w.bank(first, "failed")
	w.becomes(first, "failed")
	after := w.payout(first)
	if after.GetPayout().GetFailureCode() != "account_closed" || len(after.GetLines()) != len(before.GetLines()) {
		t.Errorf("the payout that failed is %v", after)
	}
	w.quiet()
	w.clock.Advance(time.Minute) // what is told was looked up before
	if seen := testkit.Scrape(t, w.metrics); seen[`almoner_payouts{status="failed"}`] != 1 || seen[`almoner_payouts{status="different"}`] != 0 {
		t.Errorf("told are %v failed and %v different", seen[`almoner_payouts{status="failed"}`], seen[`almoner_payouts{status="different"}`])
	}
	second := w.paidOut()
	w.bank(second, "paid")
	categories, sum := contents(w.reconciled(second))
	if !slices.Equal(categories, []string{"payout_reversal"}) || sum != before.GetPayout().GetAmount().GetMinor() {
		t.Errorf("the next one has %v, %d in all", categories, sum)
	}
	if parked := w.parked(); len(parked) != 0 {
		t.Errorf("parked %v", parked)
	}
	w.clock.Advance(time.Minute)
	if failed := testkit.Scrape(t, w.metrics)[`almoner_payouts{status="failed"}`]; failed != 0 {
		t.Errorf("once one has arrived again %v are told", failed)
	}
}

// What staff send by hand can be canceled, and Stripe does not say what is in it.
func TestAPayoutByHandHasNoContents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.given(visa)
	w.clock.Advance(10 * 24 * time.Hour) // until the money is available
	id := w.byHand(20_00)
	w.becomes(id, "pending")
	w.stripePost("/v1/payouts/"+id+"/cancel", "")
	w.becomes(id, "canceled")
	w.quiet()
	got := w.payout(id)
	if p := got.GetPayout(); p.GetAutomatic() || p.GetReconciled() || p.Difference != nil || len(got.GetLines()) != 0 {
		t.Errorf("it is %v", got)
	}
	if parked := w.parked(); len(parked) != 0 {
		t.Errorf("parked %v", parked)
	}
}

// byHand sends money in euros from the Dashboard.
func (w *world) byHand(minor int64) string {
	w.t.Helper()
	var made struct {
		ID string `json:"id"`
	}
	err := json.Unmarshal(w.stripePost("/v1/payouts", fmt.Sprintf("amount=%d&currency=eur", minor)), &made)
	if err != nil || made.ID == "" {
		w.t.Fatalf("a payout was answered with %v, %v", made, err)
	}
	return made.ID
}

// stripePost asks Stripe for something in another program's name.
func (w *world) stripePost(path, form string) []byte {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.simURL+path, strings.NewReader(form))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer sk_test_dashboard")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := w.client().Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		w.t.Fatalf("%s answered %d: %s", path, response.StatusCode, body)
	}
	return body
}

// Bad input: a payout whose lines do not add up. It waits for staff with the
// difference, once however often Stripe tells of it; a retry while nothing is mended
// leaves it there, and when Stripe has mended its list the retry ends it.
func TestAPayoutWhoseLinesDoNotAddUpIsParked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"duplicate": 1.0}`)
	first, _ := w.given(visa), w.given(visa)
	w.stripe.change(func(g *gate) { g.lose = first.GetBalanceTransactionId() })
	id := w.paidOut()
	w.bank(id, "paid")
	w.reconciled(id)
	w.quiet() // told twice it may be listed twice, and is empty when that begins
	got := w.payout(id)
	left := 103_30 - first.GetFee().GetMinor()
	if p := got.GetPayout(); p.GetDifference().GetMinor() != left || p.GetDifference().GetCurrency() != "EUR" || len(got.GetLines()) != 1 {
		t.Errorf("it lacks %d, and is told as %v", left, got)
	}
	const differs = "the payout is not the sum of what is in it"
	w.one(id, differs)
	w.clock.Advance(time.Minute)
	if seen := testkit.Scrape(t, w.metrics)[`almoner_payouts{status="different"}`]; seen != 1 {
		t.Errorf("told are %v", seen)
	}
	if answer := w.retry(); answer.GetApplied() != 0 || answer.GetParked() != 1 {
		t.Errorf("a retry with nothing mended: %v", answer)
	}
	w.one(id, differs)
	w.stripe.change(func(g *gate) { g.lose = "" })
	if answer := w.retry(); answer.GetApplied() != 1 || answer.GetParked() != 0 {
		t.Errorf("a retry once it is mended: %v", answer)
	}
	if got := w.payout(id); got.GetPayout().GetDifference().GetMinor() != 0 || len(got.GetLines()) != 2 {
		t.Errorf("now it is %v", got)
	}
}

// Nobody need try it: the sweep looks again the next day, and what staff had listed
// goes away by itself.
func TestAPayoutThatAddsUpTheNextDayIsNoLongerParked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gift := w.given(visa)
	w.given(visa)
	w.stripe.change(func(g *gate) { g.lose = gift.GetBalanceTransactionId() })
	id := w.paidOut()
	w.bank(id, "paid")
	w.reconciled(id)
	w.quiet()
	w.stripe.change(func(g *gate) { g.lose = "" })
	w.kill()
	w.clock.Advance(25 * time.Hour)
	w.start()
	w.eventually("nothing is parked", func() bool { return len(w.parked()) == 0 })
	if got := w.payout(id).GetPayout(); got.GetDifference().GetMinor() != 0 {
		t.Errorf("it is %v", got)
	}
}

// No webhook tells of payouts, not of their failing either: the lists do, and the
// question how they stand.
func TestPayoutsAreFoundWithoutWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"drop": 1.0}`)
	started := w.checkout(form())
	w.pay(started.GetSessionId(), visa)
	later := func(long time.Duration) {
		t.Helper()
		w.kill()
		w.clock.Advance(long)
		w.start() // looks at once
	}
	later(time.Minute)
	w.settled(started.GetDonationId())
	first := w.paidOut()
	later(time.Minute)
	w.becomes(first, "pending")
	w.bank(first, "paid")
	later(7 * time.Hour)
	if categories, _ := contents(w.reconciled(first)); !slices.Equal(categories, []string{"charge"}) {
		t.Errorf("in the first are %v", categories)
	}
	w.bank(first, "failed")
	later(25 * time.Hour)
	w.becomes(first, "failed")
	// The year goes on, and nobody looks for two months.
	later(60 * 24 * time.Hour)
	second := w.paidOut()
	w.bank(second, "paid")
	later(time.Minute)
	if categories, _ := contents(w.reconciled(second)); !slices.Equal(categories, []string{"payout_reversal"}) {
		t.Errorf("in the second are %v", categories)
	}
}

// Payouts are listed the newest first, and their contents the oldest first, page by
// page; who asks for what is not there is told so.
func TestPayoutsAndTheirContentsComeInPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var made []string
	for range 3 {
		w.given(visa)
		made = append(made, w.paidOut())
		w.bank(made[len(made)-1], "paid")
		w.reconciled(made[len(made)-1])
		w.clock.Advance(time.Minute)
	}
	slices.Reverse(made)
	var listed []string
	for token := ""; ; {
		page, err := w.web.ListPayouts(t.Context(), &donationv1.ListPayoutsRequest{PageSize: 2, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.GetPayouts() {
			listed = append(listed, p.GetPayoutId())
		}
		token = page.GetNextPageToken()
		if token == "" {
			break
		}
	}
	if !slices.Equal(listed, made) {
		t.Errorf("listed are %v, want %v", listed, made)
	}
	w.given(visa)
	w.given(visa)
	w.given(visa)
	id := w.paidOut()
	w.bank(id, "paid")
	w.reconciled(id)
	page, err := w.web.GetPayout(t.Context(), &donationv1.GetPayoutRequest{PayoutId: id, PageSize: 2})
	if err != nil || len(page.GetLines()) != 2 {
		t.Fatalf("the first page is %v, %v", page, err)
	}
	rest, err := w.web.GetPayout(t.Context(), &donationv1.GetPayoutRequest{PayoutId: id, PageSize: 2, PageToken: page.GetNextPageToken()})
	if err != nil || len(rest.GetLines()) != 1 || rest.GetNextPageToken() != "" || rest.GetLines()[0].GetTransactionId() == page.GetLines()[1].GetTransactionId() {
		t.Errorf("the second page is %v, %v", rest, err)
	}
	for _, unknown := range []string{"", "po_none", "'; --", strings.Repeat("x", 5000)} {
		_, err = w.web.GetPayout(t.Context(), &donationv1.GetPayoutRequest{PayoutId: unknown})
		if apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("%.20q answers %v", unknown, err)
		}
	}
	_, err = w.web.GetPayout(t.Context(), &donationv1.GetPayoutRequest{PayoutId: id, PageToken: "no page"})
	_, listErr := w.web.ListPayouts(t.Context(), &donationv1.ListPayoutsRequest{PageToken: "no page"})
	if apperr.CodeOf(err) != apperr.InvalidArgument || apperr.CodeOf(listErr) != apperr.InvalidArgument {
		t.Errorf("a page that is none answers %v and %v", err, listErr)
	}
}

// without answers a list of Stripe's as if one transaction were not on it.
func without(g *gate, w http.ResponseWriter, r *http.Request, id string) {
	answer := httptest.NewRecorder()
	g.next.ServeHTTP(answer, r)
	var list map[string]any
	err := json.Unmarshal(answer.Body.Bytes(), &list)
	if err != nil {
		panic(fmt.Sprint("a list that cannot be read: ", err))
	}
	if rows, ok := list["data"].([]any); ok {
		list["data"] = slices.DeleteFunc(rows, func(row any) bool {
			fields, _ := row.(map[string]any)
			return fields["id"] == id
		})
	}
	_ = json.NewEncoder(w).Encode(list)
}
