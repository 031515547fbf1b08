package apptest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
)

func webhook(id string) app.StripeEvent {
	return app.StripeEvent{
		EventID: id, Type: "payment_intent.succeeded", ObjectID: "pi_1", APIVersion: "2023-10-16", CreatedAt: 1_793_000_000,
		ReceivedAt: start, State: app.EventPending, Sealed: []byte{0, 1, 255},
	}
}

func storeEvents(t *testing.T, s app.Store) {
	connected := webhook("evt_1")
	connected.AccountID, connected.Livemode = "acct_other", true
	bare := app.StripeEvent{EventID: "found:pi_9", State: app.EventParked, Reason: domain.UnknownDonation, ReceivedAt: start}
	seq := int64(0)
	for i, want := range []int{4, 0} {
		write(t, s, func(ctx context.Context, tx app.Tx) error {
			fresh, err := tx.StoreEvents(ctx, []app.StripeEvent{webhook("evt_1"), webhook("evt_2"), connected, bare})
			if err != nil || len(fresh) != want {
				t.Errorf("delivery %d stored %v, %v", i+1, fresh, err)
			}
			if i == 0 {
				seq = fresh[connected.Key()]
			}
			return nil
		})
	}
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		list, err := tx.PendingEvents(ctx, start, 10)
		if err != nil || len(list) != 3 {
			t.Fatalf("pending %v, %v", list, err)
		}
		want := connected
		want.Seq, want.Stored, want.HasBody, want.Sealed = seq, app.EventPending, true, nil
		if !reflect.DeepEqual(list[2], want) || list[0].Seq >= list[1].Seq {
			t.Errorf("got %+v\nwant %+v", list[2], want)
		}
		parked, err := tx.ParkedEvents(ctx, 0, 10)
		if err != nil || len(parked) != 1 || parked[0].HasBody || parked[0].Stored != app.EventParked {
			t.Fatalf("parked %+v, %v", parked, err)
		}
		bodies, err := tx.EventBodies(ctx, []int64{list[0].Seq, list[2].Seq, parked[0].Seq, 999})
		if err != nil || len(bodies) != 2 || !slices.Equal(bodies[want.Seq], connected.Sealed) {
			t.Errorf("bodies %v, %v", bodies, err)
		}
		return nil
	})
}

