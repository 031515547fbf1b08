package donation_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
	"github.com/almoner/almoner/services/internal/testkit"
)

// monthlyForm is 20 euros a month to the shelter, with the fee.
func monthlyForm() *donationv1.StartCheckoutRequest {
	f := form()
	f.Frequency, f.CoverFees = donationv1.Frequency_FREQUENCY_MONTHLY, true
	f.Gift = &moneyv1.Money{Minor: 20_00, Currency: "EUR"}
	return f
}

// passes lets so much time go by, here and at Stripe.
func (w *world) passes(long time.Duration) {
	w.t.Helper()
	w.clock.Advance(long)
	w.control("/_sim/clock", `{"advance_seconds": 0}`)
}

// begun is a plan whose first instalment is paid, and its link.
func (w *world) begun(card string) (p *donationv1.Plan, token string) {
	w.t.Helper()
	answer := w.checkout(monthlyForm())
	w.pay(answer.GetSessionId(), card)
	w.settled(answer.GetDonationId())
	p = w.active(answer.GetDonationId())
	w.eventually("the plan's link is mailed", func() bool { return len(w.mail.about("has begun")) > 0 })
	letters := w.mail.about("has begun")
	link := regexp.MustCompile(`https://give\.example\.org/plans/([0-9a-f-]+)/([A-Za-z0-9_-]+)`).
		FindStringSubmatch(letters[len(letters)-1].Text)
	if link == nil || link[1] != p.GetPlanId() {
		w.t.Fatalf("the letter is %s", letters[len(letters)-1].Text)
	}
	return p, link[2]
}

func (w *world) active(donationID string) *donationv1.Plan {
	w.t.Helper()
	var p *donationv1.Plan
	w.eventually("the plan is active", func() bool {
		p = w.plan(w.donation(donationID).GetRecurringPlanId())
		return p.GetStatus() == "active"
	})
	return p
}

// plan is what staff see.
func (w *world) plan(id string) *donationv1.Plan {
	w.t.Helper()
	answer, err := w.web.ListPlans(w.t.Context(), &donationv1.ListPlansRequest{Reference: id})
	if err != nil || len(answer.GetPlans()) != 1 {
		w.t.Fatalf("plan %s: %v, %v", id, answer, err)
	}
	return answer.GetPlans()[0]
}

func (w *world) page(p *donationv1.Plan, token string) *donationv1.GetPlanResponse {
	w.t.Helper()
	page, err := w.web.GetPlan(w.t.Context(), &donationv1.GetPlanRequest{PlanId: p.GetPlanId(), Token: token})
	if err != nil {
		w.t.Fatal(err)
	}
	return page
}

func (w *world) ask(r *donationv1.ChangePlanRequest) *donationv1.Plan {
	w.t.Helper()
	answer, err := w.web.ChangePlan(w.t.Context(), r)
	if err != nil {
		w.t.Fatalf("change the plan: %v", err)
	}
	return answer.GetPlan()
}

