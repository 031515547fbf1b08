package lifecycle

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDisk = errors.New("disk full")

// diary is what happened, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) write(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) expect(t *testing.T, want ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !reflect.DeepEqual(d.lines, want) {
		t.Errorf("it went %v, want %v", d.lines, want)
	}
}

// steady is a part that runs until it is stopped.
func (d *diary) steady(name string) Run {
	return func(ctx context.Context, ready func()) error {
		d.write(name + " starts")
		ready()
		<-ctx.Done()
		d.write(name + " stops")
		return ctx.Err()
	}
}

func TestStartInOrderStopInReverse(t *testing.T) {
	t.Parallel()
	var d diary
	var g Group
	ctx, cancel := context.WithCancel(t.Context())
	g.Add("database", d.steady("database"))
	g.Add("ledger", d.steady("ledger"))
	g.Add("web", d.steady("web"))
	g.Add("operator", func(ctx context.Context, ready func()) error {
		ready()
		ready() // twice is once
		return nil
	})
	result := make(chan error, 1)
	go func() { result <- g.Run(ctx) }()
	eventually(t, g.Ready)
	cancel()
	err := <-result
	if err != nil {
		t.Errorf("a stop that was asked for gave %v", err)
	}
	if g.Ready() {
		t.Error("still ready after the stop")
	}
	d.expect(t, "database starts", "ledger starts", "web starts", "web stops", "ledger stops", "database stops")
}

func TestFirstFailureStopsAll(t *testing.T) {
	t.Parallel()
	var d diary
	var g Group
	broken := make(chan struct{})
	g.Add("database", d.steady("database"))
	g.Add("relay", func(ctx context.Context, ready func()) error {
		ready()
		<-broken
		return errDisk
	})
	g.Add("web", d.steady("web"))
	result := make(chan error, 1)
	go func() { result <- g.Run(t.Context()) }()
	eventually(t, g.Ready)
	close(broken)
	err := <-result
	if !errors.Is(err, errDisk) || err.Error() != "relay: disk full" {
		t.Errorf("Run: %v", err)
	}
	d.expect(t, "database starts", "web starts", "web stops", "database stops")
}

func TestFailureBeforeReadyKeepsLaterPartsFromStarting(t *testing.T) {
	t.Parallel()
	var d diary
	var g Group
	g.Add("nats", d.steady("nats"))
	g.Add("database", func(context.Context, func()) error { return errDisk })
	g.Add("web", d.steady("web"))
	err := g.Run(t.Context())
	if !errors.Is(err, errDisk) {
		t.Errorf("Run: %v", err)
	}
	d.expect(t, "nats starts", "nats stops")
}

// The consumer waits for the database that is just failing: it must not keep
// the process half started.
func TestFailureWhileAnotherPartStarts(t *testing.T) {
	t.Parallel()
	var g Group
	waiting := make(chan struct{})
	g.Add("database", func(_ context.Context, ready func()) error {
		ready()
		<-waiting
		return errDisk
	})
	g.Add("consumer", func(ctx context.Context, _ func()) error {
		close(waiting)
		<-ctx.Done()
		return ctx.Err()
	})
	err := g.Run(t.Context())
	if !errors.Is(err, errDisk) {
		t.Errorf("Run: %v", err)
	}
}

// Canceled by somebody else is not stopped by us.
func TestStrangeCancelIsAFailure(t *testing.T) {
	t.Parallel()
	var g Group
	g.Add("relay", func(context.Context, func()) error { return context.Canceled })
	err := g.Run(t.Context())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
}

func TestStopDuringStart(t *testing.T) {
	t.Parallel()
	var d diary
	var g Group
	ctx, cancel := context.WithCancel(t.Context())
	g.Add("database", func(inner context.Context, _ func()) error {
		d.write("database starts")
		cancel()
		<-inner.Done()
		return inner.Err()
	})
	g.Add("web", d.steady("web"))
	err := g.Run(ctx)
	if err != nil {
		t.Errorf("Run: %v", err)
	}
	d.expect(t, "database starts")
}

func TestFailureWhileStoppingIsNotLost(t *testing.T) {
	t.Parallel()
	var g Group
	ctx, cancel := context.WithCancel(t.Context())
	g.Add("database", func(ctx context.Context, ready func()) error {
		ready()
		<-ctx.Done()
		return errDisk
	})
	g.Add("operator", func(context.Context, func()) error {
		cancel()
		return nil
	})
	err := g.Run(ctx)
	if !errors.Is(err, errDisk) {
		t.Errorf("Run: %v", err)
	}
}

func TestPanicIsAFailureLikeOthers(t *testing.T) {
	t.Parallel()
	var d diary
	var g Group
	g.Add("database", d.steady("database"))
	g.Add("web", func(_ context.Context, ready func()) error {
		ready()
		var pages []int
		pages[len(t.Name())]++
		return nil
	})
	err := g.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "web: panic: runtime error: index out of range") {
		t.Errorf("Run: %v", err)
	}
	d.expect(t, "database starts", "database stops")

	var secretive Group
	secretive.Add("web", func(context.Context, func()) error { panic("amira@example.org") })
	err = secretive.Run(t.Context())
	if err == nil || strings.Contains(err.Error(), "amira") {
		t.Errorf("Run: %v", err)
	}
}

func TestGroupThatHasNothingLeftEnds(t *testing.T) {
	t.Parallel()
	var g Group
	g.Add("load", func(context.Context, func()) error { return nil })
	err := g.Run(t.Context())
	if err != nil {
		t.Errorf("Run: %v", err)
	}
	var empty Group
	err = empty.Run(t.Context())
	if err != nil {
		t.Errorf("Run without parts: %v", err)
	}
}

// A part that does not stop costs its budget, not the process, and the others
// still get the word.
func TestPartThatDoesNotStopIsAbandoned(t *testing.T) {
	t.Parallel()
	g := Group{budget: 20 * time.Millisecond}
	release, told := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	g.Add("database", func(ctx context.Context, ready func()) error {
		ready()
		<-ctx.Done()
		close(told)
		return nil
	})
	g.Add("consumer", func(_ context.Context, ready func()) error {
		ready()
		<-release
		return nil
	})
	g.Add("operator", func(context.Context, func()) error {
		cancel()
		return nil
	})
	err := g.Run(ctx)
	if !errors.Is(err, ErrStopTimeout) || !strings.Contains(err.Error(), "consumer: did not stop in time") {
		t.Errorf("Run: %v", err)
	}
	<-told
	close(release)
}

func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(2 * time.Minute)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("waited two minutes in vain")
		}
	}
}
