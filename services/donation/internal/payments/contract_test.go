package payments

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/config"
)

// contract is what the app relies on, whichever Stripe the client speaks to. It is
// held against the simulator by every test run, and by the same words against
// Stripe's test mode by whoever has an account there.
type contract struct {
	client   *Client
	url, key string
	began    int64 // unix seconds: an account has a life before
	donation string
	plan     string
	// What the account has once somebody gives monthly.
	subscription, customer, invoice, payment string
}

func newContract(t *testing.T, address, key string) *contract {
	t.Helper()
	client, err := New(Config{Key: config.NewSecret(key), URL: address})
	if err != nil {
		t.Fatal(err)
	}
	return &contract{
		client: client, url: strings.TrimSuffix(address, "/"), key: key, began: time.Now().Unix() - 60,
		donation: uuid.NewString(), plan: uuid.NewString(),
	}
}

func (c *contract) holds(t *testing.T) {
	t.Helper()
	for _, promise := range []struct {
		name string
		keep func(*contract, *testing.T)
	}{
		{"a key belongs to an account with a balance", (*contract).keyHasAccount},
		{"a session is made once for an attempt, and expires once", (*contract).sessionOnce},
		{"a monthly session is one of a plan", (*contract).monthlySession},
		{"what is refused is refused with Stripe's code", (*contract).refusals},
		{"what is not there is unknown", (*contract).unknown},
		{"a plan is found with its first instalment, paid", (*contract).planIsFound},
		{"a plan's amount changes for its next instalment", (*contract).amountChanges},
		{"a plan pauses and goes on", (*contract).planPauses},
		{"a donor is led to a page for another card", (*contract).portalOpens},
		{"a payment is given back in parts, and never more than it was", (*contract).givenBack},
		{"all money has its transaction", (*contract).transactions},
		{"a payment that the bank takes back is disputed", (*contract).disputed},
		{"a plan ends once and for all", (*contract).planEnds},
		{"payouts and events can be listed", (*contract).lists},
	} {
		ok := t.Run(promise.name, func(t *testing.T) { promise.keep(c, t) })
		if !ok {
			t.Fatal("what follows needs it")
		}
	}
}

// make has the account do what donors and banks do, by Stripe's API alone.
func (c *contract) make(t *testing.T, path string, fields ...string) map[string]any {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	request.Header.Set("Stripe-Version", APIVersion)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("POST %s: %d %s %v", path, response.StatusCode, raw, err)
	}
	answer := map[string]any{}
	err = json.Unmarshal(raw, &answer)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// pledge has somebody give monthly: 20.00 and 0.70 towards the fee.
func (c *contract) pledge(t *testing.T, card string, metadata ...string) (subscription, customer string) {
	t.Helper()
	customer = fmt.Sprint(c.make(t, "/v1/customers", "email", "amina@example.org", "description", "Made by a test")["id"])
	method := c.make(t, "/v1/payment_methods/"+card+"/attach", "customer", customer)["id"]
	product := fmt.Sprint(c.make(t, "/v1/products", "name", "Monthly gift")["id"])
	fields := append([]string{"customer", customer, "default_payment_method", fmt.Sprint(method)}, metadata...)
	for i, minor := range []int{20_00, 70} {
		of := fmt.Sprintf("items[%d][price_data]", i)
		fields = append(fields, of+"[currency]", "eur", of+"[product]", product, of+"[unit_amount]", strconv.Itoa(minor), of+"[recurring][interval]", "month")
	}
	return fmt.Sprint(c.make(t, "/v1/subscriptions", fields...)["id"]), customer
}

func (c *contract) keyHasAccount(t *testing.T) {
	id, err := c.client.AccountID(t.Context())
	if err != nil || !strings.HasPrefix(id, "acct_") {
		t.Errorf("%q, %v", id, err)
	}
	_, err = c.client.Balance(t.Context())
	if err != nil {
		t.Error(err)
	}
}

func (c *contract) session(id string) app.SessionRequest {
	r := request()
	r.Donation.ID, r.ExpiresAt = id, time.Now().Add(time.Hour).Unix()
	return r
}

