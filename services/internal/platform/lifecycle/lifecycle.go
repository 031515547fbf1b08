// Package lifecycle runs the parts of a process together: they start one after
// the other, each when the one before is ready; they stop in the reverse
// order, each when the one after it has stopped; and the first that fails
// stops them all. So a part can rely on what was added before it for as long
// as it runs.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// StopBudget is how long all parts together may take to stop. Orchestrators
// kill a process that takes longer, in the middle of whatever it is doing.
const StopBudget = 30 * time.Second

// ErrStopTimeout says that a part was still running when the budget was used
// up; it is abandoned.
var ErrStopTimeout = errors.New("did not stop in time")

// Run is a part's work. It calls ready once others may rely on it (returning
// counts too), works until ctx ends, cleans up and returns. It may also return
// nil earlier, when its work is done.
type Run func(ctx context.Context, ready func()) error

// Group is parts that run together. Add them, then call Run once.
type Group struct {
	parts  []*part
	ready  atomic.Bool
	budget time.Duration
}

// part is one function and its state while it runs.
type part struct {
	name   string
	run    Run
	cancel context.CancelFunc
	ready  chan struct{} // closed by ready
	done   chan struct{} // closed when run has returned
	err    error         // of run, valid once done is closed
	asked  bool          // whether it was asked to end, valid once done is closed
}

// Add appends a part. The name is for errors.
func (g *Group) Add(name string, run Run) {
	g.parts = append(g.parts, &part{name: name, run: run, ready: make(chan struct{}), done: make(chan struct{})})
}

// Ready reports whether every part is ready and none is being stopped. It may
// be called at any time from any goroutine.
func (g *Group) Ready() bool { return g.ready.Load() }

// Run starts the parts, waits until ctx ends, until one fails or until all
// have returned, and stops the rest. It returns the failures; nil when
// everything ended as asked. Parts that exceed StopBudget are abandoned and
// named with ErrStopTimeout.
func (g *Group) Run(ctx context.Context) error {
	// Parts outlive ctx: each is ended in its turn, not all at once.
	base := context.WithoutCancel(ctx)
	ended := make(chan *part, len(g.parts))
	started, left := 0, 0

	var failed error
	for _, p := range g.parts {
		p.start(base, ended)
		started++
		left++
		for pending := true; pending && failed == nil && ctx.Err() == nil; {
			select {
			case <-ctx.Done():
			case <-p.ready:
				pending = false
			case other := <-ended:
				// It may be one that was ready long ago: p could wait for it
				// for ever.
				left--
				failed = other.failure()
				pending = other != p
			}
		}
		if failed != nil || ctx.Err() != nil {
			break
		}
	}
	g.ready.Store(failed == nil && ctx.Err() == nil)

	for left > 0 && failed == nil && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case p := <-ended:
			left--
			failed = p.failure()
		}
	}
	g.ready.Store(false)
	return g.stop(started, failed)
}

// start runs the part until it returns, which it reports to ended.
func (p *part) start(base context.Context, ended chan<- *part) {
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(base)
	ready := sync.OnceFunc(func() { close(p.ready) })
	go func() {
		p.err = protect(ctx, p.run, ready)
		p.asked = ctx.Err() != nil
		close(p.done)
		ended <- p
	}()
}

// stop ends the started parts from the last to the first within the budget.
func (g *Group) stop(started int, failed error) error {
	budget := g.budget
	if budget == 0 {
		budget = StopBudget
	}
	timer := time.NewTimer(budget)
	defer timer.Stop()

	failures := []error{failed}
	late := false
	for i := started - 1; i >= 0; i-- {
		p := g.parts[i]
		p.cancel()
		if late {
			// Nobody waits any more, but what needs only the word may still end.
			select {
			case <-p.done:
			default:
				failures = append(failures, fmt.Errorf("%s: %w", p.name, ErrStopTimeout))
			}
			continue
		}
		select {
		case <-p.done:
			err := p.failure()
			// The failure that began the stop is in the list already.
			if err != nil && (failed == nil || err.Error() != failed.Error()) {
				failures = append(failures, err)
			}
		case <-timer.C:
			late = true
			failures = append(failures, fmt.Errorf("%s: %w", p.name, ErrStopTimeout))
		}
	}
	return errors.Join(failures...)
}

// failure is what went wrong in a part that has returned. To report the end of
// its context is no failure when the context had ended.
func (p *part) failure() error {
	if p.err == nil || p.asked && errors.Is(p.err, context.Canceled) {
		return nil
	}
	return fmt.Errorf("%s: %w", p.name, p.err)
}

// protect makes a panic a failure like others, so that the other parts still
// stop in order. The value may hold anything, so only its type is told, unless
// it is an error of the runtime itself.
func protect(ctx context.Context, run Run, ready func()) (err error) {
	defer func() {
		panicked := recover()
		if panicked == nil {
			return
		}
		what := fmt.Sprintf("%T", panicked)
		broke, ok := panicked.(interface {
			error
			RuntimeError()
		})
		if ok {
			what = broke.Error()
		}
		err = fmt.Errorf("panic: %s\n%s", what, debug.Stack())
	}()
	return run(ctx, ready)
}
