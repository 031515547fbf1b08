package natsserver

import (
	"fmt"
	"log/slog"
	"sync"
)

// bridge passes the embedded server's log on. Its notices are for people who
// run a NATS server, which nobody does here, so they are left out.
type bridge struct {
	logger *slog.Logger
	mu     sync.Mutex
	newest string
	failed bool
}

func (b *bridge) keep(format string, args []any) string {
	text := fmt.Sprintf(format, args...)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.newest = text
	return text
}

// last returns the newest error.
func (b *bridge) last() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.newest == "" {
		return "no reason given"
	}
	return b.newest
}

// fatal tells whether the server gave up.
func (b *bridge) fatal() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed
}

func (b *bridge) Noticef(string, ...any) {}
func (b *bridge) Debugf(string, ...any)  {}
func (b *bridge) Tracef(string, ...any)  {}

func (b *bridge) Warnf(format string, args ...any) {
	b.logger.Warn("embedded NATS", "message", fmt.Sprintf(format, args...))
}

func (b *bridge) Errorf(format string, args ...any) {
	b.logger.Error("embedded NATS", "message", b.keep(format, args))
}

// Fatalf does not end the process: Start finds the server not ready and says why.
func (b *bridge) Fatalf(format string, args ...any) {
	b.logger.Error("embedded NATS", "message", b.keep(format, args))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed = true
}
