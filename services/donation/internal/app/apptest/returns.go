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
	"github.com/almoner/almoner/services/internal/money"
)

const day = int64(24 * 60 * 60 * 1_000_000)

func eur(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: currency("EUR")} }

// requestedRefund is what staff asked for.
func requestedRefund(d domain.Donation, at int64) domain.Refund {
	return domain.Refund{
		RequestID: uuid.NewString(), AccountID: "acct_1", Donation: d.ID, ChargeID: "ch_1", PaymentID: d.PaymentIntentID, Amount: eur(40_00),
		Status: domain.RefundWaiting, Reason: "duplicate", CreatedAt: at, SettledAt: at,
		Request: domain.Request{By: "finance@example.org", Note: "Gave twice: «sorry» 🕊️\nsee mail"},
	}
}

// madeRefund was made in Stripe's Dashboard.
func madeRefund(d domain.Donation, id string, at int64) domain.Refund {
	return domain.Refund{
		ID: id, AccountID: "acct_1", Donation: d.ID, ChargeID: "ch_1", PaymentID: d.PaymentIntentID, Amount: eur(10_00),
		Status: domain.RefundSucceeded, CreatedAt: at, MadeAt: at, SettledAt: at,
	}
}

func disputed(d domain.Donation, id string, status domain.DisputeStatus, due, at int64) domain.Dispute {
	return domain.Dispute{
		ID: id, AccountID: "acct_1", Donation: d.ID, ChargeID: "ch_1", PaymentID: d.PaymentIntentID, Amount: eur(103_30), Status: status,
		Reason: "fraudulent", EvidenceDueAt: due, CreatedAt: at, CheckAt: at + 1,
	}
}

func saveReturns(t *testing.T, s app.Store, refunds []domain.Refund, disputes []domain.Dispute) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		return errors.Join(tx.SaveRefunds(ctx, refunds), tx.SaveDisputes(ctx, disputes))
	})
}

func refunds(t *testing.T, s app.Store) {
	first, second := paidGift("org", "EUR", 100_00), paidGift("org", "EUR", 50_00)
	insert(t, s, first, second)
	asked, made := requestedRefund(first, start+1), madeRefund(first, "re_made", start+2)
	elsewhere := madeRefund(second, "re_elsewhere", start+3)
	saveReturns(t, s, []domain.Refund{asked, made, elsewhere}, nil)

	asked.ID, asked.Status, asked.MadeAt, asked.SettledAt = "re_asked", domain.RefundPending, start+9, start+10
	asked.CheckAt, asked.Request.DecidedBy, asked.Request.Attempt = start+day, "admin@example.org", 2
	elsewhere.Status, elsewhere.Failure, elsewhere.SettledAt = domain.RefundFailed, "expired_or_canceled_card", start+20
	changed := asked
	changed.Request.Note, changed.Request.By, changed.Amount, changed.CreatedAt = "another note", "somebody@example.org", eur(1), 7
	saveReturns(t, s, []domain.Refund{changed, elsewhere}, nil)
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		list, err := tx.RefundsOf(ctx, []string{first.ID, uuid.NewString()})
		if err != nil || !slices.Equal(list, []domain.Refund{asked, made}) {
			t.Errorf("of the first gift %+v, %v\nwant %+v, %+v", list, err, asked, made)
		}
		list, err = tx.RefundsOf(ctx, []string{second.ID})
		if err != nil || !slices.Equal(list, []domain.Refund{elsewhere}) {
			t.Errorf("of the second gift %+v, %v", list, err)
		}
		list, err = tx.RefundsOf(ctx, nil)
		if err != nil || len(list) != 0 {
			t.Errorf("of none %+v, %v", list, err)
		}
		found, err := tx.RequestedRefund(ctx, asked.RequestID)
		if err != nil || found != asked {
			t.Errorf("by request %+v, %v", found, err)
		}
		for _, id := range []string{"re_made", uuid.NewString(), ""} {
			_, err = tx.RequestedRefund(ctx, id)
			if !errors.Is(err, app.ErrNone) {
				t.Errorf("%q was requested: %v", id, err)
			}
		}
		heard, err := tx.HeardRefunds(ctx, []string{"re_asked", "re_elsewhere", "re_none", ""})
		if err != nil || len(heard) != 2 || heard["re_asked"] != domain.RefundPending || heard["re_elsewhere"] != domain.RefundFailed {
			t.Errorf("heard %v, %v", heard, err)
		}
		for now, want := range map[int64]int{start + day - 1: 0, start + day: 1} {
			due, err := tx.DueRefunds(ctx, now, 10)
			if err != nil || len(due) != want {
				t.Errorf("due at %d: %v, %v", now, due, err)
			}
		}
		for reference, want := range map[string]string{"re_asked": first.ID, "re_elsewhere": second.ID, "re_ask": ""} {
			found, err := tx.DonationsByReference(ctx, reference, 20)
			if err != nil || (want == "") != (len(found) == 0) || want != "" && found[0].ID != want {
				t.Errorf("%s leads to %v, %v", reference, found, err)
			}
		}
		return nil
	})
}