func (c *contract) sessionOnce(t *testing.T) {
	r := c.session(c.donation)
	id, page, err := c.client.CreateSession(t.Context(), r)
	if err != nil || !strings.HasPrefix(id, "cs_test_") || !strings.HasPrefix(page, "http") {
		t.Fatalf("%q, %q, %v", id, page, err)
	}
	again, _, err := c.client.CreateSession(t.Context(), r)
	if err != nil || again != id {
		t.Errorf("asked again: %q, %v", again, err)
	}
	found, err := c.client.Session(t.Context(), id)
	if err != nil || !found.Ours || found.DonationID != c.donation || found.Snapshot.Session.Status != domain.SessionOpen || found.Snapshot.Payment != nil {
		t.Errorf("%+v, %v", found, err)
	}
	for range 2 {
		err = c.client.ExpireSession(t.Context(), id)
		if err != nil {
			t.Error(err)
		}
	}
	found, err = c.client.Session(t.Context(), id)
	if err != nil || found.Snapshot.Session.Status != domain.SessionExpired {
		t.Errorf("%+v, %v", found.Snapshot.Session, err)
	}
	if err := c.client.expire(t.Context(), id, "exp:"+id+":later"); !errors.Is(err, app.ErrNotOpen) {
		t.Errorf("an expired session under another key: %v", err)
	}
}