// dueEvents takes one event through every state that it may have in its life.
func dueEvents(t *testing.T, s app.Store) {
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		_, err := tx.StoreEvents(ctx, []app.StripeEvent{webhook("evt_1"), webhook("evt_2")})
		return err
	})
	all := []app.EventState{app.EventPending, app.EventParked, app.EventDone, app.EventIgnored}
	counts := func(when string, want ...int64) {
		t.Helper()
		read(t, s, func(ctx context.Context, tx app.Tx) error {
			for i, state := range all {
				count, err := tx.CountEvents(ctx, state)
				if err != nil || count != want[i] {
					t.Errorf("%s: %d %s, %v; want %d", when, count, state, err, want[i])
				}
			}
			return nil
		})
	}
	pending := func(ctx context.Context, tx app.Tx) app.StripeEvent {
		list, err := tx.PendingEvents(ctx, start+100, 1)
		if err != nil || len(list) != 1 || list[0].EventID != "evt_1" || list[0].State != app.EventPending {
			t.Fatalf("pending %v, %v", list, err)
		}
		return list[0]
	}
	become := func(e app.StripeEvent, state app.EventState, reason domain.Reason, attempts int64) {
		t.Helper()
		e.State, e.Reason, e.Attempts, e.NextAt = state, reason, attempts, 0
		write(t, s, func(ctx context.Context, tx app.Tx) error {
			held, err := tx.LockEvents(ctx, []int64{e.Seq}, e.Stored)
			if err != nil || !held[e.Seq] {
				t.Errorf("%s is not held: %v", e.Stored, err)
			}
			return tx.FinishEvents(ctx, []app.StripeEvent{e})
		})
		write(t, s, func(ctx context.Context, tx app.Tx) error {
			for _, other := range all {
				held, err := tx.LockEvents(ctx, []int64{e.Seq}, other)
				if err != nil || held[e.Seq] != (other == state) {
					t.Errorf("it is %s, and held as %s: %v, %v", state, other, held, err)
				}
			}
			return nil
		})
	}
	var e app.StripeEvent
	load := func() {
		t.Helper()
		read(t, s, func(ctx context.Context, tx app.Tx) error { e = pending(ctx, tx); return nil })
	}
	counts("at first", 2, 0, 0, 0)
	load()
	become(e, app.EventPending, "", 3)
	load()
	if e.Attempts != 3 {
		t.Errorf("after three: %+v", e)
	}
	become(e, app.EventParked, domain.UnknownDonation, 4)
	counts("parked", 1, 1, 0, 0)
	read(t, s, func(ctx context.Context, tx app.Tx) (err error) {
		e, err = tx.ParkedEvent(ctx, e.Seq)
		return err
	})
	if e.Reason != domain.UnknownDonation || e.Attempts != 4 || !e.HasBody {
		t.Errorf("parked %+v", e)
	}
	become(e, app.EventPending, domain.UnknownDonation, 5)
	counts("tried again", 2, 0, 0, 0)
	load()
	if e.Attempts != 5 || e.Reason != "" {
		t.Errorf("tried again %+v", e)
	}
	become(e, app.EventDone, "", 6)
	counts("done", 1, 0, 1, 0)
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		list, err := tx.PendingEvents(ctx, start+100, 10)
		if err != nil || len(list) != 1 || list[0].EventID != "evt_2" {
			t.Fatalf("pending %v, %v", list, err)
		}
		e = list[0]
		return nil
	})
	become(e, app.EventIgnored, "", 1)
	counts("ignored", 0, 0, 1, 1)
}

// finishAtOnce marks events in the transaction that stores them: they are stored as
// done, which most of them are.
func finishAtOnce(t *testing.T, s app.Store) {
	list := []app.StripeEvent{webhook("evt_done"), webhook("evt_later"), webhook("evt_parked"), webhook("evt_ignored")}
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		for i := range list {
			list[i].State = app.EventDone
		}
		fresh, err := tx.StoreEvents(ctx, list)
		if err != nil || len(fresh) != 4 {
			t.Fatalf("stored %v, %v", fresh, err)
		}
		for i := range list {
			list[i].Seq, list[i].Stored, list[i].Attempts = fresh[list[i].Key()], app.EventDone, 1
		}
		list[1].State, list[1].NextAt = app.EventPending, start+50
		list[2].State, list[2].Reason = app.EventParked, domain.AmountDiffers
		list[3].State = app.EventIgnored
		return tx.FinishEvents(ctx, list)
	})
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		for _, state := range []app.EventState{app.EventDone, app.EventPending, app.EventParked, app.EventIgnored} {
			count, err := tx.CountEvents(ctx, state)
			if err != nil || count != 1 {
				t.Errorf("%d are %s, %v", count, state, err)
			}
		}
		due, err := tx.PendingEvents(ctx, start+50, 10)
		if err != nil || len(due) != 1 || due[0].EventID != "evt_later" || due[0].Attempts != 1 || due[0].NextAt != start+50 {
			t.Errorf("due %+v, %v", due, err)
		}
		parked, err := tx.ParkedEvents(ctx, 0, 10)
		if err != nil || len(parked) != 1 || parked[0].Reason != domain.AmountDiffers || parked[0].Attempts != 1 {
			t.Errorf("parked %+v, %v", parked, err)
		}
		return nil
	})
}

