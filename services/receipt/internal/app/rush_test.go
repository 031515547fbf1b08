package app

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestARushIsHundredsOfReceiptsASecond(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 20, 15, 0, 0, time.UTC) // the appeal is on television
	var r rush
	if r.on(now) {
		t.Error("nothing was issued, and that is a rush")
	}
	r.issued(now, 90)
	if r.on(now) {
		t.Error("90 receipts are a rush")
	}
	now = now.Add(time.Second)
	r.issued(now, 60)
	if r.on(now) {
		t.Error("90 receipts in one second and 60 in the next are a rush")
	}
	r.issued(now, 70)
	if !r.on(now) {
		t.Error("130 receipts in a second are no rush")
	}
	now = now.Add(time.Second)
	if !r.on(now) {
		t.Error("with the next second the rush seems over")
	}
	r.issued(now, 40)
	if r.on(now.Add(time.Second)) {
		t.Error("40 in the second before are a rush")
	}
	if r.issued(now, 500); r.on(now.Add(2 * time.Second)) {
		t.Error("the rush of two seconds ago is not over")
	}
}

func TestPassesGiveWayToARushAndThenGoOn(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 27, 20, 15, 0, 0, time.UTC)
	looks := 0
	a := &App{now: func() time.Time {
		looks++
		if looks > 2 {
			return began.Add(3 * time.Second)
		}
		return began
	}}
	a.rush.issued(began, 1000)
	passes := 0
	pass := a.afterRush(func(context.Context) (bool, error) { passes++; return true, nil })
	more, err := pass(t.Context())
	if err != nil || !more || passes != 1 || looks != 3 {
		t.Errorf("after %d looks there were %d passes, %t, %v; want one as soon as the rush was over", looks, passes, more, err)
	}
}

func TestWhoGivesWayStopsWhenAskedTo(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 27, 20, 15, 0, 0, time.UTC)
	a := &App{now: func() time.Time { return began }}
	a.rush.issued(began, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := a.afterRush(func(context.Context) (bool, error) { t.Error("a pass was made"); return false, nil })(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("stopped with %v", err)
	}
}
