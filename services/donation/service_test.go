package donation_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/donation"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/config"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

// rpcConn keeps the generated clients' interface short in world.
type rpcConn struct{ *grpc.ClientConn }

func TestGiftFromFormToFeed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"duplicate": 1.0, "order": {"mode": "shuffle", "window": 8}}`)

	r := form()
	r.CoverFees = true
	started := w.checkout(r)
	if !strings.Contains(started.GetCheckoutUrl(), started.GetSessionId()) {
		t.Errorf("checkout address %q is not that of session %q", started.GetCheckoutUrl(), started.GetSessionId())
	}
	w.pay(started.GetSessionId(), visa)
	d := w.settled(started.GetDonationId())
	sums := w.quiet()

	if d.GetGift().GetMinor() != 100_00 || d.GetCover().GetMinor() != 3_30 {
		t.Errorf("gift %d, cover %d", d.GetGift().GetMinor(), d.GetCover().GetMinor())
	}
	if d.GetFee().GetMinor() == 0 || d.GetFee().GetCurrency() != "EUR" || d.GetChargeId() == "" {
		t.Errorf("fee %v, charge %q", d.GetFee(), d.GetChargeId())
	}
	if d.GetWebhookReceivedAt() == 0 || d.GetSucceededAt() < d.GetWebhookReceivedAt() || d.GetPaidAt() == 0 {
		t.Errorf("received %d, succeeded %d, paid %d", d.GetWebhookReceivedAt(), d.GetSucceededAt(), d.GetPaidAt())
	}
	want := map[string]int{"DonationSucceeded": 1, "BalanceTransactionRecorded": 1}
	if got := w.kinds(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("events %v, want %v", got, want)
	}
	if len(sums.GetSums()) != 1 || sums.GetSums()[0].GetGiftMinor() != 100_00 || sums.GetSums()[0].GetCoverMinor() != 3_30 ||
		sums.GetGiftsWithoutFee() != 0 || sums.GetHead() != 2 {
		t.Errorf("sums %v", sums)
	}
	if parked := w.parked(); len(parked) != 0 {
		t.Errorf("parked %v", parked)
	}
	checkEvents(t, w, d)
	checkPersonalData(t, w)
	// All of that from what Stripe sent: a call a gift is more than it allows.
	for _, call := range []string{"GET /v1/payment_intents/*", "GET /v1/checkout/sessions/*"} {
		if count := w.stripe.count(call); count != 0 {
			t.Errorf("%s: %d times", call, count)
		}
	}
}

// checkEvents looks at what the ledger and the receipts will read.
func checkEvents(t *testing.T, w *world, d *donationv1.Donation) {
	t.Helper()
	traces := map[string]bool{}
	for _, e := range w.events() {
		traces[strings.Split(e.GetTraceparent(), "-")[1]] = true
		switch e.GetType() {
		case "almoner.donation.v1.DonationSucceeded":
			var m donationv1.DonationSucceeded
			err := proto.Unmarshal(e.GetPayload(), &m)
			if err != nil {
				t.Fatal(err)
			}
			if e.GetAggregateId() != d.GetDonationId() || e.GetAggregateVersion() != 1 || m.GetAttribution().GetFundCode() != "GENERAL" ||
				m.GetVisibility() != donationv1.Visibility_VISIBILITY_PUBLIC || m.GetAccountId() == "" || m.GetLate() {
				t.Errorf("event %v of %v", &m, e)
			}
		case "almoner.donation.v1.BalanceTransactionRecorded":
			var m donationv1.BalanceTransactionRecorded
			err := proto.Unmarshal(e.GetPayload(), &m)
			if err != nil {
				t.Fatal(err)
			}
			if m.GetDonationId() != d.GetDonationId() || m.GetForeign() || m.GetAttribution().GetOrganizationId() != organization ||
				m.GetAmount().GetMinor()-m.GetFee().GetMinor() != m.GetNet().GetMinor() || m.GetSourceAmount().GetMinor() != 103_30 {
				t.Errorf("event %v", &m)
			}
		}
	}
	if len(traces) != 1 || !traces[strings.Split(d.GetTraceparent(), "-")[1]] {
		t.Errorf("the donor's trace is %s, the events are in %v", d.GetTraceparent(), traces)
	}
}

func checkPersonalData(t *testing.T, w *world) {
	t.Helper()
	for _, secret := range []string{"Amina", "amina@example.org", "warm room."} {
		if strings.Contains(w.logs.String(), secret) {
			t.Errorf("the log has %q in it", secret)
		}
		for _, e := range w.events() {
			if strings.Contains(string(e.GetPayload()), secret) {
				t.Errorf("event %s has %q in it", e.GetType(), secret)
			}
		}
		if count := w.rows(`SELECT COUNT(*) FROM stripe_event WHERE instr(sealed, CAST($1 AS BLOB)) > 0`, secret); count != 0 {
			t.Errorf("%d stored webhooks can be read: %q is in them", count, secret)
		}
	}
}

func TestTheSameFormTwentyTimesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := form()
	answers := make([]*donationv1.StartCheckoutResponse, 20)
	var posts sync.WaitGroup
	for i := range answers {
		posts.Go(func() { answers[i], _ = w.web.StartCheckout(t.Context(), r) })
	}
	posts.Wait()
	for i, a := range answers {
		if a == nil || a.GetSessionId() != answers[0].GetSessionId() || a.GetDonationId() != answers[0].GetDonationId() {
			t.Fatalf("post %d was answered %v, the first one %v", i, a, answers[0])
		}
	}
	if calls := w.stripe.count("POST /v1/checkout/sessions"); calls != 1 {
		t.Errorf("Stripe was asked for %d sessions", calls)
	}
	w.pay(answers[0].GetSessionId(), visa)
	w.settled(answers[0].GetDonationId())
	again := w.checkout(r)
	if !again.GetAlreadyPaid() || again.GetDonationId() != answers[0].GetDonationId() || again.GetCheckoutUrl() != "" {
		t.Errorf("after paying, the form leads to %v", again)
	}
}

func TestBackButtonAndAnotherAmount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := form()
	before := w.checkout(first)

	second := proto.CloneOf(first)
	second.Gift.Minor = 50_00
	after := w.checkout(second)
	if after.GetDonationId() == before.GetDonationId() || after.GetSessionId() == before.GetSessionId() {
		t.Fatalf("another amount led to the same checkout: %v, %v", before, after)
	}
	if state := w.donation(before.GetDonationId()).GetState(); state != donationv1.State_STATE_ABANDONED {
		t.Errorf("the gift before is %s", state)
	}
	if open := w.openSessions(); len(open) != 1 || open[0] != after.GetSessionId() {
		t.Errorf("open at Stripe: %v", open)
	}

	// And back to the first amount: the same gift again, with a session of its own.
	third := w.checkout(first)
	if third.GetDonationId() != before.GetDonationId() || third.GetSessionId() == before.GetSessionId() {
		t.Errorf("the first amount again led to %v", third)
	}
	w.pay(third.GetSessionId(), visa)
	w.settled(third.GetDonationId())

	// The gift of 50 was never paid; sending it now must not charge again.
	fourth := w.checkout(second)
	if !fourth.GetAlreadyPaid() || fourth.GetDonationId() != third.GetDonationId() {
		t.Errorf("another amount after paying led to %v", fourth)
	}
	if sums := w.quiet(); sums.GetSums()[0].GetGifts() != 1 {
		t.Errorf("sums %v", sums)
	}
}

func (w *world) openSessions() []string {
	var open []string
	for _, s := range w.sim.Truth().Sessions {
		if s.Status == "open" {
			open = append(open, s.ID)
		}
	}
	return open
}

// The donor paid in one tab; no webhook has come yet when the other tab sends
// another amount. Stripe knows better.
func TestAnotherAmountWhenTheFirstIsPaidAlready(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"drop": 1.0}`)
	first := form()
	before := w.checkout(first)
	w.pay(before.GetSessionId(), visa)

	second := proto.CloneOf(first)
	second.Gift.Minor = 70_00
	after := w.checkout(second)
	if !after.GetAlreadyPaid() || after.GetDonationId() != before.GetDonationId() {
		t.Errorf("led to %v, want the paid gift %s", after, before.GetDonationId())
	}
	w.settled(before.GetDonationId())
}