func finishEvents(t *testing.T, s app.Store) {
	var list []app.StripeEvent
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		_, err := tx.StoreEvents(ctx, []app.StripeEvent{webhook("evt_1"), webhook("evt_2"), webhook("evt_3")})
		return err
	})
	read(t, s, func(ctx context.Context, tx app.Tx) (err error) {
		list, err = tx.PendingEvents(ctx, start, 10)
		return err
	})
	done, later, parked := list[0], list[1], list[2]
	done.State, done.Attempts = app.EventDone, 1
	later.Attempts, later.NextAt = 2, start+50
	parked.State, parked.Reason, parked.Attempts = app.EventParked, domain.SecondPayment, 1
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		return errors.Join(tx.FinishEvents(ctx, nil), tx.FinishEvents(ctx, []app.StripeEvent{done, later, parked}))
	})
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		held, err := tx.LockEvents(ctx, []int64{done.Seq, later.Seq, parked.Seq, 999}, app.EventPending, app.EventParked)
		if err != nil || keysOf(held) != 2 || held[done.Seq] {
			t.Errorf("held %v, %v", held, err)
		}
		for _, c := range []struct {
			now  int64
			want int
		}{{start + 49, 0}, {start + 50, 1}} {
			due, err := tx.PendingEvents(ctx, c.now, 10)
			if err != nil || len(due) != c.want {
				t.Errorf("due at %d: %v, %v", c.now, due, err)
			}
		}
		for state, want := range map[app.EventState]int64{app.EventDone: 1, app.EventPending: 1, app.EventParked: 1, app.EventIgnored: 0} {
			count, err := tx.CountEvents(ctx, state)
			if err != nil || count != want {
				t.Errorf("%s: %d, %v", state, count, err)
			}
		}
		found, err := tx.ParkedEvent(ctx, parked.Seq)
		if err != nil || found.Reason != domain.SecondPayment {
			t.Errorf("parked: %v, %v", found, err)
		}
		_, err = tx.ParkedEvent(ctx, done.Seq)
		if !errors.Is(err, app.ErrNone) {
			t.Errorf("what is done is parked: %v", err)
		}
		return nil
	})
}

func parkedOf(t *testing.T, s app.Store) {
	session, other, done := webhook("evt_session"), webhook("evt_other"), webhook("evt_done")
	session.ObjectID, other.ObjectID, done.ObjectID = "cs_test_1", "pi_other", "pi_1"
	found := app.StripeEvent{EventID: "found:pi_1", ObjectID: "pi_1", State: app.EventParked, Reason: domain.SecondPayment, ReceivedAt: start}
	other.State, done.State = app.EventParked, app.EventDone
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		_, err := tx.StoreEvents(ctx, []app.StripeEvent{session, found, other, done})
		return err
	})
	// A session's event turns out to be about a payment.
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		pending, err := tx.PendingEvents(ctx, start, 10)
		if err != nil || len(pending) != 1 {
			t.Fatalf("pending %v, %v", pending, err)
		}
		pending[0].ObjectID, pending[0].State, pending[0].Reason = "pi_1", app.EventParked, domain.AmountDiffers
		return tx.FinishEvents(ctx, pending)
	})
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		list, err := tx.ParkedOf(ctx, []string{"pi_1", "pi_none", "cs_test_1"})
		if err != nil || len(list) != 2 || list[0].EventID != "evt_session" || list[1].EventID != "found:pi_1" ||
			list[0].ObjectID != "pi_1" || list[0].Reason != domain.AmountDiffers {
			t.Errorf("parked about pi_1: %+v, %v", list, err)
		}
		return nil
	})
}

