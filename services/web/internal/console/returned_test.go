package console_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

const (
	planID   = "3a0c1a52-4f0e-4a3c-8d19-0d7a5f1c2b3e"
	brokenID = "3a0c1a52-4f0e-4a3c-8d19-0d7a5f1c2b4f"
	askedID  = "0e0c1a52-4f0e-4a3c-8d19-0d7a5f1c2b01"
	ownID    = "0e0c1a52-4f0e-4a3c-8d19-0d7a5f1c2b02"
)

// alone is how much one person may give back in the town.
const alone = 20_00

// returns are what became of gifts afterwards.
func (o *town) returns() {
	day := int64(24 * time.Hour / time.Microsecond)
	at := now.UnixMicro()
	o.refunds = []*donationv1.Refund{
		{RequestId: askedID, DonationId: giftID(34), Amount: amount(90_00, "EUR"), Status: "waiting", Reason: "duplicate", RequestedBy: "staff-2", CreatedAt: at - day, Note: "Two clicks\non <b>the ferry</b>"},
		{RequestId: ownID, DonationId: giftID(35), Amount: amount(80_00, "EUR"), Status: "waiting", Reason: "fraudulent", RequestedBy: "staff-1", CreatedAt: at - 2*day},
		{RefundId: "re_failed", DonationId: giftID(32), Amount: amount(15_00, "EUR"), Status: "failed", FailureReason: "lost_or_stolen_card", CreatedAt: at - 3*day},
		{RefundId: "re_done", DonationId: giftID(31), Amount: amount(5_00, "EUR"), Status: "succeeded", Reason: "requested_by_customer", RequestId: "r", RequestedBy: "staff-1", DecidedBy: "staff-2", CreatedAt: at - 4*day},
	}
	o.disputes = []*donationv1.Dispute{
		{DisputeId: "dp_soon", DonationId: giftID(28), Amount: amount(20_00, "EUR"), Status: "needs_response", Reason: "fraudulent", EvidenceDueAt: at + 2*day, CreatedAt: at - day},
		{DisputeId: "dp_asks", DonationId: giftID(29), Amount: amount(20_00, "EUR"), Status: "warning_needs_response", Reason: "general", EvidenceDueAt: at + 9*day, CreatedAt: at - day},
		{DisputeId: "dp_lost", DonationId: giftID(26), Amount: amount(20_00, "EUR"), Status: "lost", Reason: "a_word_of_tomorrow", CreatedAt: at - 60*day},
	}
	plan := func(id, status string, failed bool) *donationv1.Plan {
		return &donationv1.Plan{
			PlanId: id, SubscriptionId: "sub_" + id[35:], Status: status, Gift: amount(25_00, "EUR"), Cover: amount(1_00, "EUR"), StartedAt: at - 60*day,
			NextAt: at + 3*day, Instalments: 2, PaymentFailed: failed, ProductName: "عطاء الشتاء", AppealId: winter,
		}
	}
	o.plans = []*donationv1.Plan{plan(planID, "active", false), plan(brokenID, "past_due", true)}
	o.plans[0].Ending = true
	o.paidOut = []*donationv1.Payout{
		{PayoutId: "po_sound", Amount: amount(60_71, "EUR"), Status: "paid", Automatic: true, Reconciled: true, Difference: amount(0, "EUR"), ArrivalDate: at, CreatedAt: at - day},
		{PayoutId: "po_broken", Amount: amount(60_71, "EUR"), Status: "failed", Automatic: true, FailureCode: "account_closed", CreatedAt: at - day},
		{PayoutId: "po_hand", Amount: amount(9_99, "EUR"), Status: "in_transit", CreatedAt: at - day},
		{PayoutId: "po_off", Amount: amount(50_00, "EUR"), Status: "paid", Automatic: true, Reconciled: true, Difference: amount(-1_25, "EUR"), CreatedAt: at - 90*day},
	}
	for _, d := range o.gifts {
		for _, r := range o.refunds {
			if r.GetDonationId() == d.GetDonationId() {
				d.Refunds = append(d.Refunds, r)
			}
		}
		for _, x := range o.disputes {
			if x.GetDonationId() == d.GetDonationId() {
				d.Disputes = append(d.Disputes, x)
			}
		}
		if d.GetDonationId() == giftID(25) {
			d.RecurringPlanId, d.InvoiceId, d.PaymentMethod = planID, "in_25", "sepa_debit"
		}
	}
}

