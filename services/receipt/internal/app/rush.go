package app

import (
	"context"
	"sync"
	"time"
)

const (
	// rushReceipts in one second at most are issued without a rush: what is due
	// behind them can be done beside them.
	rushReceipts = 100
	// longestWay is how long a pass gives way. In a rush that lasts for hours,
	// drawing and mailing go on slowly.
	longestWay = 5 * time.Second
	// wayStep is how often is looked whether the rush is over.
	wayStep = 100 * time.Millisecond
)

// rush tells whether receipts are being issued by the hundred. Drawing one PDF
// takes longer than all else that a gift needs; done beside a rush, it would take
// half of the machine from the gifts that are still on their way, from donors who
// wait for a page and from Stripe, which waits for an answer. Numbers come first,
// documents and mails follow.
type rush struct {
	mu sync.Mutex
	// second is when the newest count began, newest what was issued since, before
	// what was issued in the second before it.
	second         int64
	newest, before int
}

func (r *rush) issued(now time.Time, receipts int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn(now)
	r.newest += receipts
}

func (r *rush) on(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn(now)
	// Each second by itself: a sum of both would be that of one second alone when the
	// newest has just begun, and a rush would seem over once a second.
	return max(r.newest, r.before) > rushReceipts
}

func (r *rush) turn(now time.Time) {
	second := now.Unix()
	switch second - r.second {
	case 0:
	case 1:
		r.before, r.newest = r.newest, 0
	default:
		r.before, r.newest = 0, 0
	}
	r.second = second
}

// afterRush makes a pass give way to a rush, for five seconds at most.
func (a *App) afterRush(pass func(context.Context) (bool, error)) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		tick := time.NewTicker(wayStep)
		defer tick.Stop()
		for waited := time.Duration(0); waited < longestWay && a.rush.on(a.now()); waited += wayStep {
			select {
			case <-ctx.Done():
				return false, ctx.Err()
			case <-tick.C:
			}
		}
		return pass(ctx)
	}
}