// Two requests cannot become one of Stripe's refunds.
func oneRowPerRefund(t *testing.T, s app.Store) {
	d := paidGift("org", "EUR", 100_00)
	insert(t, s, d)
	first, second := requestedRefund(d, start), requestedRefund(d, start)
	first.ID, first.Status, second.ID, second.Status = "re_1", domain.RefundSucceeded, "re_1", domain.RefundSucceeded
	saveReturns(t, s, []domain.Refund{first}, nil)
	err := s.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error { return tx.SaveRefunds(ctx, []domain.Refund{second}) })
	if err == nil {
		t.Error("one refund of Stripe's has two rows")
	}
}

func refundPages(t *testing.T, s app.Store) {
	d := paidGift("org", "EUR", 100_00)
	insert(t, s, d)
	var all []domain.Refund
	for i, status := range []domain.RefundStatus{
		domain.RefundSucceeded, domain.RefundWaiting, domain.RefundFailed, domain.RefundRefused, domain.RefundWaiting, domain.RefundCanceled,
	} {
		r := requestedRefund(d, start+int64(i/2)) // two of each age
		r.RequestID, r.Status = fmt.Sprintf("0000000%d-0000-4000-8000-000000000000", i), status
		all = append(all, r)
	}
	saveReturns(t, s, all, nil)
	for name, c := range map[string]struct {
		page app.RefundPage
		want []int
	}{
		"all":     {app.RefundPage{}, []int{5, 4, 3, 2, 1, 0}},
		"waiting": {app.RefundPage{Waiting: true}, []int{4, 1}},
		"failed":  {app.RefundPage{Failed: true}, []int{5, 3, 2}},
	} {
		var got []int
		page := c.page
		page.Limit = 2
		for range 4 {
			read(t, s, func(ctx context.Context, tx app.Tx) error {
				list, err := tx.ListRefunds(ctx, page)
				for _, r := range list {
					got = append(got, slices.Index(all, r))
					page.AfterAt, page.AfterKey = r.CreatedAt, r.Key()
				}
				return err
			})
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: paged through %v, want %v", name, got, c.want)
		}
	}
}

func disputes(t *testing.T, s app.Store) {
	d := paidGift("org", "EUR", 100_00)
	insert(t, s, d)
	open := disputed(d, "dp_open", domain.WarningNeedsResponse, start+9*day, start+1)
	won := disputed(d, "dp_won", domain.DisputeWon, start+3*day, start+2)
	won.CheckAt = 0
	saveReturns(t, s, nil, []domain.Dispute{open, won})
	open.Status, open.Amount, open.EvidenceDueAt, open.Reason, open.CheckAt = domain.NeedsResponse, eur(50_00), start+2*day, "duplicate", start+5
	saveReturns(t, s, nil, []domain.Dispute{open})
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		list, err := tx.DisputesOf(ctx, []string{d.ID})
		if err != nil || !slices.Equal(list, []domain.Dispute{open, won}) {
			t.Errorf("of the gift %+v, %v", list, err)
		}
		heard, err := tx.HeardDisputes(ctx, []string{"dp_open", "dp_none"})
		if err != nil || len(heard) != 1 || heard["dp_open"] != domain.NeedsResponse {
			t.Errorf("heard %v, %v", heard, err)
		}
		for now, want := range map[int64]int{start + 4: 0, start + 5: 1} {
			due, err := tx.DueDisputes(ctx, now, 10)
			if err != nil || len(due) != want {
				t.Errorf("due at %d: %v, %v", now, due, err)
			}
		}
		found, err := tx.DonationsByReference(ctx, "dp_open", 20)
		if err != nil || len(found) != 1 || found[0].ID != d.ID {
			t.Errorf("dp_open leads to %v, %v", found, err)
		}
		return nil
	})
}