func TestWhatADonorMayNotSend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		change func(*donationv1.StartCheckoutRequest)
		code   apperr.Code
		fields string
	}{
		"nothing":             {func(r *donationv1.StartCheckoutRequest) { r.Gift = nil }, apperr.InvalidArgument, "amount"},
		"below the minimum":   {func(r *donationv1.StartCheckoutRequest) { r.Gift.Minor = 1_99 }, apperr.InvalidArgument, "amount"},
		"above the maximum":   {func(r *donationv1.StartCheckoutRequest) { r.Gift.Minor = 1 << 40 }, apperr.InvalidArgument, "amount"},
		"another currency":    {func(r *donationv1.StartCheckoutRequest) { r.Gift.Currency = "USD" }, apperr.InvalidArgument, "currency"},
		"no currency":         {func(r *donationv1.StartCheckoutRequest) { r.Gift.Currency = "XXX" }, apperr.InvalidArgument, "currency"},
		"a bad address":       {func(r *donationv1.StartCheckoutRequest) { r.Email = "amina" }, apperr.InvalidArgument, "email"},
		"5,000 emoji":         {func(r *donationv1.StartCheckoutRequest) { r.Message = strings.Repeat("🕊", 5_000) }, apperr.InvalidArgument, "message"},
		"an unknown fund":     {func(r *donationv1.StartCheckoutRequest) { r.FundCode = "MOON"; r.Name = "" }, apperr.InvalidArgument, "name fund"},
		"no intent":           {func(r *donationv1.StartCheckoutRequest) { r.IntentId = "1" }, apperr.InvalidArgument, "intent"},
		"a visibility of 99":  {func(r *donationv1.StartCheckoutRequest) { r.Visibility = 99 }, apperr.InvalidArgument, "visibility"},
		"an unknown appeal":   {func(r *donationv1.StartCheckoutRequest) { r.Target = to("nowhere") }, apperr.NotFound, ""},
		"no appeal":           {func(r *donationv1.StartCheckoutRequest) { r.Target = nil }, apperr.NotFound, ""},
		"a closed appeal":     {func(r *donationv1.StartCheckoutRequest) { r.Target = to("last-year") }, apperr.Gone, ""},
		"everything at once":  {func(r *donationv1.StartCheckoutRequest) { r.Gift.Minor, r.Email, r.Name = 5, "", "" }, apperr.InvalidArgument, "name email amount"},
		"header in the email": {func(r *donationv1.StartCheckoutRequest) { r.Email = "a@example.org\r\nBcc: b@example.org" }, apperr.InvalidArgument, "email"},
	} {
		r := form()
		c.change(r)
		_, err := w.web.StartCheckout(t.Context(), r)
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
	if rows := w.rows(`SELECT COUNT(*) FROM donation`); rows != 0 {
		t.Errorf("%d gifts were stored", rows)
	}
}

