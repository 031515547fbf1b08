package donation_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	attributionv1 "github.com/almoner/almoner/proto/gen/almoner/attribution/v1"
	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

const (
	slowRefund   = "4000000000007726" // its refunds are pending at first
	failedRefund = "4000000000005126" // its refunds succeed, and fail seconds later
)

// given makes a gift of 100 euros and 3.30 for the fee, paid with a card.
func (w *world) given(card string) *donationv1.Donation {
	w.t.Helper()
	r := form()
	r.CoverFees = true
	started := w.checkout(r)
	w.pay(started.GetSessionId(), card)
	return w.settled(started.GetDonationId())
}

// refundAtStripe is somebody in Stripe's Dashboard.
func (w *world) refundAtStripe(d *donationv1.Donation, minor int64) {
	w.t.Helper()
	w.control("/_sim/refund", fmt.Sprintf(`{"payment_intent": %q, "amount": %d}`, d.GetPaymentIntentId(), minor))
}

// disputeAtBank is a donor who goes to the bank, and answers the dispute's id.
func (w *world) disputeAtBank(d *donationv1.Donation, document string) string {
	w.t.Helper()
	var made struct {
		ID string `json:"id"`
	}
	err := json.Unmarshal(w.control("/_sim/dispute", fmt.Sprintf(`{"payment_intent": %q%s}`, d.GetPaymentIntentId(), document)), &made)
	if err != nil || made.ID == "" {
		w.t.Fatalf("a dispute was answered with %v, %v", made, err)
	}
	return made.ID
}

func (w *world) verdict(dispute, outcome string) {
	w.t.Helper()
	w.control("/_sim/dispute/"+dispute, fmt.Sprintf(`{"outcome": %q}`, outcome))
}

func ask(d *donationv1.Donation, minor int64) *donationv1.RequestRefundRequest {
	return &donationv1.RequestRefundRequest{
		RequestId: uuid.NewString(), DonationId: d.GetDonationId(), Amount: &moneyv1.Money{Minor: minor, Currency: d.GetGift().GetCurrency()},
		Reason: "requested_by_customer", Note: "Asked for it on the phone.",
	}
}

func (w *world) request(person string, r *donationv1.RequestRefundRequest) (*donationv1.Refund, error) {
	answer, err := w.web.RequestRefund(rpc.WithPerson(w.t.Context(), rpc.Person{ID: person, Roles: []string{"accountant"}}), r)
	return answer.GetRefund(), err
}

func (w *world) decide(person, request string, approve bool) (*donationv1.Refund, error) {
	answer, err := w.web.DecideRefund(rpc.WithPerson(w.t.Context(), rpc.Person{ID: person, Roles: []string{"admin"}}),
		&donationv1.DecideRefundRequest{RequestId: request, Approve: approve})
	return answer.GetRefund(), err
}

// story is what the feed tells of a gift: each event in a few words, in the order of
// its versions, which must have no gap.
func (w *world) story(d *donationv1.Donation) []string {
	w.t.Helper()
	var out []string
	version := int64(0)
	for _, e := range w.events() {
		if e.GetAggregateId() != d.GetDonationId() {
			continue
		}
		version++
		if e.GetAggregateVersion() != version {
			w.t.Errorf("version %d comes after %d", e.GetAggregateVersion(), version-1)
		}
		kind := e.GetType()[strings.LastIndexByte(e.GetType(), '.')+1:]
		word := kind
		switch kind {
		case "DonationRefunded":
			word += parts(w, e.GetPayload(), &donationv1.DonationRefunded{})
		case "DonationRefundFailed":
			word += parts(w, e.GetPayload(), &donationv1.DonationRefundFailed{})
		case "DonationDisputed":
			m := &donationv1.DonationDisputed{}
			mustRead(w, e.GetPayload(), m)
			word += fmt.Sprintf(" %d inquiry %v", m.GetAmount().GetMinor(), m.GetInquiry())
		case "DonationDisputeClosed":
			m := &donationv1.DonationDisputeClosed{}
			mustRead(w, e.GetPayload(), m)
			word += " " + strings.TrimPrefix(m.GetOutcome().String(), "DISPUTE_OUTCOME_") + reduction(m.GetReduction())
		}
		out = append(out, word)
	}
	return out
}

func mustRead(w *world, payload []byte, m proto.Message) {
	w.t.Helper()
	err := proto.Unmarshal(payload, m)
	if err != nil {
		w.t.Fatal(err)
	}
}

type reduced interface {
	proto.Message
	GetReduction() *donationv1.Reduction
	GetRefundId() string
	GetAttribution() *attributionv1.Attribution
}

func parts(w *world, payload []byte, m reduced) string {
	w.t.Helper()
	mustRead(w, payload, m)
	if m.GetRefundId() == "" || m.GetAttribution().GetOrganizationId() != organization {
		w.t.Errorf("it does not say which refund, or whose: %v", m)
	}
	return reduction(m.GetReduction())
}