func (c *contract) monthlySession(t *testing.T) {
	r := c.session(uuid.NewString())
	r.Donation.PlanID = c.plan
	id, _, err := c.client.CreateSession(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	found, err := c.client.Session(t.Context(), id)
	if err != nil || found.PlanID != c.plan || found.Subscription != nil || found.Invoice != nil {
		t.Errorf("%+v, %v", found, err)
	}
	err = c.client.ExpireSession(t.Context(), id)
	if err != nil {
		t.Error(err)
	}
}

func (c *contract) refusals(t *testing.T) {
	small := c.session(uuid.NewString())
	small.Donation.Cover.Minor, small.Donation.Gift.Minor = 0, 10
	_, _, err := c.client.CreateSession(t.Context(), small)
	var refused *app.RefusedError
	if !errors.As(err, &refused) || refused.Code != "amount_too_small" {
		t.Errorf("ten cents: %v", err)
	}
	nobody := c.session(uuid.NewString())
	nobody.Email = "nobody"
	_, _, err = c.client.CreateSession(t.Context(), nobody)
	if !errors.As(err, &refused) || refused.Code != "email_invalid" {
		t.Errorf("an address that is none: %v", err)
	}
}

func (c *contract) unknown(t *testing.T) {
	for name, ask := range map[string]func() error{
		"session":      func() error { _, err := c.client.Session(t.Context(), "cs_test_none"); return err },
		"payment":      func() error { _, err := c.client.PaymentIntent(t.Context(), "pi_none"); return err },
		"refund":       func() error { _, err := c.client.Return(t.Context(), "re_none"); return err },
		"subscription": func() error { _, err := c.client.Subscription(t.Context(), "sub_none"); return err },
		"invoice":      func() error { _, err := c.client.Invoice(t.Context(), "in_none"); return err },
		"payout":       func() error { _, err := c.client.Payout(t.Context(), "po_none"); return err },
	} {
		if err := ask(); !errors.Is(err, app.ErrStripeUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func (c *contract) planIsFound(t *testing.T) {
	c.subscription, c.customer = c.pledge(t, "pm_card_visa", "metadata["+metaMark+"]", metaMarkValue, "metadata["+metaDonation+"]", c.donation,
		"metadata["+metaPlan+"]", c.plan, "metadata["+metaGift+"]", "2000", "metadata["+metaCover+"]", "70")
	found, err := c.client.Subscription(t.Context(), c.subscription)
	if err != nil || !found.Ours || found.PlanID != c.plan || found.Subscription.Status != domain.PlanActive ||
		found.Subscription.CustomerID != c.customer || len(found.Subscription.Items) != 2 || found.Subscription.Agreed != (domain.Parts{Gift: 20_00, Cover: 70}) {
		t.Fatalf("%+v, %+v, %v", found, found.Subscription, err)
	}
	list, err := c.client.InvoicesOf(t.Context(), c.subscription)
	if err != nil || len(list) != 1 || !list[0].Invoice.First() {
		t.Fatalf("%+v, %v", list, err)
	}
	c.invoice, c.payment = list[0].Invoice.ID, list[0].Invoice.PaymentID
	one, err := c.client.Invoice(t.Context(), c.invoice)
	if err != nil || one.Invoice.Status != domain.InvoicePaid || one.Invoice.Paid.Minor != 20_70 || one.Invoice.Payment != domain.PaymentSucceeded ||
		one.Invoice.ChargeID == "" || one.PlanID != c.plan {
		t.Errorf("%+v, %+v, %v", one, one.Invoice, err)
	}
	since, _, err := c.client.Subscriptions(t.Context(), c.began*1_000_000, "")
	if err != nil || !slices.ContainsFunc(since, func(f app.Found) bool { return f.Subscription.ID == c.subscription }) {
		t.Errorf("%d subscriptions since, %v", len(since), err)
	}
	_, err = c.client.Keepsake(t.Context(), c.payment)
	if !errors.Is(err, app.ErrStripeUnknown) {
		t.Errorf("no session led to it: %v", err)
	}
}

func (c *contract) amountChanges(t *testing.T) {
	before, err := c.client.Subscription(t.Context(), c.subscription)
	if err != nil {
		t.Fatal(err)
	}
	err = c.client.ChangeAmount(t.Context(), "amount:"+c.plan, app.AmountChange{
		Subscription: *before.Subscription, Currency: money.MustCurrency("EUR"), Parts: domain.Parts{Gift: 35_00},
	})
	if err != nil {
		t.Fatal(err)
	}
	after, err := c.client.Subscription(t.Context(), c.subscription)
	if err != nil || len(after.Subscription.Items) != 1 || after.Subscription.Items[0].Minor != 35_00 || after.Subscription.Agreed != (domain.Parts{Gift: 35_00}) {
		t.Errorf("%+v, %v", after.Subscription, err)
	}
	list, err := c.client.InvoicesOf(t.Context(), c.subscription)
	if err != nil || len(list) != 1 {
		t.Errorf("the month that is running was charged again: %d invoices, %v", len(list), err)
	}
}

func (c *contract) planPauses(t *testing.T) {
	until := time.Now().Add(60 * 24 * time.Hour).Truncate(time.Second).UnixMicro()
	err := c.client.PauseUntil(t.Context(), "pause:"+c.plan, c.subscription, until)
	if err != nil {
		t.Fatal(err)
	}
	found, err := c.client.Subscription(t.Context(), c.subscription)
	if err != nil || found.Subscription.ResumesAt != until || !found.Subscription.Paused || found.Subscription.Status != domain.PlanActive {
		t.Errorf("%+v, %v", found.Subscription, err)
	}
	err = c.client.PauseUntil(t.Context(), "resume:"+c.plan, c.subscription, 0)
	if err != nil {
		t.Fatal(err)
	}
	found, err = c.client.Subscription(t.Context(), c.subscription)
	if err != nil || found.Subscription.Paused {
		t.Errorf("%+v, %v", found.Subscription, err)
	}
}

func (c *contract) portalOpens(t *testing.T) {
	page, err := c.client.OpenPortal(t.Context(), "portal:"+c.plan, c.customer, "https://give.example.org/plan")
	if err != nil || !strings.HasPrefix(page, "http") {
		t.Errorf("%q, %v (a test account needs its customer portal's settings saved once)", page, err)
	}
}

func (c *contract) givenBack(t *testing.T) {
	r := domain.Refund{
		RequestID: uuid.NewString(), Donation: c.donation, PaymentID: c.payment, Reason: "requested_by_customer",
		Amount: money.Amount{Minor: 5_00, Currency: money.MustCurrency("EUR")}, Request: domain.Request{Attempt: 1},
	}
	made, err := c.client.CreateRefund(t.Context(), r)
	if err != nil || len(made.Refunds) != 1 || made.Refunds[0].RequestID != r.RequestID || !made.Refunds[0].Status.Accepted() || made.PaymentID != c.payment {
		t.Fatalf("%+v, %v", made, err)
	}
	again, err := c.client.CreateRefund(t.Context(), r)
	if err != nil || again.ObjectID != made.ObjectID {
		t.Errorf("asked again: %+v, %v", again, err)
	}
	fetched, err := c.client.Return(t.Context(), made.ObjectID)
	if err != nil || fetched.Refunds[0].Amount != r.Amount {
		t.Errorf("%+v, %v", fetched, err)
	}
	all, err := c.client.RefundsOf(t.Context(), c.payment)
	if err != nil || len(all) != 1 || all[0].ID != made.ObjectID {
		t.Errorf("%+v, %v", all, err)
	}
	charge, err := c.client.Return(t.Context(), made.ChargeID)
	if err != nil || charge.Sum == nil || charge.Sum.Minor != 5_00 {
		t.Errorf("%+v, %v", charge, err)
	}
	since, _, err := c.client.RefundsSince(t.Context(), c.began, "")
	if err != nil || !slices.ContainsFunc(since, func(r app.Return) bool { return r.ObjectID == made.ObjectID }) {
		t.Errorf("%d refunds since, %v", len(since), err)
	}
	r.RequestID, r.Amount.Minor = uuid.NewString(), 15_71
	_, err = c.client.CreateRefund(t.Context(), r)
	var refused *app.RefusedError
	if !errors.As(err, &refused) {
		t.Errorf("one cent more than is left: %v", err)
	}
}

// soon asks until there is what Stripe makes a moment later.
func soon(t *testing.T, what string, there func() (bool, error)) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		found, err := there()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if found {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("not there: %s", what)
		case <-tick.C:
		}
	}
}

func (c *contract) transactions(t *testing.T) {
	var newest []app.Transaction
	soon(t, "the charge and the refund among the transactions", func() (bool, error) {
		page, _, err := c.client.TransactionsAfter(t.Context(), "")
		newest = page
		return len(c.ofPayment(page, "charge")) == 1 && len(c.ofPayment(page, "refund")) == 1, err
	})
	charge := c.ofPayment(newest, "charge")[0]
	if charge.SourceAmount != (app.Money{Minor: 20_70, Currency: "EUR"}) || charge.Net.Minor >= charge.Amount.Minor {
		t.Errorf("%+v", charge)
	}
	newer, _, err := c.client.TransactionsBefore(t.Context(), charge.ID)
	if err != nil || len(c.ofPayment(newer, "refund")) != 1 {
		t.Errorf("what came after the charge: %+v, %v", newer, err)
	}
}

func (c *contract) ofPayment(page []app.Transaction, category string) (found []app.Transaction) {
	for _, x := range page {
		if x.PaymentIntentID == c.payment && x.Category == category {
			found = append(found, x)
		}
	}
	return found
}

func (c *contract) disputed(t *testing.T) {
	subscription, _ := c.pledge(t, "pm_card_createDispute")
	list, err := c.client.InvoicesOf(t.Context(), subscription)
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	payment, dispute := list[0].Invoice.PaymentID, ""
	soon(t, "the dispute", func() (bool, error) {
		since, _, err := c.client.DisputesSince(t.Context(), c.began, "")
		for _, r := range since {
			if r.PaymentID == payment {
				dispute = r.ObjectID
			}
		}
		return dispute != "", err
	})
	found, err := c.client.Return(t.Context(), dispute)
	if err != nil || found.Dispute.Status != domain.NeedsResponse || found.Dispute.Reason != "fraudulent" || found.Dispute.EvidenceDueAt == 0 ||
		found.Dispute.Amount.Minor != 20_70 {
		t.Errorf("%+v, %v", found.Dispute, err)
	}
	_, err = c.client.CreateRefund(t.Context(), domain.Refund{
		RequestID: uuid.NewString(), Donation: c.donation, PaymentID: payment, Reason: "fraudulent",
		Amount: money.Amount{Minor: 5_00, Currency: money.MustCurrency("EUR")}, Request: domain.Request{Attempt: 1},
	})
	var refused *app.RefusedError
	if !errors.As(err, &refused) || refused.Code != "charge_disputed" {
		t.Errorf("given back as well: %v", err)
	}
	err = c.client.CancelSubscription(t.Context(), "end:"+subscription, subscription)
	if err != nil {
		t.Error(err)
	}
}

func (c *contract) planEnds(t *testing.T) {
	for i := range 2 {
		err := c.client.CancelSubscription(t.Context(), fmt.Sprintf("end:%s:%d", c.plan, i), c.subscription)
		if err != nil {
			t.Error(err)
		}
	}
	found, err := c.client.Subscription(t.Context(), c.subscription)
	if err != nil || found.Subscription.Status != domain.PlanCanceled {
		t.Errorf("%+v, %v", found.Subscription, err)
	}
	err = c.client.VoidInvoice(t.Context(), "void:"+c.invoice, c.invoice)
	if err != nil {
		t.Errorf("an invoice that is paid: %v", err)
	}
}

func (c *contract) lists(t *testing.T) {
	_, _, err := c.client.PayoutsSince(t.Context(), c.began, "")
	if err != nil {
		t.Error(err)
	}
	_, _, err = c.client.UndeliveredEvents(t.Context(), c.began, "")
	if err != nil {
		t.Error(err)
	}
}

// What the app relies on is so in the simulator.
func TestContractWithTheSimulator(t *testing.T) {
	t.Parallel()
	a := open(t)
	newContract(t, a.url, "sk_test_contract").holds(t)
}