func to(slug string) *donationv1.StartCheckoutRequest_AppealSlug {
	return &donationv1.StartCheckoutRequest_AppealSlug{AppealSlug: slug}
}

func TestSessionsAreLimitedByAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	last := form()
	for i := range 20 {
		last = form()
		last.ClientAddress = otherPerson
		_, err := w.web.StartCheckout(t.Context(), last)
		if err != nil {
			t.Fatalf("session %d: %v", i+1, err)
		}
	}
	more := form()
	more.ClientAddress = otherPerson
	_, err := w.web.StartCheckout(t.Context(), more)
	if apperr.CodeOf(err) != apperr.ResourceExhausted {
		t.Fatalf("the 21st session: %v", err)
	}
	w.checkout(last) // the same form again is no new session
	w.checkout(form())
	w.clock.Advance(11 * time.Minute)
	w.checkout(more)
}

func TestStripeAwayLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stripe.cut(true)
	r := form()
	_, err := w.web.StartCheckout(t.Context(), r)
	if apperr.CodeOf(err) != apperr.Unavailable {
		t.Fatalf("with Stripe away: %v", err)
	}
	w.stripe.cut(false)
	started := w.checkout(r)
	if rows := w.rows(`SELECT COUNT(*) FROM donation`); rows != 1 {
		t.Errorf("%d gifts for one form", rows)
	}
	kept, err := w.web.GetCheckoutForm(t.Context(), &donationv1.GetCheckoutFormRequest{DonationId: started.GetDonationId()})
	if err != nil || kept.GetEmail() != r.GetEmail() || kept.GetMessage() != r.GetMessage() || kept.GetIntentId() != r.GetIntentId() {
		t.Errorf("the form is kept as %v, %v", kept, err)
	}
	r.FundCode = kept.GetFundCode() // the page shows it filled in
	if again := w.checkout(r); again.GetSessionId() != started.GetSessionId() {
		t.Errorf("the form shown again leads to %v", again)
	}
}

