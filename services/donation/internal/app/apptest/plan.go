package apptest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
)

// monthly is a plan and the gift that it begins with.
func monthly() domain.Plan {
	first := gift()
	first.PlanID = uuid.NewString()
	return domain.Plan{
		ID: first.PlanID, First: first, DonorKey: "key-of-amina", Status: domain.PlanCreated, Gift: first.Gift, Cover: first.Cover,
	}
}

func begin(t *testing.T, s app.Store, plans ...domain.Plan) {
	t.Helper()
	for _, p := range plans {
		insert(t, s, p.First)
		write(t, s, func(ctx context.Context, tx app.Tx) error { return tx.InsertPlan(ctx, p) })
	}
}

func planRoundTrip(t *testing.T, s app.Store) {
	p := monthly()
	begin(t, s, p)
	compare := func(want domain.Plan) {
		t.Helper()
		read(t, s, func(ctx context.Context, tx app.Tx) error {
			got, err := tx.Plan(ctx, want.ID)
			if err != nil || got != want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, want)
			}
			return nil
		})
	}
	compare(p)
	next := p
	next.Status, next.AccountID, next.SubscriptionID, next.CustomerID = domain.PlanPastDue, "acct_1", "sub_1", "cus_1"
	next.Gift.Minor, next.Cover.Minor, next.NextAt, next.EndsAt, next.PausedUntil = 30_00, 0, start+1, start+2, domain.UntilResumed
	next.Failed, next.RetryAt, next.StartedAt, next.LookedAt = true, start+3, start+4, start+5
	next.CancelAskedAt, next.CancelBy, next.CheckAt, next.Version = start+6, domain.ByDonor, start+7, 8
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		return errors.Join(tx.UpdatePlans(ctx, nil), tx.UpdatePlans(ctx, []domain.Plan{next}))
	})
	compare(next)
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		_, err := tx.Plan(ctx, uuid.NewString())
		if !errors.Is(err, app.ErrNone) {
			t.Errorf("an unknown plan: %v", err)
		}
		return nil
	})
}

func planLookups(t *testing.T, s app.Store) {
	var plans []domain.Plan
	for i := range 3 {
		p := monthly()
		p.First.CreatedAt = start + int64(i)
		p.Status, p.StartedAt, p.SubscriptionID, p.CustomerID = domain.PlanActive, start, fmt.Sprint("sub_", i), fmt.Sprint("cus_", i)
		p.CheckAt = start + int64(10-i)
		plans = append(plans, p)
	}
	plans[1].Failed = true
	plans[2].Status, plans[2].CheckAt = domain.PlanCanceled, 0
	begin(t, s, plans...)
	unconfirmed := monthly()
	unconfirmed.First.CreatedAt = start - 1
	begin(t, s, unconfirmed)
	ids := func(list []domain.Plan, err error) []int {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		var found []int
		for _, p := range list {
			found = append(found, slices.IndexFunc(plans, func(q domain.Plan) bool { return q.ID == p.ID }))
		}
		return found
	}
	check := func(what string, got []int, want ...int) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		check("by donor", ids(tx.PlansOfDonor(ctx, "key-of-amina")), 0, 1)
		check("of nobody", ids(tx.PlansOfDonor(ctx, "key-of-nobody")))
		check("due", ids(tx.DuePlans(ctx, start+10, 10)), 1, 0)
		check("due first", ids(tx.DuePlans(ctx, start+9, 10)), 1)
		locked, err := tx.LockPlans(ctx, []string{plans[0].ID}, []string{"sub_0", "sub_2", "sub_none"})
		if err != nil || len(locked) != 2 || locked[0].ID > locked[1].ID {
			t.Errorf("locked %v, %v", locked, err)
		}
		newest := app.PlanFilter{BeforeAt: start + 1_000, Limit: 10}
		with := func(change func(*app.PlanFilter)) []int {
			f := newest
			change(&f)
			return ids(tx.ListPlans(ctx, f))
		}
		check("a page", with(func(f *app.PlanFilter) { f.Limit = 2 }), 2, 1)
		check("the page behind", with(func(f *app.PlanFilter) { f.BeforeAt, f.BeforeID = start+1, plans[1].ID })[:1], 0)
		check("canceled", with(func(f *app.PlanFilter) { f.Status = "canceled" }), 2)
		check("failing", with(func(f *app.PlanFilter) { f.Failed = true }), 1)
		check("failing and canceled", with(func(f *app.PlanFilter) { f.Failed, f.Status = true, "canceled" }))
		for i, p := range plans {
			for _, reference := range []string{p.ID, p.SubscriptionID, p.CustomerID} {
				check(reference, with(func(f *app.PlanFilter) { f.Reference = reference }), i)
			}
		}
		return nil
	})
}