func reduction(r *donationv1.Reduction) string {
	return fmt.Sprintf(" %d+%d+%d", r.GetGift().GetMinor(), r.GetCover().GetMinor(), r.GetExcess().GetMinor())
}

func (w *world) tells(d *donationv1.Donation, want ...string) {
	w.t.Helper()
	want = append([]string{"DonationSucceeded"}, want...)
	w.eventually("the feed tells all", func() bool { return len(w.story(d)) >= len(want) })
	if got := w.story(d); !slices.Equal(got, want) {
		w.t.Errorf("the feed tells\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// transactions waits until all of Stripe's are imported, and answers how many of a
// category belong to a gift.
func (w *world) transactions(d *donationv1.Donation, category string, want int) {
	w.t.Helper()
	count := 0
	w.eventually(fmt.Sprintf("%d of %s are imported", want, category), func() bool {
		w.clock.Advance(time.Second)
		count = w.rows(`SELECT COUNT(*) FROM balance_transaction WHERE donation_id = $1 AND reporting_category = $2`, d.GetDonationId(), category)
		return count >= want
	})
	if count != want {
		w.t.Errorf("%d transactions of %s", count, category)
	}
}

// refusedBeside wants one error, beside the amount.
func refusedBeside(t *testing.T, err error, reason string) {
	t.Helper()
	var refused *apperr.Error
	if !errors.As(err, &refused) || len(refused.Fields) != 1 || refused.Fields[0].Name != "amount" || refused.Fields[0].Reason != reason {
		t.Errorf("got %v, want %s beside the amount", err, reason)
	}
}

func TestStaffGiveMoneyBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.given(visa)
	r := ask(d, 40_00)
	answers := make([]*donationv1.Refund, 8)
	var clicks sync.WaitGroup
	for i := range answers {
		clicks.Go(func() { answers[i], _ = w.request("finance@example.org", r) })
	}
	clicks.Wait()
	for i, a := range answers {
		if a.GetRefundId() == "" || a.GetRefundId() != answers[0].GetRefundId() || a.GetStatus() != "succeeded" || a.GetRequestedBy() != "finance@example.org" {
			t.Errorf("click %d was answered %v", i, a)
		}
	}
	if calls, made := w.stripe.count("POST /v1/refunds"), len(w.sim.Truth().Refunds); calls != 1 || made != 1 {
		t.Errorf("Stripe was asked %d times, and made %d refunds", calls, made)
	}
	w.tells(d, "DonationRefunded 4000+0+0")
	other := proto.CloneOf(r)
	other.Amount.Minor = 41_00
	_, err := w.request("finance@example.org", other)
	if apperr.CodeOf(err) != apperr.AlreadyExists {
		t.Errorf("the same form with something else in it: %v", err)
	}
	_, err = w.request("finance@example.org", ask(d, 63_31))
	refusedBeside(t, err, "AMOUNT_LEFT")
	rest, err := w.request("finance@example.org", ask(d, 63_30))
	if err != nil || rest.GetStatus() != "succeeded" {
		t.Errorf("the rest: %v, %v", rest, err)
	}
	_, err = w.request("finance@example.org", ask(d, 1))
	refusedBeside(t, err, "ALREADY_REFUNDED")
	w.quiet()
	w.tells(d, "DonationRefunded 4000+0+0", "DonationRefunded 6000+330+0")
	// Who decided, and what they wrote, is not for the donor's page.
	donors, err := w.web.GetDonation(rpc.WithPerson(t.Context(), rpc.Person{ID: "a supporter", Roles: []string{"supporter"}}), &donationv1.GetDonationRequest{DonationId: d.GetDonationId()})
	if err != nil || donors.GetDonation().GetRefunds()[0].GetRequestedBy() != "" || donors.GetDonation().GetRefunds()[0].GetNote() != "" {
		t.Errorf("the donor reads %v, %v", donors, err)
	}
	if strings.Contains(w.logs.String(), "finance@example.org") {
		t.Error("the log names who gave money back")
	}
}

// Two people give back all that is left, at once.
func TestTwoRefundsAtOnceForMoreThanIsLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.given(visa)
	errs := make([]error, 2)
	var both sync.WaitGroup
	for i, person := range []string{"finance@example.org", "admin@example.org"} {
		both.Go(func() { _, errs[i] = w.request(person, ask(d, 60_00)) })
	}
	both.Wait()
	slices.SortFunc(errs, func(a, b error) int {
		if a == nil {
			return -1
		}
		return 1
	})
	if errs[0] != nil {
		t.Errorf("neither got it: %v, %v", errs[0], errs[1])
	}
	refusedBeside(t, errs[1], "AMOUNT_LEFT")
	if made := w.sim.Truth().Refunds; len(made) != 1 {
		t.Errorf("Stripe made %d refunds", len(made))
	}
}

func TestALargeRefundNeedsASecondPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := form()
	r.Gift.Minor = 900_00
	started := w.checkout(r)
	w.pay(started.GetSessionId(), visa)
	d := w.settled(started.GetDonationId())
	small, err := w.request("finance@example.org", ask(d, 400_00))
	if err != nil || small.GetStatus() != "succeeded" {
		t.Fatalf("400 alone: %v, %v", small, err)
	}
	// In parts it is as much.
	large := ask(d, 200_00)
	seen, err := w.web.GetDonation(rpc.WithPerson(w.t.Context(), rpc.Person{ID: "finance@example.org", Roles: []string{"viewer"}}),
		&donationv1.GetDonationRequest{DonationId: large.GetDonationId()})
	if err != nil || seen.GetAlone().GetMinor() >= large.GetAmount().GetMinor() || seen.GetLeft().GetMinor() < large.GetAmount().GetMinor() {
		t.Fatalf("%v is left, %v alone, %v", seen.GetLeft(), seen.GetAlone(), err)
	}
	waiting, err := w.request("finance@example.org", large)
	if err != nil || waiting.GetStatus() != "waiting" || waiting.GetRefundId() != "" {
		t.Fatalf("200 more alone: %v, %v", waiting, err)
	}
	again, err := w.request("finance@example.org", large)
	if err != nil || again.GetStatus() != "waiting" {
		t.Errorf("asked again: %v, %v", again, err)
	}
	if calls := w.stripe.count("POST /v1/refunds"); calls != 1 {
		t.Errorf("Stripe was asked %d times", calls)
	}
	_, err = w.request("admin@example.org", ask(d, 400_00))
	refusedBeside(t, err, "AMOUNT_LEFT") // what waits is spoken for
	list, err := w.web.ListRefunds(t.Context(), &donationv1.ListRefundsRequest{Waiting: true})
	if err != nil || len(list.GetRefunds()) != 1 || list.GetRefunds()[0].GetRequestId() != large.GetRequestId() || list.GetRefunds()[0].GetNote() == "" {
		t.Errorf("waiting are %v, %v", list, err)
	}
	_, err = w.decide("finance@example.org", large.GetRequestId(), true)
	if apperr.CodeOf(err) != apperr.PermissionDenied {
		t.Errorf("who asked agreed too: %v", err)
	}
	for range 2 {
		done, err := w.decide("admin@example.org", large.GetRequestId(), true)
		if err != nil || done.GetStatus() != "succeeded" || done.GetDecidedBy() != "admin@example.org" {
			t.Errorf("agreed: %v, %v", done, err)
		}
	}
	_, err = w.decide("admin@example.org", large.GetRequestId(), false)
	if apperr.CodeOf(err) != apperr.FailedPrecondition {
		t.Errorf("then not agreed: %v", err)
	}
	third := ask(d, 300_00)
	_, err = w.request("finance@example.org", third)
	if err != nil {
		t.Fatal(err)
	}
	declined, err := w.decide("admin@example.org", third.GetRequestId(), false)
	if err != nil || declined.GetStatus() != "declined" {
		t.Errorf("not agreed: %v, %v", declined, err)
	}
	if made := w.sim.Truth().Refunds; len(made) != 2 {
		t.Errorf("Stripe made %d refunds", len(made))
	}
	w.tells(d, "DonationRefunded 40000+0+0", "DonationRefunded 20000+0+0")
	for _, id := range []string{uuid.NewString(), "x"} {
		_, err = w.decide("admin@example.org", id, true)
		if apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestWhatStaffMayNotSend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.given(visa)
	unpaid := w.checkout(form())
	for name, c := range map[string]struct {
		change func(*donationv1.RequestRefundRequest)
		code   apperr.Code
		fields string
	}{
		"no amount":        {func(r *donationv1.RequestRefundRequest) { r.Amount = nil }, apperr.InvalidArgument, "amount"},
		"less than none":   {func(r *donationv1.RequestRefundRequest) { r.Amount.Minor = -1 }, apperr.InvalidArgument, "amount"},
		"dollars":          {func(r *donationv1.RequestRefundRequest) { r.Amount.Currency = "USD" }, apperr.InvalidArgument, "amount"},
		"no reason":        {func(r *donationv1.RequestRefundRequest) { r.Reason = "" }, apperr.InvalidArgument, "reason"},
		"a long note":      {func(r *donationv1.RequestRefundRequest) { r.Note = strings.Repeat("é", 501) }, apperr.InvalidArgument, "note"},
		"a note of nul":    {func(r *donationv1.RequestRefundRequest) { r.Note = "a\x00b" }, apperr.InvalidArgument, "note"},
		"no request":       {func(r *donationv1.RequestRefundRequest) { r.RequestId = "1" }, apperr.InvalidArgument, "request_id"},
		"all wrong":        {func(r *donationv1.RequestRefundRequest) { r.Amount, r.Reason = nil, "because" }, apperr.InvalidArgument, "amount reason"},
		"no such gift":     {func(r *donationv1.RequestRefundRequest) { r.DonationId = uuid.NewString() }, apperr.NotFound, ""},
		"a gift of words":  {func(r *donationv1.RequestRefundRequest) { r.DonationId = "'; --" }, apperr.NotFound, ""},
		"an unpaid gift":   {func(r *donationv1.RequestRefundRequest) { r.DonationId = unpaid.GetDonationId() }, apperr.NotFound, ""},
		"more than exists": {func(r *donationv1.RequestRefundRequest) { r.Amount.Minor = 1 << 62 }, apperr.InvalidArgument, "amount"},
	} {
		r := ask(d, 10_00)
		c.change(r)
		_, err := w.request("finance@example.org", r)
		var refused *apperr.Error
		if !errors.As(err, &refused) || refused.Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
			continue
		}
		var fields []string
		for _, f := range refused.Fields {
			fields = append(fields, f.Name)
		}
		if got := strings.Join(fields, " "); got != c.fields {
			t.Errorf("%s: fields %q, want %q", name, got, c.fields)
		}
	}
	_, err := w.web.RequestRefund(t.Context(), ask(d, 1_00))
	if apperr.CodeOf(err) != apperr.PermissionDenied {
		t.Errorf("a viewer gave money back: %v", err)
	}
	for _, token := range []string{"x", "r.1", "r.x.y", "r.1.", strings.Repeat("r.1.x", 100)} {
		_, err = w.web.ListRefunds(t.Context(), &donationv1.ListRefundsRequest{PageToken: token})
		if apperr.CodeOf(err) != apperr.InvalidArgument {
			t.Errorf("page %q: %v", token, err)
		}
	}
	if rows := w.rows(`SELECT COUNT(*) FROM refund`); rows != 0 {
		t.Errorf("%d refunds were stored", rows)
	}
}