func (o *town) RequestRefund(ctx context.Context, r *donationv1.RequestRefundRequest) (*donationv1.RequestRefundResponse, error) {
	person, _ := rpc.ActingPerson(ctx)
	found := o.find(func(d *donationv1.Donation) bool { return d.GetDonationId() == r.GetDonationId() })
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refuses != nil {
		return nil, o.refuses
	}
	for _, before := range o.refunds {
		if before.GetRequestId() == r.GetRequestId() {
			return &donationv1.RequestRefundResponse{Refund: before}, nil
		}
	}
	made := &donationv1.Refund{
		RequestId: r.GetRequestId(), DonationId: r.GetDonationId(), Amount: r.GetAmount(), Status: "waiting", Reason: r.GetReason(), Note: r.GetNote(),
		RequestedBy: person.ID, CreatedAt: now.UnixMicro(),
	}
	if r.GetAmount().GetMinor() <= alone {
		made.Status, made.RefundId = "succeeded", "re_"+r.GetRequestId()[:8]
	}
	o.refunds = append(o.refunds, made)
	found[0].Refunds = append(found[0].Refunds, made)
	return &donationv1.RequestRefundResponse{Refund: made}, nil
}

func (o *town) DecideRefund(ctx context.Context, r *donationv1.DecideRefundRequest) (*donationv1.DecideRefundResponse, error) {
	person, _ := rpc.ActingPerson(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, waiting := range o.refunds {
		switch {
		case waiting.GetRequestId() != r.GetRequestId():
			continue
		case waiting.GetRequestedBy() == person.ID:
			return nil, apperr.New(apperr.PermissionDenied, "SAME_PERSON", "Somebody else.")
		case waiting.GetStatus() != "waiting":
			return nil, apperr.New(apperr.FailedPrecondition, "DECIDED", "Decided.")
		}
		waiting.DecidedBy, waiting.Status = person.ID, "declined"
		if r.GetApprove() {
			waiting.Status = "succeeded"
		}
		return &donationv1.DecideRefundResponse{Refund: waiting}, nil
	}
	return nil, noSuch
}

func (o *town) ListRefunds(_ context.Context, r *donationv1.ListRefundsRequest) (*donationv1.ListRefundsResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	answer := &donationv1.ListRefundsResponse{}
	for _, x := range o.refunds {
		if (!r.GetWaiting() || x.GetStatus() == "waiting") && (!r.GetFailed() || slices.Contains([]string{"failed", "canceled", "refused"}, x.GetStatus())) {
			answer.Refunds = append(answer.Refunds, x)
		}
	}
	if r.GetPageToken() != "" {
		answer.Refunds = answer.GetRefunds()[1:]
	} else if !r.GetWaiting() && !r.GetFailed() && len(answer.GetRefunds()) > 0 {
		answer.NextPageToken = "r.1.more"
	}
	return answer, o.away
}

func (o *town) ListDisputes(_ context.Context, r *donationv1.ListDisputesRequest) (*donationv1.ListDisputesResponse, error) {
	answer := &donationv1.ListDisputesResponse{}
	for _, d := range o.disputes {
		if !r.GetOpen() || d.GetStatus() != "lost" {
			answer.Disputes = append(answer.Disputes, d)
		}
	}
	return answer, o.away
}

func (o *town) ListPlans(_ context.Context, r *donationv1.ListPlansRequest) (*donationv1.ListPlansResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	answer := &donationv1.ListPlansResponse{}
	for _, p := range o.plans {
		switch {
		case r.GetStatus() != "" && p.GetStatus() != r.GetStatus(), r.GetPaymentFailed() && !p.GetPaymentFailed(), r.GetEnding() && !p.GetEnding():
		case r.GetReference() != "" && r.GetReference() != p.GetPlanId() && r.GetReference() != p.GetSubscriptionId():
		default:
			answer.Plans = append(answer.Plans, p)
		}
	}
	return answer, o.away
}

func (o *town) CancelPlan(_ context.Context, r *donationv1.CancelPlanRequest) (*donationv1.CancelPlanResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refuses != nil {
		return nil, o.refuses
	}
	for _, p := range o.plans {
		if p.GetPlanId() == r.GetPlanId() {
			p.Status = "canceled"
			return &donationv1.CancelPlanResponse{Plan: p}, nil
		}
	}
	return nil, noSuch
}

func (o *town) ListPayouts(context.Context, *donationv1.ListPayoutsRequest) (*donationv1.ListPayoutsResponse, error) {
	return &donationv1.ListPayoutsResponse{Payouts: o.paidOut}, o.away
}

func (o *town) GetPayout(_ context.Context, r *donationv1.GetPayoutRequest) (*donationv1.GetPayoutResponse, error) {
	for _, p := range o.paidOut {
		if p.GetPayoutId() == r.GetPayoutId() {
			answer := &donationv1.GetPayoutResponse{Payout: p}
			if p.GetAutomatic() {
				answer.Lines = []*donationv1.PayoutLine{{
					TransactionId: "txn_3Gift7", ReportingCategory: "charge", SourceId: "ch_3Gift7", DonationId: giftID(7), CreatedAt: now.UnixMicro(),
					Amount: amount(62_77, "EUR"), Fee: amount(2_06, "EUR"), Net: amount(60_71, "EUR"),
				}}
			}
			return answer, o.away
		}
	}
	return nil, noSuch
}

// send posts a form as an accountant.
func (w *world) send(t *testing.T, address string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("X-Role", "accountant")
	recorder := httptest.NewRecorder()
	w.site.ServeHTTP(recorder, request)
	return recorder
}

// afterwards is a season in which not all gifts stayed what they were.
func afterwards(t *testing.T) *world {
	t.Helper()
	w := season(t)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.returns()
	return w
}

func TestListsOfWhatHappenedToGifts(t *testing.T) {
	t.Parallel()
	w := afterwards(t)
	for address, told := range map[string][]string{
		"/finance/refunds":               {"€90.00", "waits for a second person", "Two clicks on <b>the ferry</b>", "Asked for by odalys@harbour.example", "re_failed", "The card was lost or stolen.", "Approved by odalys@harbour.example", "In Stripe’s Dashboard"},
		"/finance/refunds?show=waiting":  {"Nothing has been sent to Stripe", "You asked for it: somebody else has to decide."},
		"/finance/refunds?show=failed":   {"The donor was not paid back. Ask the donor for an account"},
		"/finance/refunds?page=r.1.more": {"From the beginning"},
		"/finance/disputes":              {"48 hours left", "9 days left", "Inquiry", "The bank only asks; no money has moved.", "lost", "a_word_of_tomorrow", "The bank keeps it."},
		"/finance/plans":                 {"Ended here, and Stripe still has them", "Their last try to charge failed", "All monthly gifts", "past due", "عطاء الشتاء", "€26.00"},
		"/finance/plans?show=ending":     {"Ended here, but not at Stripe yet: it may still charge.", "€26.00"},
		"/finance/plans?show=paused":     {"No monthly gift is like this."},
		"/finance/plans/" + planID:       {"€26.00 every month", "Instalments", "End this monthly gift"},
		"/finance/payouts":               {"adds up", "failed", "The bank account is closed.", "made by hand", "does not add up", "-€1.25"},
		"/finance/payouts/po_sound":      {"Sum of what is in it", "€60.71", "€2.06", "txn_3Gift7", giftID(7)[:8] + "…"},
		"/finance/payouts/po_hand":       {"Stripe cannot tell what is in one of those"},
		"/finance/":                      {"2 refunds wait for a second person", "1 refund failed in the last 30 days", "2 disputes and inquiries need an answer", "1 of them within 3 days", "1 payout of the last 30 days", "1 monthly gift could not be charged"},
		"/finance/gifts/" + giftID(25):   {"SEPA direct debit", planID, "in_25", "Give money back"},
		"/finance/gifts/" + giftID(28):   {"48 hours left", "Left to give back"},
	} {
		p := w.page(t, address)
		for _, words := range told {
			if !p.says(words) {
				t.Errorf("%s does not say %q: %s", address, words, text(p.root))
			}
		}
	}
	soon := parse(t, w.get(t, "/finance/disputes").Body.String())
	if bad := 0; !func() bool {
		for n := range soon.all("span") {
			if attr(n, "class") == "state bad" && strings.Contains(text(n), "hours left") {
				bad++
			}
		}
		return bad == 1
	}() {
		t.Error("a term that runs out is not shown as one")
	}
	for _, address := range []string{"/finance/refunds?show=x", "/finance/disputes?show=x", "/finance/plans?show=x", "/finance/plans/none", "/finance/payouts/po_none", "/finance/plans/" + giftID(1), "/finance/plans/none/end", "/finance/gifts/" + giftID(400) + "/refund"} {
		if answer := w.get(t, address); answer.Code != http.StatusNotFound {
			t.Errorf("%s answers %d", address, answer.Code)
		}
	}
	// A disputed gift has no button: it cannot be given back.
	if p := w.page(t, "/finance/gifts/"+giftID(28)); p.link("Give money back") != "" {
		t.Error("a disputed gift can be given back")
	}
	if p := w.page(t, "/finance/gifts/"+giftID(28)+"/refund"); !p.says("The donor’s bank disputes this gift") || p.field("amount") != nil {
		t.Error("the form does not say that the gift is disputed")
	}
}

func TestTheBoxFindsWhatHappenedToGifts(t *testing.T) {
	t.Parallel()
	w := afterwards(t)
	for asked, want := range map[string]string{
		"po_sound": "/finance/payouts/po_sound", "sub_" + brokenID[35:]: "/finance/plans/" + brokenID, brokenID: "/finance/plans/" + brokenID,
		"in_25": "/finance/gifts/" + giftID(25),
	} {
		if answer := w.get(t, "/finance/search?q="+asked); answer.Header().Get("Location") != want {
			t.Errorf("%q leads to %q (%d), want %s", asked, answer.Header().Get("Location"), answer.Code, want)
		}
	}
	if none := w.page(t, "/finance/search?q=po_none"); !none.says("Nothing has this id") {
		t.Error("a payout that is none leads somewhere")
	}
}

func TestAViewerLooksAndDoesNotAct(t *testing.T) {
	t.Parallel()
	w := afterwards(t)
	for _, address := range []string{"/finance/refunds", "/finance/refunds?show=waiting", "/finance/disputes", "/finance/plans", "/finance/plans/" + planID, "/finance/gifts/" + giftID(7)} {
		answer := w.ask(t, "viewer", http.MethodGet, address)
		p := parse(t, answer.Body.String())
		for form := range p.all("form") {
			if attr(form, "method") == "post" && strings.HasPrefix(attr(form, "action"), "/finance/") {
				t.Errorf("%s has a form for who only looks", address)
			}
		}
		if answer.Code != http.StatusOK || p.link("Give money back") != "" || p.link("End this monthly gift") != "" || p.says("@harbour.example") {
			t.Errorf("%s answers a viewer with %d: %s", address, answer.Code, text(p.root))
		}
	}
	for _, address := range []string{"/finance/gifts/" + giftID(7) + "/refund", "/finance/plans/" + planID + "/end"} {
		for role, want := range map[string]int{"": 303, "supporter": 404, "viewer": 403, "accountant": 200, "admin": 200} {
			if answer := w.ask(t, role, http.MethodGet, address); answer.Code != want {
				t.Errorf("%s for %q answers %d, want %d", address, role, answer.Code, want)
			}
		}
	}
	for _, address := range []string{"/finance/gifts/" + giftID(7) + "/refund", "/finance/plans/" + planID + "/end", "/finance/refunds/" + askedID + "/decision"} {
		if answer := w.ask(t, "viewer", http.MethodPost, address); answer.Code != http.StatusForbidden {
			t.Errorf("a viewer's form to %s answers %d", address, answer.Code)
		}
	}
}

func TestAGiftIsGivenBackInPart(t *testing.T) {
	t.Parallel()
	w := afterwards(t)
	gift := "/finance/gifts/" + giftID(7)
	form := w.page(t, w.page(t, gift).link("Give money back"))
	// 60.75 and the cover of 2.02.
	if attr(form.field("amount"), "value") != "62.77" || !form.says("One person may give back €20.00") {
		t.Fatalf("the form has %q: %s", attr(form.field("amount"), "value"), text(form.root))
	}
	sent := url.Values{"request_id": {attr(form.field("request_id"), "value")}, "amount": {"12,50"}, "reason": {"duplicate"}, "note": {"  On the phone.  "}}
	for range 2 { // a double click
		answer := w.send(t, gift+"/refund", sent)
		if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != gift+"?request="+sent.Get("request_id") {
			t.Fatalf("the form answers %d %s", answer.Code, answer.Header().Get("Location"))
		}
	}
	after := w.page(t, gift+"?request="+sent.Get("request_id"))
	if !after.says("Your request for a refund: given back €12.50") || strings.Count(text(after.root), "Given twice by mistake") != 1 {
		t.Errorf("the gift says %s", text(after.root))
	}
	again := w.page(t, gift+"/refund")
	if other := attr(again.field("request_id"), "value"); other == sent.Get("request_id") || other == "" {
		t.Error("another form is the same request")
	}
	sent.Set("request_id", attr(again.field("request_id"), "value"))
	sent.Set("amount", "40")
	above := w.send(t, gift+"/refund", sent)
	waits := w.page(t, above.Header().Get("Location"))
	if !waits.says("Your request for a refund: waits for a second person €40.00") || waits.link("Waiting for a second person") != "/finance/refunds?show=waiting" {
		t.Errorf("above the limit: %s", text(waits.root))
	}
}

func TestWhatSpeaksAgainstARefundIsBesideItsField(t *testing.T) {
	t.Parallel()
	w := afterwards(t)
	gift := "/finance/gifts/" + giftID(7) + "/refund"
	wrong := func(name, reason string) error {
		return apperr.Invalid(apperr.Field{Name: name, Reason: reason, Message: "In the service's words."})
	}
	for name, c := range map[string]struct {
		amount, field, says string
		err                 error
		code                int
	}{
		"nothing typed":       {"", "amount", "Enter how much goes back.", nil, 422},
		"letters":             {"all <b>of it</b>", "amount", "Enter the amount in digits", nil, 422},
		"two ways to read it": {"1.000", "amount", "read in two ways", nil, 422},
		"another currency":    {"$5", "amount", "The gift was made in EUR", nil, 422},
		"more than is left":   {"5", "amount", "This is more than is left of the gift.", wrong("amount", "AMOUNT_LEFT"), 422},
		"refused by Stripe":   {"5", "amount", "All of this gift was given back already.", wrong("amount", "ALREADY_REFUNDED"), 422},
		"a newer reason":      {"5", "amount", "In the service's words.", wrong("amount", "NEWER"), 422},
		"no reason":           {"5", "reason", "Choose one of the reasons.", wrong("reason", "REASON_UNKNOWN"), 422},
		"sent before":         {"5", "", "This form was sent before with something else in it.", apperr.New(apperr.AlreadyExists, "REQUEST_USED", "Used."), 422},
		"Stripe is away":      {"5", "", "Nothing is lost: send the form again", apperr.New(apperr.Unavailable, "AWAY", "Away."), 503},
	} {
		w.mu.Lock()
		w.refuses = c.err
		w.mu.Unlock()
		answer := w.send(t, gift, url.Values{"request_id": {askedID}, "amount": {c.amount}, "reason": {"duplicate"}, "note": {"Kept & whole"}})
		p := parse(t, answer.Body.String())
		if answer.Code != c.code || !p.says(c.says) || attr(p.field("amount"), "value") != c.amount || !p.says("Kept & whole") {
			t.Errorf("%s: %d %s", name, answer.Code, text(p.root))
		}
		if c.field != "" && p.ids[c.field+"-error"] == nil {
			t.Errorf("%s is not said beside the %s", name, c.field)
		}
		// What may have been kept is sent again as the same request.
		if same := attr(p.field("request_id"), "value") == askedID; same != (name == "Stripe is away" || c.err == nil) {
			t.Errorf("%s: the same request again is %t", name, same)
		}
	}
}

func TestASecondPersonDecides(t *testing.T) {
	t.Parallel()
	w := afterwards(t)
	list := w.page(t, "/finance/refunds?show=waiting")
	var actions []string
	for form := range list.all("form") {
		if strings.HasSuffix(attr(form, "action"), "/decision") {
			actions = append(actions, attr(form, "action"))
		}
	}
	if !slices.Equal(actions, []string{"/finance/refunds/" + askedID + "/decision", "/finance/refunds/" + askedID + "/decision"}) {
		t.Fatalf("what can be decided is %v", actions)
	}
	if own := w.send(t, "/finance/refunds/"+ownID+"/decision", url.Values{"approve": {"1"}}); own.Code != http.StatusForbidden || !strings.Contains(own.Body.String(), "Somebody else has to agree") {
		t.Errorf("one's own request: %d", own.Code)
	}
	if neither := w.send(t, actions[0], url.Values{"approve": {"perhaps"}}); neither.Code != http.StatusNotFound {
		t.Errorf("neither yes nor no: %d", neither.Code)
	}
	done := w.send(t, actions[0], url.Values{"approve": {"1"}})
	if done.Code != http.StatusSeeOther {
		t.Fatalf("approving answers %d", done.Code)
	}
	if p := w.page(t, done.Header().Get("Location")); !p.says("Approved. Stripe has been asked") || !p.says("Approved by bartholo@harbour.example") {
		t.Errorf("afterwards: %s", text(p.root))
	}
	if late := w.send(t, actions[0], url.Values{"approve": {"0"}}); late.Code < 400 || !strings.Contains(late.Body.String(), "decided already") {
		t.Errorf("a decision after the decision: %d", late.Code)
	}
	if none := w.send(t, "/finance/refunds/"+giftID(1)+"/decision", url.Values{"approve": {"1"}}); none.Code != http.StatusNotFound {
		t.Errorf("none: %d", none.Code)
	}
}

func TestAPlanIsEndedAfterAQuestion(t *testing.T) {
	t.Parallel()
	w := afterwards(t)
	plan := "/finance/plans/" + planID
	form := w.page(t, w.page(t, plan).link("End this monthly gift"))
	if !form.says("Nothing more is charged afterwards") {
		t.Error("the form does not say what happens")
	}
	w.mu.Lock()
	w.refuses = apperr.New(apperr.Unavailable, "STRIPE_UNAVAILABLE", "Away.")
	w.mu.Unlock()
	sent := url.Values{"request_id": {attr(form.field("request_id"), "value")}, "note": {"By letter"}}
	away := w.send(t, plan+"/end", sent)
	if p := parse(t, away.Body.String()); away.Code != http.StatusServiceUnavailable || !p.says("The wish is kept") || attr(p.field("request_id"), "value") != sent.Get("request_id") {
		t.Errorf("without Stripe: %d %s", away.Code, text(p.root))
	}
	w.mu.Lock()
	w.refuses = nil
	w.mu.Unlock()
	done := w.send(t, plan+"/end", sent)
	if p := w.page(t, done.Header().Get("Location")); !p.says("This monthly gift has been ended") || p.link("End this monthly gift") != "" {
		t.Errorf("afterwards: %s", text(p.root))
	}
}