func planInstalments(t *testing.T, s app.Store) {
	p := monthly()
	p.First.State, p.First.AccountID, p.First.PaymentIntentID, p.First.PaidAt = domain.Succeeded, "acct_1", "pi_first", start
	p.SubscriptionID = "sub_instalments"
	begin(t, s, p)
	second := paidGift("org-harbour", "EUR", 20_00)
	second.PlanID, second.InvoiceID, second.IntentID, second.CreatedAt = p.ID, "in_2", p.First.IntentID, start+1
	second.InputHash = "invoice:in_2"
	open := second
	open.ID, open.InputHash, open.InvoiceID, open.State, open.PaymentIntentID, open.PaidAt = uuid.NewString(), "invoice:in_3", "in_3", domain.Created, "", 0
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		for _, d := range []domain.Donation{second, open} {
			_, err := tx.InsertDonation(ctx, d, amina())
			if err != nil {
				return err
			}
		}
		again, err := tx.InsertDonation(ctx, second, amina())
		if err != nil || again {
			t.Errorf("an instalment was made twice: %v", err)
		}
		first := p.First
		first.InvoiceID, first.PaidAt = "in_1", second.PaidAt+1 // a month that was paid late
		return tx.UpdateDonations(ctx, []domain.Donation{first})
	})
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		list, err := tx.Instalments(ctx, p.ID, 10)
		if err != nil || len(list) != 2 || list[0] != second || list[1].InvoiceID != "in_1" {
			t.Errorf("instalments %+v, %v", list, err)
		}
		counts, err := tx.CountInstalments(ctx, []string{p.ID, uuid.NewString()})
		if err != nil || len(counts) != 1 || counts[p.ID] != 2 {
			t.Errorf("counted %v, %v", counts, err)
		}
		newest, err := tx.LastPaid(ctx, p.ID)
		if err != nil || newest != second.PaidAt+1 {
			t.Errorf("the newest was charged at %d, %v", newest, err)
		}
		never, err := tx.LastPaid(ctx, uuid.NewString())
		if err != nil || never != 0 {
			t.Errorf("of no plan the newest was charged at %d, %v", never, err)
		}
		known, err := tx.KnownInvoices(ctx, []string{"in_1", "in_2", "in_3", "in_none"})
		if err != nil || len(known) != 2 || !known["in_1"] || !known["in_2"] {
			t.Errorf("known are %v, %v", known, err)
		}
		found, err := tx.DonationsByReference(ctx, "in_2", 10)
		if err != nil || len(found) != 1 || found[0].ID != second.ID {
			t.Errorf("by invoice %v, %v", found, err)
		}
		for _, reference := range []string{p.ID, p.SubscriptionID} {
			found, err = tx.DonationsByReference(ctx, reference, 10)
			if err != nil || len(found) != 3 || found[2].ID != p.First.ID {
				t.Errorf("by the plan's %s %v, %v", reference, found, err)
			}
		}
		paid, err := tx.DonationsOfPayments(ctx, []string{second.PaymentIntentID})
		if err != nil || len(paid) != 1 || paid[0].PlanID != p.ID {
			t.Errorf("by payment %v, %v", paid, err)
		}
		return nil
	})
}