// atStripe sends a request of somebody in Stripe's dashboard.
func (w *world) atStripe(path string, values url.Values) string {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.simURL+path, strings.NewReader(values.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth("sk_test_dashboard", "")
	response, err := w.client().Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	var body strings.Builder
	_, _ = io.Copy(&body, response.Body)
	if response.StatusCode != http.StatusOK {
		w.t.Fatalf("%s answered %d: %s", path, response.StatusCode, body.String())
	}
	return body.String()
}

const (
	month = 31 * 24 * time.Hour
	// hour is how long Stripe leaves an invoice open to changes before it charges.
	hour = time.Hour + time.Minute
)

func (w *world) instalments(id string, count int32) {
	w.t.Helper()
	w.eventually("the instalment is booked", func() bool { return w.plan(id).GetInstalments() == count })
}

// Three months: begun on the 2nd, renewed, failed and tried again with another card.
func TestAPlanOverThreeMonthsWithOneFailedRenewal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, token := w.begun(visa)
	if p.GetGift().GetMinor() != 20_00 || p.GetCover().GetMinor() == 0 || p.GetInstalments() != 1 || p.GetNextAt() == 0 {
		t.Errorf("it began as %v", p)
	}

	w.passes(month)
	w.passes(hour)
	w.instalments(p.GetPlanId(), 2)
	page := w.page(p, token)
	second, first := page.GetInstalments()[0], page.GetInstalments()[1]
	if second.GetDonationId() == first.GetDonationId() || second.GetInvoiceId() == "" || first.GetInvoiceId() == second.GetInvoiceId() ||
		!proto.Equal(second.GetGift(), first.GetGift()) || !proto.Equal(second.GetCover(), first.GetCover()) ||
		second.GetAppealSlug() != "winter-shelter" || page.GetMinimum().GetMinor() != 2_00 {
		t.Errorf("the page is %v", page)
	}
	w.settled(second.GetDonationId())

	// The card is replaced by one that will be declined.
	customer := w.text("SELECT customer_id FROM recurring_plan WHERE id = $1", p.GetPlanId())
	w.card(customer, p.GetSubscriptionId(), "pm_card_chargeCustomerFail")
	w.passes(month)
	w.passes(hour)
	w.eventually("the donor is told", func() bool { return len(w.mail.about("could not be charged")) == 1 })
	w.eventually("staff see it", func() bool { return w.plan(p.GetPlanId()).GetPaymentFailed() })
	failing := w.plan(p.GetPlanId())
	letter := w.mail.about("could not be charged")[0]
	if failing.GetStatus() != "past_due" || failing.GetRetryAt() == 0 || !strings.Contains(letter.Text, "is tried again on") ||
		!strings.Contains(letter.Text, "/plans/"+p.GetPlanId()+"/"+token) || letter.To.Email != "amina@example.org" {
		t.Errorf("failing as %v, with the letter %s", failing, letter.Text)
	}

	w.card(customer, p.GetSubscriptionId(), "pm_card_visa")
	w.passes(4 * 24 * time.Hour)
	w.instalments(p.GetPlanId(), 3)
	w.eventually("all is well", func() bool {
		now := w.plan(p.GetPlanId())
		return now.GetStatus() == "active" && !now.GetPaymentFailed()
	})

	sums := w.quiet()
	if len(w.parked()) != 0 || sums.GetSums()[0].GetGifts() != 3 || sums.GetSums()[0].GetGiftMinor() != 60_00 {
		t.Errorf("sums %v, parked %v", sums, w.parked())
	}
	for _, e := range w.events() {
		if !strings.HasSuffix(e.GetType(), ".DonationSucceeded") {
			continue
		}
		var told donationv1.DonationSucceeded
		err := proto.Unmarshal(e.GetPayload(), &told)
		if err != nil || told.GetRecurringPlanId() != p.GetPlanId() || told.GetInvoiceId() == "" || told.GetChargeId() == "" {
			t.Errorf("told %v, %v", &told, err)
		}
	}
	if foreign := w.rows("SELECT COUNT(*) FROM balance_transaction WHERE is_foreign = 1"); foreign != 0 {
		t.Errorf("%d transactions were booked as nobody's", foreign)
	}
	if begun := len(w.mail.about("")); begun != 2 {
		t.Errorf("%d letters were sent, not that it began and that it failed", begun)
	}
}

