package feed

import (
	"context"
	"errors"
	"log/slog"
	"sync"
)

// ErrFork says that a feed and what others remember of it disagree: the
// producer's database was restored to an older state, or the stream was written
// by somebody who pretends to be us. Nothing goes on by itself; see the runbook.
var ErrFork = errors.New("feed fork")

// health is the newest problem of a loop. It logs each problem once.
type health struct {
	logger *slog.Logger
	mu     sync.Mutex
	err    error
}

// set records a problem, or with nil its end.
func (h *health) set(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return // being stopped is no problem
	}
	h.mu.Lock()
	before := h.err
	h.err = err
	h.mu.Unlock()
	switch {
	case err == nil && before != nil:
		h.logger.InfoContext(ctx, "feed goes on", "after", before)
	case err == nil, before != nil && before.Error() == err.Error():
		// nothing new
	case errors.Is(err, ErrFork):
		h.logger.ErrorContext(ctx, "feed stopped: it forked, an operator must decide", "error", err)
	default:
		h.logger.WarnContext(ctx, "feed is disturbed and goes on trying", "error", err)
	}
}

func (h *health) get() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}