func planChanges(t *testing.T, s app.Store) {
	p := monthly()
	begin(t, s, p)
	change := func(kind app.ChangeKind, at int64) app.PlanChange {
		return app.PlanChange{
			RequestID: uuid.NewString(), PlanID: p.ID, Kind: kind, Parts: domain.Parts{Gift: 30_00, Cover: 1_10}, ResumesAt: at + 9,
			InputHash: "hash", AskedBy: domain.ByDonor, Note: "moved house", AskedAt: at, State: app.ChangeAsked, Attempt: 1,
		}
	}
	pause, resume, end := change(app.ChangePause, start), change(app.ChangeResume, start+1), change(app.ChangeCancel, start+2)
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		for i, c := range []app.PlanChange{pause, resume, end, end} {
			fresh, err := tx.InsertChange(ctx, c)
			if err != nil || fresh != (i < 3) {
				t.Errorf("insert %d: %t, %v", i, fresh, err)
			}
		}
		for _, c := range []struct {
			change app.PlanChange
			newer  bool
		}{{pause, true}, {resume, false}, {end, false}} {
			newer, err := tx.NewerChange(ctx, c.change)
			if err != nil || newer != c.newer {
				t.Errorf("%s: newer is %t, %v", c.change.Kind, newer, err)
			}
		}
		open, err := tx.OpenEnds(ctx, p.ID)
		if err != nil || len(open) != 1 || open[0] != end {
			t.Errorf("open ends %+v, %v", open, err)
		}
		end.State, end.Attempt, end.DoneAt = app.ChangeDone, 2, start+5
		err = tx.UpdateChange(ctx, end)
		if err != nil {
			return err
		}
		got, err := tx.Change(ctx, end.RequestID)
		if err != nil || got != end {
			t.Errorf("got %+v, %v", got, err)
		}
		open, err = tx.OpenEnds(ctx, p.ID)
		if err != nil || len(open) != 0 {
			t.Errorf("what is done is open: %+v, %v", open, err)
		}
		_, err = tx.Change(ctx, uuid.NewString())
		if !errors.Is(err, app.ErrNone) {
			t.Errorf("an unknown request: %v", err)
		}
		return nil
	})
}

func planMails(t *testing.T, s app.Store) {
	p := monthly()
	begin(t, s, p)
	letter := func(key string) app.PlanMail {
		return app.PlanMail{
			Key: key, PlanID: p.ID, Kind: app.MailFailed, Parts: domain.Parts{Gift: 20_00, Cover: 88}, At: start + 9,
			URL: "https://pay.example.org/in_1", By: domain.ByDonor, Language: "fr", MadeAt: start,
		}
	}
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		mails := []app.PlanMail{letter("failed:in_1:1"), letter("failed:in_1:2"), letter("failed:in_1:3")}
		return errors.Join(tx.AddPlanMails(ctx, nil), tx.AddPlanMails(ctx, mails), tx.AddPlanMails(ctx, mails))
	})
	// One about a gift has no plan, and is kept as any other.
	single := gift()
	insert(t, s, single)
	about := app.PlanMail{
		Key: "debit_failed:pi_1", DonationID: single.ID, Kind: app.MailDebitFailed, Parts: domain.Parts{Gift: 100_00}, URL: "https://give.example.org/", MadeAt: start,
	}
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		err := tx.AddPlanMails(ctx, []app.PlanMail{about})
		list, dueErr := tx.DuePlanMails(ctx, start, 1)
		if len(list) != 1 || list[0] != about {
			t.Errorf("due %+v, want %+v", list, about)
		}
		err = errors.Join(err, dueErr, tx.ParkPlanMail(ctx, about.Key, 1, start, "it is refused"))
		parked, parkedErr := tx.ParkedPlanMails(ctx)
		if len(parked) != 1 || parked[0].DonationID != single.ID || parked[0].PlanID != "" {
			t.Errorf("parked %+v", parked)
		}
		return errors.Join(err, parkedErr, tx.ReleasePlanMails(ctx, about.Key), tx.SettlePlanMail(ctx, about.Key, start))
	})
	due := func(ctx context.Context, tx app.Tx, now int64, want ...string) {
		t.Helper()
		list, err := tx.DuePlanMails(ctx, now, 10)
		var keys []string
		for _, m := range list {
			keys = append(keys, m.Key)
		}
		if err != nil || !slices.Equal(keys, want) {
			t.Errorf("due at %d: %v, %v, want %v", now, keys, err, want)
		}
	}
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		list, err := tx.DuePlanMails(ctx, start, 1)
		if err != nil || len(list) != 1 || list[0] != letter("failed:in_1:1") {
			t.Errorf("due %+v, %v", list, err)
		}
		err = errors.Join(tx.SettlePlanMail(ctx, "failed:in_1:1", start), tx.DelayPlanMail(ctx, "failed:in_1:2", 1, start+60),
			tx.ParkPlanMail(ctx, "failed:in_1:3", 4, start+2, "it is refused"))
		due(ctx, tx, start+59)
		due(ctx, tx, start+60, "failed:in_1:2")
		parked, parkedErr := tx.ParkedPlanMails(ctx)
		if len(parked) != 1 || parked[0].URL+parked[0].By != "" || parked[0].Attempts != 4 || parked[0].ParkedAt != start+2 || parked[0].ParkedReason != "it is refused" {
			t.Errorf("parked %+v", parked)
		}
		err = errors.Join(err, parkedErr, tx.ReleasePlanMails(ctx, "failed:of another"))
		due(ctx, tx, start+60, "failed:in_1:2")
		err = errors.Join(err, tx.ReleasePlanMails(ctx, "failed:in_1:3"), tx.ReleasePlanMails(ctx, ""))
		due(ctx, tx, start+60, "failed:in_1:3", "failed:in_1:2")
		return err
	})
}