// accountLock has ten transactions count up a gift that they do not lock. Half of
// them wait for the account, the others come again until it is free.
func accountLock(t *testing.T, s app.Store) {
	d := gift()
	insert(t, s, d)
	write(t, s, func(ctx context.Context, tx app.Tx) error { return tx.SaveAccount(ctx, "acct_1", start) })
	failed := make(chan error, 10)
	taken := errors.New("another has it")
	for i := range 10 {
		count := func() error {
			return s.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
				free, err := true, error(nil)
				if i%2 == 0 {
					err = tx.LockAccount(ctx, "acct_1")
				} else {
					free, err = tx.TryLockAccount(ctx, "acct_1")
				}
				if err != nil {
					return err
				}
				if !free {
					return taken
				}
				seen, err := tx.Donation(ctx, d.ID)
				if err != nil {
					return err
				}
				seen.DeclinedAt++
				return tx.UpdateDonations(ctx, []domain.Donation{seen})
			})
		}
		go func() {
			err := count()
			for errors.Is(err, taken) {
				err = count()
			}
			failed <- err
		}()
	}
	for range 10 {
		err := <-failed
		if err != nil {
			t.Fatal(err)
		}
	}
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		seen, err := tx.Donation(ctx, d.ID)
		if err != nil || seen.DeclinedAt != 10 {
			t.Errorf("after ten: %d, %v", seen.DeclinedAt, err)
		}
		if err := tx.LockAccount(ctx, "acct_none"); !errors.Is(err, app.ErrNone) {
			t.Errorf("an unknown account was locked: %v", err)
		}
		free, err := tx.TryLockAccount(ctx, "acct_none")
		if free || err != nil {
			t.Errorf("an unknown account was free: %v", err)
		}
		return nil
	})
}

func parkedPages(t *testing.T, s app.Store) {
	var stored []app.StripeEvent
	for _, id := range []string{"evt_1", "evt_2", "evt_3", "evt_4", "evt_5"} {
		e := webhook(id)
		if id != "evt_3" {
			e.State, e.Reason = app.EventParked, domain.UnknownDonation
		}
		stored = append(stored, e)
	}
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		_, err := tx.StoreEvents(ctx, stored)
		return err
	})
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		var ids []string
		after := int64(0)
		for range 3 {
			page, err := tx.ParkedEvents(ctx, after, 2)
			if err != nil || len(page) > 2 {
				t.Fatalf("page behind %d: %v, %v", after, page, err)
			}
			for _, e := range page {
				ids, after = append(ids, e.EventID), e.Seq
			}
		}
		if !slices.Equal(ids, []string{"evt_1", "evt_2", "evt_4", "evt_5"}) {
			t.Errorf("paged through %v", ids)
		}
		return nil
	})
}

func forgetBodies(t *testing.T, s app.Store) {
	old, fresh, undone := webhook("evt_old"), webhook("evt_fresh"), webhook("evt_undone")
	old.State, fresh.State = app.EventParked, app.EventIgnored
	fresh.ReceivedAt = start + 10
	ignored := webhook("evt_ignored")
	ignored.State = app.EventIgnored
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		_, err := tx.StoreEvents(ctx, []app.StripeEvent{old, fresh, undone, ignored})
		return errors.Join(err, tx.ForgetBodies(ctx, start+5))
	})
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		pending, err := tx.PendingEvents(ctx, start, 10)
		parked, parkedErr := tx.ParkedEvents(ctx, 0, 10)
		if err != nil || parkedErr != nil || len(pending) != 1 || !pending[0].HasBody || !parked[0].HasBody {
			t.Errorf("what is still needed was forgotten: %v, %v", pending, parked)
		}
		return nil
	})
}

func transaction(id string, at int64) app.Transaction {
	eur := func(minor int64) app.Money { return app.Money{Minor: minor, Currency: "EUR"} }
	return app.Transaction{
		ID: id, AccountID: "acct_1", Type: "charge", Category: "charge", Amount: eur(103_30), Fee: eur(3_30), Net: eur(100_00),
		FeeDetails:   []app.FeeDetail{{Type: "stripe_fee", Amount: eur(3_30), Description: "Stripe processing fees"}},
		ExchangeRate: "1.0850000001", SourceID: "ch_1", SourceAmount: app.Money{Minor: 112_08, Currency: "USD"},
		PaymentIntentID: "pi_1", CreatedAt: at, ImportedAt: start, OrganizationID: "org", Foreign: true,
	}
}