func TestStripeFailsInEveryWay(t *testing.T) {
	t.Parallel()
	for _, knob := range []string{
		`{"500_after_commit": {"count": 1, "only": "POST /v1/checkout"}}`,
		`{"500_before_commit": {"count": 1, "only": "POST /v1/checkout"}}`,
		`{"503": {"count": 2, "only": "POST /v1/checkout"}}`,
		`{"429": {"count": 2, "only": "POST /v1/checkout"}}`,
		`{"html_502": {"count": 1, "only": "POST /v1/checkout"}}`,
		`{"timeout_after_commit": {"count": 1, "only": "POST /v1/checkout"}}`,
	} {
		t.Run(knob[2:strings.Index(knob, ":")-1], func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.knobs(knob)
			started := w.checkout(form())
			w.pay(started.GetSessionId(), visa)
			d := w.settled(started.GetDonationId())
			if sums := w.quiet(); sums.GetSums()[0].GetGifts() != 1 || sums.GetStripeEventsParked() != 0 {
				t.Errorf("sums %v", sums)
			}
			if d.GetEventPos() == 0 {
				t.Error("the success has no place in the feed")
			}
		})
	}
}

func TestDeclinedThenPaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	started := w.checkout(form())
	w.pay(started.GetSessionId(), noFunds)
	w.eventually("the decline is known", func() bool {
		return w.donation(started.GetDonationId()).GetDeclineCode() == "insufficient_funds"
	})
	if state := w.donation(started.GetDonationId()).GetState(); state != donationv1.State_STATE_CHECKOUT_OPEN {
		t.Errorf("after a decline the gift is %s", state)
	}
	w.pay(started.GetSessionId(), visa)
	w.settled(started.GetDonationId())
}

func TestExpiredSessionAndTheSameFormAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := form()
	first := w.checkout(r)
	w.clock.Advance(2 * time.Hour)
	second := w.checkout(r)
	if second.GetDonationId() != first.GetDonationId() || second.GetSessionId() == first.GetSessionId() {
		t.Fatalf("after expiry the form leads to %v, before to %v", second, first)
	}
	w.pay(second.GetSessionId(), visa)
	w.settled(second.GetDonationId())
}

func TestWhatMayBeShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []string
	for _, v := range []donationv1.Visibility{
		donationv1.Visibility_VISIBILITY_PUBLIC, donationv1.Visibility_VISIBILITY_FIRST_NAME, donationv1.Visibility_VISIBILITY_ANONYMOUS,
	} {
		r := form()
		r.Visibility = v
		started := w.checkout(r)
		w.pay(started.GetSessionId(), visa)
		ids = append(ids, started.GetDonationId())
	}
	for _, id := range ids {
		w.settled(id)
	}
	unpaid := w.checkout(form())
	slices.Reverse(ids)
	answer, err := w.web.PublicGifts(t.Context(), &donationv1.PublicGiftsRequest{
		DonationIds: append(ids, unpaid.GetDonationId(), uuid.NewString(), "'; DROP TABLE donor"),
	})
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, g := range answer.GetGifts() {
		shown = append(shown, g.GetName()+"|"+g.GetMessage())
	}
	want := []string{"|", "Amina|For a warm room.", "Amina Yusuf|For a warm room."}
	if !slices.Equal(shown, want) {
		t.Errorf("shown %q, want %q", shown, want)
	}
	_, err = w.web.GetDonor(t.Context(), &donationv1.GetDonorRequest{DonationId: ids[0]})
	if apperr.CodeOf(err) != apperr.PermissionDenied {
		t.Errorf("a viewer asked for a donor: %v", err)
	}
	accountant := rpc.WithPerson(t.Context(), rpc.Person{ID: "an accountant", Roles: []string{"accountant"}})
	_, err = w.web.GetDonors(accountant, &donationv1.GetDonorsRequest{DonationIds: ids})
	if apperr.CodeOf(err) != apperr.PermissionDenied {
		t.Errorf("web asked for many donors: %v", err)
	}
	donor, err := w.web.GetDonor(accountant, &donationv1.GetDonorRequest{DonationId: ids[0]})
	if err != nil || donor.GetName() != "Amina Yusuf" || donor.GetEmail() == "" {
		t.Errorf("an accountant asked for a donor: %v (%v)", donor, err)
	}
}

func TestYenHaveNoDecimals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := form()
	r.Target = to("mobile-clinic")
	r.Gift = &moneyv1.Money{Minor: 5_000, Currency: "JPY"}
	started := w.checkout(r)
	w.pay(started.GetSessionId(), visa)
	d := w.settled(started.GetDonationId())
	if d.GetGift().GetCurrency() != "JPY" || d.GetGift().GetMinor() != 5_000 {
		t.Errorf("gift %v", d.GetGift())
	}
}

func TestSecretsAreRequired(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	deps := donation.Deps{DB: w.service.db, Conn: nil, Mail: &mailbox{}, Now: w.clock.Now, Tracer: noTraces()}
	good := donation.Config{
		BaseURL: "https://give.example.org", SecretKey: config.NewSecret("secret"), StripeKey: config.NewSecret("sk_test_x"),
		WebhookSecrets: []config.Secret{config.NewSecret("whsec_x")},
	}
	for name, change := range map[string]func(*donation.Config){
		"an empty webhook secret": func(c *donation.Config) { c.WebhookSecrets = append(c.WebhookSecrets, config.Secret{}) },
		"no key of its own":       func(c *donation.Config) { c.SecretKey = config.Secret{} },
		"no Stripe key":           func(c *donation.Config) { c.StripeKey = config.Secret{} },
	} {
		cfg := good
		cfg.WebhookSecrets = slices.Clone(good.WebhookSecrets)
		change(&cfg)
		_, err := donation.New(cfg, deps)
		if err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	cfg := good
	cfg.WebhookSecrets = nil
	asked, err := donation.New(cfg, deps)
	if err != nil {
		t.Fatalf("an operator's command needs no webhook secret: %v", err)
	}
	if asked.Run(context.Background()) == nil {
		t.Error("it ran without one")
	}
	mux := http.NewServeMux()
	asked.RegisterHTTP(mux)
	_, pattern := mux.Handler(&http.Request{Method: http.MethodPost, URL: mustURL(t, w.hook)})
	if pattern != "" {
		t.Errorf("it would take webhooks at %q", pattern)
	}
}
