package app_test

import (
	"context"
	"testing"

	"github.com/almoner/almoner/services/internal/testkit"
)

// Nobody waits a second: the commit of the gift wakes the issue, and the commit
// of the receipt wakes the mail.
func TestCommitsWakeTheWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1)) // due before the start
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	mailed := make(chan struct{}, 10)
	w.mail.taken = func() { mailed <- struct{}{} }
	go func() {
		defer close(stopped)
		w.Work(ctx)
	}()
	<-mailed
	w.give(id(2))
	<-mailed
	testkit.Eventually(t, func() bool { return w.summary().Backlog.Mails == 0 })
	stop()
	<-stopped
	if w.numbered(id(2)) != "REFUGE-2026-000002" {
		t.Errorf("number %q, want 2", w.numbered(id(2)))
	}
}

// A pass that fails must not end the work.
func TestWorkOutlivesFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	failures := 0
	w.store.crash = func() (bool, bool) {
		failures++
		return failures == 1, false
	}
	w.give(id(1))
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		w.Work(ctx)
	}()
	testkit.Eventually(t, func() bool { return w.numbered(id(1)) != "" })
	stop()
	<-stopped
}