func transactions(t *testing.T, s app.Store) {
	anchor := func(overlap int64) (id string) {
		read(t, s, func(ctx context.Context, tx app.Tx) (err error) {
			id, err = tx.TransactionAnchor(ctx, "acct_1", overlap)
			return err
		})
		return id
	}
	if got := anchor(10); got != "" {
		t.Errorf("an empty account is anchored at %q", got)
	}
	other := transaction("txn_other", start+500)
	other.AccountID = "acct_2"
	list := []app.Transaction{transaction("txn_a", start), transaction("txn_b", start+10), transaction("txn_c", start+20), other}
	for i, want := range []int{4, 0} {
		write(t, s, func(ctx context.Context, tx app.Tx) error {
			fresh, err := tx.InsertTransactions(ctx, list)
			if err != nil || len(fresh) != want {
				t.Errorf("pass %d stored %v, %v", i+1, fresh, err)
			}
			return nil
		})
	}
	for overlap, want := range map[int64]string{0: "txn_c", 10: "txn_b", 15: "txn_a", 21: ""} {
		if got := anchor(overlap); got != want {
			t.Errorf("with overlap %d anchored at %q, want %q", overlap, got, want)
		}
	}
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		known, err := tx.KnownTransactions(ctx, []string{"txn_a", "txn_z"})
		if err != nil || len(known) != 1 || !known["txn_a"] {
			t.Errorf("known %v, %v", known, err)
		}
		known, err = tx.KnownTransactions(ctx, nil)
		if err != nil || len(known) != 0 {
			t.Errorf("known of none %v, %v", known, err)
		}
		return nil
	})
}

// What is held is what was moved there and not back, in each currency by itself.
func heldForRisk(t *testing.T, s app.Store) {
	var list []app.Transaction
	for i, moved := range []struct {
		account, category, currency string
		minor                       int64
	}{
		{"acct_1", "risk_reserved_funds", "EUR", -50_00}, {"acct_1", "risk_reserved_funds", "EUR", 20_00},
		{"acct_1", "risk_reserved_funds", "USD", -9_00}, {"acct_1", "connect_reserved_funds", "EUR", -70_00},
		{"acct_2", "risk_reserved_funds", "EUR", -1_00},
	} {
		x := transaction(fmt.Sprintf("txn_held_%d", i), start)
		x.AccountID, x.Category = moved.account, moved.category
		x.Amount = app.Money{Minor: moved.minor, Currency: moved.currency}
		x.Fee, x.Net = app.Money{Currency: moved.currency}, x.Amount
		list = append(list, x)
	}
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		_, err := tx.InsertTransactions(ctx, list)
		return err
	})
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		held, err := tx.HeldForRisk(ctx, "acct_1")
		if want := []app.Money{{Minor: 30_00, Currency: "EUR"}, {Minor: 9_00, Currency: "USD"}}; err != nil || !slices.Equal(held, want) {
			t.Errorf("held are %v (%v), want %v", held, err, want)
		}
		return nil
	})
}

func foreignSources(t *testing.T, s app.Store) {
	ours := transaction("txn_ours", start)
	ours.PaymentIntentID, ours.SourceID, ours.DonationID, ours.Foreign = "pi_ours", "ch_ours", "d", false
	bare := transaction("txn_bare", start)
	bare.PaymentIntentID, bare.SourceID = "", "ch_bare"
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		_, err := tx.InsertTransactions(ctx, []app.Transaction{transaction("txn_a", start), ours, bare})
		return err
	})
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		found, err := tx.ForeignSources(ctx, []string{"pi_1", "pi_ours", "ch_ours", "ch_bare", "pi_none"})
		if err != nil || len(found) != 2 || !found["pi_1"] || !found["ch_bare"] {
			t.Errorf("foreign are %v, %v", found, err)
		}
		return nil
	})
}
