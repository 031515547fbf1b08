package app

import (
	"context"
	"sync"
)

// turns lets one at a time work on an intent, or an account, within this process.
// Twenty posts of one form queue here and find the first one's work done.
type turns struct {
	mu      sync.Mutex
	waiting map[string]*turn
}

type turn struct {
	slot  chan struct{} // holds one token while nobody has the turn
	users int
}

func newTurns() *turns { return &turns{waiting: map[string]*turn{}} }

// take waits for the turn of key and returns what ends it.
func (t *turns) take(ctx context.Context, key string) (done func(), err error) {
	t.mu.Lock()
	mine := t.waiting[key]
	if mine == nil {
		mine = &turn{slot: make(chan struct{}, 1)}
		mine.slot <- struct{}{}
		t.waiting[key] = mine
	}
	mine.users++
	t.mu.Unlock()

	select {
	case <-mine.slot:
		return func() {
			mine.slot <- struct{}{}
			t.leave(key, mine)
		}, nil
	case <-ctx.Done():
		t.leave(key, mine)
		return nil, ctx.Err()
	}
}

func (t *turns) leave(key string, mine *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	mine.users--
	if mine.users == 0 {
		delete(t.waiting, key)
	}
}