func disputePages(t *testing.T, s app.Store) {
	d := paidGift("org", "EUR", 100_00)
	insert(t, s, d)
	all := []domain.Dispute{
		disputed(d, "dp_no_term", domain.WarningUnderReview, 0, start),
		disputed(d, "dp_later", domain.NeedsResponse, start+9*day, start+1),
		disputed(d, "dp_soon_a", domain.UnderReview, start+2*day, start+2),
		disputed(d, "dp_soon_b", domain.NeedsResponse, start+2*day, start+3),
		disputed(d, "dp_lost", domain.DisputeLost, start, start+4),
		disputed(d, "dp_won", domain.DisputeWon, start, start+5),
		disputed(d, "dp_over", domain.WarningClosed, 0, start+5),
	}
	saveReturns(t, s, nil, all)
	walk := func(closed bool, want ...int) {
		t.Helper()
		var got []int
		page := app.DisputePage{Closed: closed, Limit: 1}
		for range len(all) {
			read(t, s, func(ctx context.Context, tx app.Tx) error {
				list, err := tx.ListDisputes(ctx, page)
				for _, x := range list {
					got = append(got, slices.Index(all, x))
					page.AfterAt, page.AfterID = x.EvidenceDueAt, x.ID
					switch {
					case closed:
						page.AfterAt = x.CreatedAt
					case x.EvidenceDueAt == 0:
						page.AfterAt = app.NoTerm
					}
				}
				return err
			})
		}
		if !slices.Equal(got, want) {
			t.Errorf("closed %v: paged through %v, want %v", closed, got, want)
		}
	}
	walk(false, 2, 3, 1, 0)
	walk(true, 5, 6, 4)
}

func returnStanding(t *testing.T, s app.Store) {
	d := paidGift("org", "EUR", 100_00)
	insert(t, s, d)
	now := start + 30*day
	look := func() (told app.ReturnStanding) {
		read(t, s, func(ctx context.Context, tx app.Tx) (err error) {
			told, err = tx.ReturnStanding(ctx, now)
			return err
		})
		return told
	}
	if told := look(); told != (app.ReturnStanding{}) {
		t.Errorf("of nothing it tells %+v", told)
	}
	var list []domain.Refund
	for i, status := range []domain.RefundStatus{
		domain.RefundWaiting, domain.RefundAsked, domain.RefundAsked, domain.RefundFailed, domain.RefundRefused, domain.RefundFailed, domain.RefundSucceeded,
	} {
		r := requestedRefund(d, start+int64(i))
		r.Status, r.SettledAt = status, now-day
		if status == domain.RefundAsked {
			r.CheckAt = now
		}
		list = append(list, r)
	}
	list[5].SettledAt = now - 8*day
	taken, long := disputed(d, "txn_back", domain.DisputeLost, 0, now-day), disputed(d, "txn_long_ago", domain.DisputeLost, 0, now-8*day)
	taken.Reason, long.Reason = domain.PaymentFailed, domain.PaymentFailed
	saveReturns(t, s, list, []domain.Dispute{
		taken, long,
		disputed(d, "dp_soon", domain.NeedsResponse, now+2*day, start), disputed(d, "dp_answered", domain.UnderReview, now+2*day, start),
		disputed(d, "dp_later", domain.NeedsResponse, now+4*day, start), disputed(d, "dp_no_term", domain.WarningNeedsResponse, 0, start),
		disputed(d, "dp_too_late", domain.WarningNeedsResponse, now-day, start), disputed(d, "dp_lost", domain.DisputeLost, now+day, start),
	})
	want := app.ReturnStanding{Waiting: 1, OldestWaiting: start, Asked: 2, OldestAsked: start + 1, Failed: 2, Open: 5, Due: 1, TakenBack: 1}
	if told := look(); told != want {
		t.Errorf("it tells %+v, want %+v", told, want)
	}
}

func sumsLessReturned(t *testing.T, s app.Store) {
	var gifts []domain.Donation
	for _, returned := range []int64{0, 40_00, 100_00, 100_20, 100_30, 143_30} {
		d := paidGift("org", "EUR", 100_00)
		d.ReturnedMinor, d.Version, d.Dispute, d.PaymentMethod = returned, 2, domain.LostDispute, "sepa_debit"
		gifts = append(gifts, d)
	}
	insert(t, s, gifts...)
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		got, err := tx.GiftSums(ctx)
		want := app.GiftSum{OrganizationID: "org", Currency: "EUR", Gifts: int64(len(gifts))}
		for _, d := range gifts {
			r := d.Returned(d.ReturnedMinor)
			want.GiftMinor += d.Gift.Minor - r.Gift
			want.CoverMinor += d.Cover.Minor - r.Cover
		}
		if err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
		return nil
	})
}

func seenUntil(t *testing.T, s app.Store) {
	for i, step := range []struct {
		account, list string
		save, want    int64
	}{
		{"acct_1", "refunds", 0, 0}, {"acct_1", "refunds", 50, 50}, {"acct_1", "refunds", 70, 70}, {"acct_1", "disputes", 0, 0}, {"acct_2", "refunds", 0, 0},
	} {
		write(t, s, func(ctx context.Context, tx app.Tx) error {
			if step.save > 0 {
				err := tx.SaveSeenUntil(ctx, step.account, step.list, step.save)
				if err != nil {
					return err
				}
			}
			got, err := tx.SeenUntil(ctx, step.account, step.list)
			if err != nil || got != step.want {
				t.Errorf("step %d: %d, %v", i, got, err)
			}
			return nil
		})
	}
}