// Whatever Stripe does to the request, the money goes back once.
func TestStripeFailsInEveryWayToRefund(t *testing.T) {
	t.Parallel()
	for _, knob := range []string{
		`{"500_after_commit": {"count": 1, "only": "POST /v1/refunds"}}`,
		`{"500_before_commit": {"count": 1, "only": "POST /v1/refunds"}}`,
		`{"503": {"count": 2, "only": "POST /v1/refunds"}}`,
		`{"429": {"count": 2, "only": "POST /v1/refunds"}}`,
		`{"html_502": {"count": 9, "only": "POST /v1/refunds"}}`,
		`{"timeout_after_commit": {"count": 1, "only": "POST /v1/refunds"}}`,
	} {
		t.Run(knob[2:strings.Index(knob, ":")-1], func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := w.given(visa)
			w.knobs(knob)
			r := ask(d, 40_00)
			refund, err := w.request("finance@example.org", r)
			if err != nil || (refund.GetStatus() != "succeeded" && refund.GetStatus() != "asked") {
				t.Errorf("it was answered %v, %v", refund, err)
			}
			if refund.GetStatus() == "asked" {
				w.kill()
				w.clock.Advance(time.Minute)
				w.knobs(strings.Replace(knob, "9", "0", 1))
				w.start() // looks at once
			}
			w.eventually("it is done", func() bool {
				refunds := w.donation(d.GetDonationId()).GetRefunds()
				return len(refunds) == 1 && refunds[0].GetStatus() == "succeeded" && refunds[0].GetRequestId() == r.GetRequestId()
			})
			w.quiet()
			if made := w.sim.Truth().Refunds; len(made) != 1 {
				t.Errorf("Stripe made %d refunds", len(made))
			}
			w.tells(d, "DonationRefunded 4000+0+0")
			if parked := w.parked(); len(parked) != 0 {
				t.Errorf("parked %v", parked)
			}
		})
	}
}

// Somebody gave it back in the Dashboard a moment ago, and no webhook has come.
func TestStripeKnowsOfMoreRefundsThanWeDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.given(visa)
	w.quiet()
	w.knobs(`{"drop": 1.0}`)
	w.refundAtStripe(d, 63_30)
	r := ask(d, 60_00)
	for range 2 {
		_, err := w.request("finance@example.org", r)
		if err == nil {
			t.Error("more was given back than was paid")
		}
	}
	w.refundAtStripe(d, 40_00)
	_, err := w.request("finance@example.org", ask(d, 1_00))
	if err == nil {
		t.Error("more was given back than was paid")
	}
}