func planStanding(t *testing.T, s app.Store) {
	look := func() (told app.PlanStanding) {
		read(t, s, func(ctx context.Context, tx app.Tx) (err error) {
			told, err = tx.PlanStanding(ctx)
			return err
		})
		return told
	}
	if told := look(); told != (app.PlanStanding{}) {
		t.Errorf("of nothing it tells %+v", told)
	}
	var plans []domain.Plan
	for i, status := range []domain.PlanStatus{domain.PlanActive, domain.PlanPastDue, domain.PlanCanceled, domain.PlanIncompleteExpired, domain.PlanActive} {
		p := monthly()
		p.Status, p.SubscriptionID, p.CancelAskedAt = status, fmt.Sprintf("sub_%d", i), start-int64(i)
		plans = append(plans, p)
	}
	plans[4].CancelAskedAt = 0
	begin(t, s, plans...)
	asked := app.PlanChange{
		RequestID: uuid.NewString(), PlanID: plans[0].ID, Kind: app.ChangeCancel, InputHash: "hash", AskedBy: domain.ByDonor,
		AskedAt: plans[0].CancelAskedAt - 7, State: app.ChangeAsked, Attempt: 1,
	}
	pause := asked
	pause.RequestID, pause.Kind, pause.AskedAt = uuid.NewString(), app.ChangePause, asked.AskedAt-1
	refused := paidGift("org", "EUR", 100_00)
	insert(t, s, refused)
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		letter := app.PlanMail{Key: "ended:" + plans[2].ID, PlanID: plans[2].ID, Kind: app.MailEnded, MadeAt: start}
		other := app.PlanMail{Key: "started:" + plans[0].ID, PlanID: plans[0].ID, Kind: app.MailStarted, MadeAt: start}
		debit := app.PlanMail{Key: "debit:pi_1", DonationID: refused.ID, Kind: app.MailStarted, MadeAt: start}
		for _, c := range []app.PlanChange{pause, asked} {
			_, err := tx.InsertChange(ctx, c)
			if err != nil {
				return err
			}
		}
		return errors.Join(tx.AddPlanMails(ctx, []app.PlanMail{letter, other, debit}), tx.ParkPlanMail(ctx, letter.Key, 1, start, "it is refused"),
			tx.ParkPlanMail(ctx, debit.Key, 1, start, "it is refused, too"))
	})
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		ending, err := tx.ListPlans(ctx, app.PlanFilter{Ending: true, BeforeAt: start + day, Limit: 10})
		if len(ending) != 2 || ending[0].CancelAskedAt == 0 || ending[0].Status.Over() || !ending[1].Ending() {
			t.Errorf("being ended are %+v", ending)
		}
		return err
	})
	if told, want := look(), (app.PlanStanding{Ending: 2, OldestEnding: asked.AskedAt, ParkedPlanMails: 1, ParkedDebitMails: 1}); told != want {
		t.Errorf("it tells %+v, want %+v", told, want)
	}
}