// With every webhook dropped all instalments are found.
func TestAPlanWhoseWebhooksAreAllLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"drop": 1}`)
	answer := w.checkout(monthlyForm())
	w.pay(answer.GetSessionId(), visa)
	_, err := w.web.ConfirmDonation(t.Context(), &donationv1.ConfirmDonationRequest{
		DonationId: answer.GetDonationId(), SessionId: answer.GetSessionId(),
	})
	if err != nil {
		t.Fatal(err)
	}
	p := w.active(answer.GetDonationId())
	for count := int32(2); count <= 3; count++ {
		w.passes(month)
		w.passes(4 * time.Hour)
		w.instalments(p.GetPlanId(), count)
	}
	w.eventually("every fee is known", func() bool { return w.sums().GetGiftsWithoutFee() == 0 })
	if len(w.parked()) != 0 || w.rows("SELECT COUNT(*) FROM balance_transaction WHERE is_foreign = 1") != 0 {
		t.Errorf("parked %v", w.parked())
	}
}

// However a plan's webhooks are shuffled and repeated, it comes to the same.
func TestAPlansWebhooksInAnyOrder(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"shuffle", "reverse"} {
		w := newWorld(t)
		w.knobs(`{"order": "` + order + `", "duplicate": 0.5}`)
		answer := w.checkout(monthlyForm())
		w.pay(answer.GetSessionId(), visa)
		w.settled(answer.GetDonationId())
		p := w.active(answer.GetDonationId())
		w.passes(month)
		w.passes(hour)
		w.instalments(p.GetPlanId(), 2)
		w.eventually("it is told once", func() bool { return len(w.mail.about("has begun")) == 1 })
		sums := w.quiet()
		now := w.plan(p.GetPlanId())
		if now.GetStatus() != "active" || len(w.parked()) != 0 || sums.GetSums()[0].GetGiftMinor() != 40_00 || w.kinds()["DonationSucceeded"] != 2 {
			t.Errorf("%s: %v, %v, parked %v", order, now, sums, w.parked())
		}
	}
}

func TestTheDonorChangesAPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, token := w.begun(visa)
	amount := &donationv1.ChangePlanRequest{
		PlanId: p.GetPlanId(), Token: token, RequestId: uuid.NewString(),
		Change: &donationv1.ChangePlanRequest_Amount{Amount: &donationv1.NewAmount{Gift: &moneyv1.Money{Minor: 35_00, Currency: "EUR"}}},
	}
	for range 2 {
		changed := w.ask(amount)
		if changed.GetGift().GetMinor() != 35_00 || changed.GetCover().GetMinor() != 0 {
			t.Errorf("changed to %v", changed)
		}
	}
	reused := proto.Clone(amount).(*donationv1.ChangePlanRequest)
	reused.GetAmount().GetGift().Minor = 36_00
	_, err := w.web.ChangePlan(t.Context(), reused)
	if apperr.CodeOf(err) != apperr.Aborted {
		t.Errorf("the same request with something else: %v", err)
	}
	w.passes(month)
	w.passes(hour)
	w.instalments(p.GetPlanId(), 2)
	if newest := w.page(p, token).GetInstalments()[0]; newest.GetGift().GetMinor() != 35_00 || newest.GetCover().GetMinor() != 0 {
		t.Errorf("the next instalment is %v", newest)
	}

	paused := w.ask(&donationv1.ChangePlanRequest{
		PlanId: p.GetPlanId(), Token: token, RequestId: uuid.NewString(), Change: &donationv1.ChangePlanRequest_PauseMonths{PauseMonths: 2},
	})
	if paused.GetPausedUntil() <= paused.GetNextAt() {
		t.Errorf("paused as %v", paused)
	}
	w.passes(month)
	w.passes(hour)
	w.quiet()
	if now := w.plan(p.GetPlanId()); now.GetInstalments() != 2 {
		t.Errorf("while it was paused it was charged: %v", now)
	}
	resumed := w.ask(&donationv1.ChangePlanRequest{
		PlanId: p.GetPlanId(), Token: token, RequestId: uuid.NewString(), Change: &donationv1.ChangePlanRequest_Resume{Resume: true},
	})
	if resumed.GetPausedUntil() != 0 {
		t.Errorf("resumed as %v", resumed)
	}
	ended := w.ask(&donationv1.ChangePlanRequest{
		PlanId: p.GetPlanId(), Token: token, RequestId: uuid.NewString(), Change: &donationv1.ChangePlanRequest_Cancel{Cancel: true},
	})
	if ended.GetStatus() != "canceled" || ended.GetNextAt() != 0 {
		t.Errorf("ended as %v", ended)
	}
	w.passes(2 * month)
	w.quiet()
	if now := w.plan(p.GetPlanId()); now.GetInstalments() != 2 {
		t.Errorf("after its end it was charged: %v", now)
	}
	for _, subject := range []string{"has changed", "is paused", "goes on", "has ended"} {
		w.eventually(subject, func() bool { return len(w.mail.about(subject)) == 1 })
	}
	_, err = w.web.ChangePlan(t.Context(), &donationv1.ChangePlanRequest{
		PlanId: p.GetPlanId(), Token: token, RequestId: uuid.NewString(), Change: &donationv1.ChangePlanRequest_Resume{Resume: true},
	})
	if apperr.CodeOf(err) != apperr.FailedPrecondition {
		t.Errorf("what is over goes on: %v", err)
	}
}

// An end that was asked for while Stripe could not be reached is carried out.
func TestAnEndIsKeptUntilStripeAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, token := w.begun(visa)
	w.stripe.cut(true)
	end := &donationv1.ChangePlanRequest{
		PlanId: p.GetPlanId(), Token: token, RequestId: uuid.NewString(), Change: &donationv1.ChangePlanRequest_Cancel{Cancel: true},
	}
	_, err := w.web.ChangePlan(t.Context(), end)
	var told *apperr.Error
	if !errors.As(err, &told) || told.Reason != "PLAN_END_KEPT" {
		t.Fatalf("told %v", err)
	}
	if now := w.page(p, token).GetPlan(); !now.GetEnding() || now.GetStatus() != "active" {
		t.Errorf("while Stripe is away the donor sees %v", now)
	}
	w.clock.Advance(telemetry.LookEvery)
	if seen := testkit.Scrape(t, w.metrics); seen["almoner_plans_ending"] != 1 || seen["almoner_plans_oldest_ending_age_seconds"] < telemetry.LookEvery.Seconds() {
		t.Errorf("operators see %v ends not given, since %v s", seen["almoner_plans_ending"], seen["almoner_plans_oldest_ending_age_seconds"])
	}
	w.stripe.cut(false)
	w.eventually("it has ended", func() bool {
		w.clock.Advance(30 * time.Second)
		return w.plan(p.GetPlanId()).GetStatus() == "canceled"
	})
	if again := w.ask(end); again.GetStatus() != "canceled" || again.GetEnding() {
		t.Errorf("asked again: %v", again)
	}
	w.passes(2 * month)
	w.quiet()
	w.eventually("the donor is told", func() bool { return len(w.mail.about("has ended")) == 1 })
	if now := w.plan(p.GetPlanId()); now.GetInstalments() != 1 || !strings.Contains(w.mail.about("has ended")[0].Text, "You ended it yourself.") {
		t.Errorf("%v", now)
	}
}

func TestWhoHasNoLinkHasNoPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, token := w.begun(visa)
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"look": func() error {
			_, err := w.web.GetPlan(ctx, &donationv1.GetPlanRequest{PlanId: p.GetPlanId(), Token: token + "x"})
			return err
		},
		"another plan": func() error {
			_, err := w.web.GetPlan(ctx, &donationv1.GetPlanRequest{PlanId: uuid.NewString(), Token: token})
			return err
		},
		"change": func() error {
			_, err := w.web.ChangePlan(ctx, &donationv1.ChangePlanRequest{
				PlanId: p.GetPlanId(), RequestId: uuid.NewString(), Change: &donationv1.ChangePlanRequest_Cancel{Cancel: true},
			})
			return err
		},
		"card": func() error {
			_, err := w.web.OpenPlanPortal(ctx, &donationv1.OpenPlanPortalRequest{PlanId: p.GetPlanId()})
			return err
		},
	} {
		if err := call(); apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*donationv1.ChangePlanRequest){
		"nothing":    func(*donationv1.ChangePlanRequest) {},
		"no request": func(r *donationv1.ChangePlanRequest) { r.RequestId = "again" },
		"no months":  func(r *donationv1.ChangePlanRequest) { r.Change = &donationv1.ChangePlanRequest_PauseMonths{} },
		"thirteen": func(r *donationv1.ChangePlanRequest) {
			r.Change = &donationv1.ChangePlanRequest_PauseMonths{PauseMonths: 13}
		},
		"a small amount": func(r *donationv1.ChangePlanRequest) {
			r.Change = &donationv1.ChangePlanRequest_Amount{Amount: &donationv1.NewAmount{Gift: &moneyv1.Money{Minor: 1_00, Currency: "EUR"}}}
		},
		"yen": func(r *donationv1.ChangePlanRequest) {
			r.Change = &donationv1.ChangePlanRequest_Amount{Amount: &donationv1.NewAmount{Gift: &moneyv1.Money{Minor: 5_000, Currency: "JPY"}}}
		},
	} {
		r := &donationv1.ChangePlanRequest{PlanId: p.GetPlanId(), Token: token, RequestId: uuid.NewString()}
		change(r)
		_, err := w.web.ChangePlan(ctx, r)
		var told *apperr.Error
		if !errors.As(err, &told) || told.Code != apperr.InvalidArgument || len(told.Fields) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLostLinksAreMailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, token := w.begun(visa)
	send := func(email string) error {
		_, err := w.web.SendPlanLinks(t.Context(), &donationv1.SendPlanLinksRequest{Email: email, Language: "fr", ClientAddress: "127.0.0.1"})
		return err
	}
	for _, email := range []string{"Amina@Example.org ", "nobody@example.org"} {
		if err := send(email); err != nil {
			t.Fatalf("%s: %v", email, err)
		}
	}
	w.eventually("the links are mailed", func() bool { return len(w.mail.about("Vos dons mensuels")) == 1 })
	if letter := w.mail.about("Vos dons mensuels")[0]; !strings.Contains(letter.Text, token) || letter.To.Email != "amina@example.org" {
		t.Errorf("the letter is %s", letter.Text)
	}
	if err := send("not an address"); apperr.CodeOf(err) != apperr.InvalidArgument {
		t.Errorf("what is no address: %v", err)
	}
	for email, spent := range map[string]int{"amina@example.org": 2, "nobody@example.org": 2} {
		for range spent {
			if err := send(email); err != nil {
				t.Errorf("%s: %v", email, err)
			}
		}
		if err := send(email); apperr.CodeOf(err) != apperr.ResourceExhausted {
			t.Errorf("a fourth letter in an hour to %s: %v", email, err)
		}
	}
}

// Who has asked for all that one client may, and goes on with a donor's address, does
// not keep that donor from asking.
func TestNobodyUsesUpAnotherDonorsLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.begun(visa)
	send := func(email, client string) error {
		_, err := w.web.SendPlanLinks(t.Context(), &donationv1.SendPlanLinksRequest{Email: email, ClientAddress: client})
		return err
	}
	for i := range 20 {
		if err := send(fmt.Sprintf("somebody-%d@example.org", i), otherPerson); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if err := send("amina@example.org", otherPerson); apperr.CodeOf(err) != apperr.ResourceExhausted {
			t.Errorf("one client asks for more than twenty: %v", err)
		}
	}
	if err := send("amina@example.org", "198.51.100.23"); err != nil {
		t.Errorf("the donor herself: %v", err)
	}
}
