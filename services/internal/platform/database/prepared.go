package database

import (
	"context"
	"database/sql"
	"sync"
)

const (
	// mostPrepared bounds how many statements a pool keeps compiled, and so the
	// memory for them: those that come first, which are those that come often.
	mostPrepared = 256
	// mostSeen bounds how many texts are remembered that have come once.
	mostSeen = 1024
)

// prepared are the statements that a SQLite pool has compiled already. Compiling
// costs as much as running: a seventh of a gift's whole way went there. (On
// PostgreSQL the driver keeps them.) It is safe for concurrent use; nil keeps
// nothing.
type prepared struct {
	pool *sql.DB

	mu       sync.Mutex
	compiled map[string]*sql.Stmt
	// seen are texts that have come once: most of those do not come again.
	seen   map[string]bool
	wanted []string
}

func newPrepared(pool *sql.DB) *prepared {
	return &prepared{pool: pool, compiled: map[string]*sql.Stmt{}, seen: map[string]bool{}}
}

// take returns the compiled statement of a text, or nil. A text that comes for
// the second time is noted and not compiled here, because the connection that
// would do it is the one that asks.
func (p *prepared) take(text string) *sql.Stmt {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	statement := p.compiled[text]
	if statement != nil || len(p.compiled)+len(p.wanted) >= mostPrepared {
		return statement
	}
	if p.seen[text] {
		delete(p.seen, text)
		p.wanted = append(p.wanted, text)
		return nil
	}
	if len(p.seen) >= mostSeen {
		clear(p.seen)
	}
	p.seen[text] = true
	return nil
}

// compile compiles what was noted. It is called outside of transactions. A text
// that cannot be compiled is run as it is, and says there what is wrong with it.
// Statements are never closed one by one: a transaction may be about to use one.
func (p *prepared) compile(ctx context.Context) {
	if p == nil {
		return
	}
	p.mu.Lock()
	wanted := p.wanted
	p.wanted = nil
	p.mu.Unlock()
	for _, text := range wanted {
		statement, err := p.pool.PrepareContext(ctx, positional(text)) //nolint:sqlclosecheck // closed with the pool
		if err != nil {
			continue
		}
		p.mu.Lock()
		if p.compiled[text] == nil {
			p.compiled[text], statement = statement, nil
		}
		p.mu.Unlock()
		if statement != nil {
			_ = statement.Close() // two transactions wanted it, and the other was faster
		}
	}
}
