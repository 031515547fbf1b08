package app

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
)

func TestSealOpensOnlyWhatItClosed(t *testing.T) {
	t.Parallel()
	seal, err := NewSeal([]byte("a secret of this installation"))
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"email": "amina@example.org"}`)
	closed := seal.Close("evt_1", body)
	if bytes.Contains(closed, []byte("amina")) || bytes.Equal(closed, seal.Close("evt_1", body)) {
		t.Error("it can be read, or compared")
	}
	opened, err := seal.Open("evt_1", closed)
	if err != nil || !bytes.Equal(opened, body) {
		t.Fatalf("%q, %v", opened, err)
	}
	other, err := NewSeal([]byte("another secret"))
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(closed)
	changed[len(changed)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another event":  func() ([]byte, error) { return seal.Open("evt_2", closed) },
		"another secret": func() ([]byte, error) { return other.Open("evt_1", closed) },
		"changed":        func() ([]byte, error) { return seal.Open("evt_1", changed) },
		"cut":            func() ([]byte, error) { return seal.Open("evt_1", closed[:5]) },
	} {
		_, err := open()
		if err == nil {
			t.Errorf("%s was opened", name)
		}
	}
	_, err = NewSeal(nil)
	if err == nil {
		t.Error("an empty secret was taken")
	}
}

func TestTwentySessionsInTenMinutes(t *testing.T) {
	t.Parallel()
	l := newLimiter(sessionsPerAddress, sessionWindow)
	now := time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)
	for i := range sessionsPerAddress {
		if !l.take("203.0.113.7", now.Add(time.Duration(i)*time.Second)) {
			t.Fatalf("session %d was refused", i+1)
		}
	}
	if l.take("203.0.113.7", now.Add(time.Minute)) {
		t.Error("the 21st was not refused")
	}
	if !l.take("198.51.100.4", now) || !l.take("", now) {
		t.Error("somebody else was refused")
	}
	l.give("203.0.113.7")
	if !l.take("203.0.113.7", now.Add(time.Minute)) {
		t.Error("one that was given back was not there")
	}
	if !l.take("203.0.113.7", now.Add(sessionWindow)) || l.take("203.0.113.7", now.Add(sessionWindow)) {
		t.Error("after ten minutes one is free, and only one")
	}
	l.sweep(now.Add(time.Hour))
	if len(l.used) != 0 {
		t.Errorf("%d addresses are remembered after an hour", len(l.used))
	}
	l.give("nobody")
	if len(l.used) != 0 {
		t.Error("giving back made an entry")
	}
}

func TestOneAtATimeForOneIntent(t *testing.T) {
	t.Parallel()
	turns := newTurns()
	inside := map[string]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 40 {
		key := []string{"a", "b"}[i%2]
		all.Go(func() {
			done, err := turns.take(t.Context(), key)
			if err != nil {
				t.Error(err)
				return
			}
			defer done()
			mu.Lock()
			inside[key]++
			if inside[key] != 1 {
				t.Errorf("%d are inside %s", inside[key], key)
			}
			mu.Unlock()
			mu.Lock()
			inside[key]--
			mu.Unlock()
		})
	}
	all.Wait()

	done, err := turns.take(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = turns.take(gone, "a")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("who went away got %v", err)
	}
	done()
	if len(turns.waiting) != 0 {
		t.Errorf("%d intents are remembered", len(turns.waiting))
	}
}

// slowStore commits when it is told to and counts what came in each commit.
type slowStore struct {
	Store
	tell  chan error
	began chan struct{}

	mu     sync.Mutex
	groups []int
}

func (s *slowStore) InTx(ctx context.Context, fn func(context.Context, Tx) error) error {
	s.began <- struct{}{}
	err := <-s.tell
	if err != nil {
		return err
	}
	return fn(ctx, countingTx{store: s})
}

type countingTx struct {
	Tx
	store *slowStore
}

func (t countingTx) StoreEvents(_ context.Context, events []StripeEvent) (map[EventKey]int64, error) {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	t.store.groups = append(t.store.groups, len(events))
	return nil, nil
}

// bareEvents reads bodies that are nothing but an event's id.
type bareEvents struct{ Stripe }

func (bareEvents) ReadEvent(raw []byte) (StripeEvent, *Found, error) {
	return StripeEvent{EventID: string(raw)}, nil, nil
}

// While one commit is on its way, what arrives waits and shares the next. A
// failed commit fails its own group and no other.
func TestDeliveriesShareACommit(t *testing.T) {
	t.Parallel()
	store := &slowStore{tell: make(chan error), began: make(chan struct{}, 10)}
	seal, err := NewSeal([]byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	a := New(Config{}, Parts{Store: store, Stripe: bareEvents{}, Seal: seal, Now: time.Now})
	answers := make(chan error, 40)
	send := func(id string) {
		go func() { answers <- a.Receive(t.Context(), []byte(id)) }()
	}
	queued := func(count int) {
		t.Helper()
		deadline := time.NewTimer(2 * time.Minute)
		defer deadline.Stop()
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for {
			a.intake.mu.Lock()
			length := len(a.intake.queue)
			a.intake.mu.Unlock()
			if length == count {
				return
			}
			select {
			case <-ticker.C:
			case <-deadline.C:
				t.Fatalf("%d are waiting, not %d", length, count)
			}
		}
	}

	send("evt_first")
	<-store.began
	for i := range 20 {
		send("evt_" + string(rune('a'+i)))
	}
	send("evt_a") // the same event at the same moment
	queued(21)
	store.tell <- nil
	<-store.began
	send("evt_late")
	queued(1)
	store.tell <- errors.New("disk full")
	<-store.began
	store.tell <- nil

	failed := 0
	for range 23 {
		if err := <-answers; err != nil {
			failed++
		}
	}
	if failed != 21 {
		t.Errorf("%d deliveries were refused, want the 21 of the failed commit", failed)
	}
	if len(store.groups) != 2 || store.groups[0] != 1 || store.groups[1] != 1 {
		t.Errorf("committed in groups of %v", store.groups)
	}
	a.intake.mu.Lock()
	defer a.intake.mu.Unlock()
	if a.intake.writing || len(a.intake.queue) != 0 {
		t.Error("somebody is still writing")
	}
}

func TestRetriesSlowDown(t *testing.T) {
	t.Parallel()
	last := time.Duration(0)
	for attempts := range int64(100) {
		wait := retryAfter(attempts)
		if wait < last || wait > longestRetry || wait <= 0 {
			t.Fatalf("attempt %d waits %s after %s", attempts, wait, last)
		}
		last = wait
	}
}

func TestEveryKindOfEventIsReadAsItMayBe(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]reading{
		"payment_intent.succeeded": readBody, "payment_intent.payment_failed": readBody, "checkout.session.expired": readBody,
		"checkout.session.completed": readLater, "checkout.session.async_payment_failed": readObject,
		"payment_intent.processing": readObject, "charge.succeeded": readNot, "customer.created": readNot, "": readNot,
	} {
		if readingOf(kind) != want {
			t.Errorf("%q is read as %d", kind, readingOf(kind))
		}
	}
	if !movesBalance("charge.refunded") || !movesBalance("payout.paid") || movesBalance("charge.succeeded") {
		t.Error("the wrong events wake the import")
	}
}

// What a payment carries makes the same gift again, and nobody else can write it.
func TestARecordIsReadOnlyAsItWasWritten(t *testing.T) {
	t.Parallel()
	seal, err := NewSeal([]byte("a secret of this installation"))
	if err != nil {
		t.Fatal(err)
	}
	a := &App{Parts: Parts{Seal: seal}}
	euros := func(minor int64) money.Amount {
		currency, err := money.ParseCurrency("EUR")
		if err != nil {
			t.Fatal(err)
		}
		return money.Amount{Minor: minor, Currency: currency}
	}
	gift := a.recalled(domain.Donation{
		ID: "7b2f8a52-7d4c-4b4e-9d2f-0a1b2c3d4e5f", IntentID: "0a7e0a2e-5c0a-4f0c-8ad1-111111111111",
		Gift: euros(100_00), Cover: euros(3_30), CoverFees: true, AppealSlug: "winter-shelter", FundraiserSlug: "amina-runs",
		Traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		Attribution: domain.Attribution{
			OrganizationID: "5f0c4f4e-4b1e-5d8e-9a53-1d9c1d3f7a10", AppealID: "9e107d9d-372b-4b6e-8a3c-5f1d0a3e9b42",
			FundCode: "SYRIA", FundClass: domain.Restricted, FundraiserID: "c56a4180-65aa-42ec-a945-5fd21dec0538",
			TeamID: "3f333df6-90a4-4fda-8dd3-9485d27cee36", ShareCode: "k7m2",
		},
	})
	text, proof := a.recordOf(gift)
	kept := Keepsake{Organization: gift.Attribution.OrganizationID, Record: text, Proof: proof}
	read, err := a.fromRecord(gift.ID, kept)
	if err != nil || read != gift {
		t.Errorf("%+v became %+v (%v)", gift, read, err)
	}
	for name, change := range map[string]func(id *string, kept *Keepsake){
		"another amount":       func(_ *string, kept *Keepsake) { kept.Record = strings.Replace(kept.Record, "10000", "90000", 1) },
		"another gift":         func(id *string, _ *Keepsake) { *id = "0a7e0a2e-5c0a-4f0c-8ad1-222222222222" },
		"another organization": func(_ *string, kept *Keepsake) { kept.Organization = "org-other" },
		"no proof":             func(_ *string, kept *Keepsake) { kept.Proof = "" },
		"no record":            func(_ *string, kept *Keepsake) { *kept = Keepsake{} },
	} {
		id, other := gift.ID, kept
		change(&id, &other)
		if d, err := a.fromRecord(id, other); err == nil {
			t.Errorf("%s was taken for %+v", name, d)
		}
	}

	// The longest of everything has to fit; where it does not, the ways back go first.
	gift.AppealSlug, gift.FundraiserSlug = strings.Repeat("a", 64), strings.Repeat("b", 64)
	gift.PlanID = "0a7e0a2e-5c0a-4f0c-8ad1-333333333333"
	gift.Attribution.FundCode, gift.Attribution.ShareCode = strings.Repeat("F", maxFundCode), strings.Repeat("s", maxFundCode)
	text, proof = a.recordOf(gift)
	if len(text) == 0 || len(text) > longestRecord || proof == "" || strings.Contains(text, "aaaa") {
		t.Errorf("the longest record has %d bytes: %s", len(text), text)
	}
}

// maxFundCode is what a form takes.
const maxFundCode = 64

// What is given back of a debit waits while the debit is under way, and is nothing when
// the bank has refused it; neither is a gift that nobody knows.
func TestReturnsOfDebitsFollowTheirPayment(t *testing.T) {
	t.Parallel()
	for status, want := range map[domain.PaymentStatus]ruling{
		domain.PaymentProcessing:    {state: EventPending},
		domain.PaymentMethodMissing: {state: EventIgnored},
		domain.PaymentCanceled:      {state: EventIgnored},
		domain.PaymentSucceeded:     {state: EventParked, reason: domain.UnknownDonation},
	} {
		found := Found{Return: &Return{PaymentID: "pi_1"}, Snapshot: domain.Snapshot{Payment: &domain.Payment{ID: "pi_1", Status: status}}}
		if got := homeless(found, ruling{state: EventDone}, false); got.state != want.state || got.reason != want.reason {
			t.Errorf("%s: %+v, want %+v", status, got, want)
		}
	}
}
