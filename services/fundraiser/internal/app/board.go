package app

import (
	"container/list"
	"sync"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

// WatchedTotal is what a published appeal or page shows now.
type WatchedTotal struct {
	AppealSlug string
	PageSlug   string // empty for the appeal itself
	Total      domain.Total
}

// board holds what all watchers look at. It keeps nothing per watcher: each
// remembers by itself up to where it has read, and what changed several times
// since then is there once, as it is now. So a watcher that does not read costs
// nothing and holds up nobody.
type board struct {
	mu       sync.Mutex
	revision int64
	// sequence is the number of the newest change; each has its own.
	sequence int64
	lines    map[string]*list.Element // of *boardLine, by the id of appeal or page
	order    *list.List               // the line that changed last is last
	// changed is closed when something changed, and replaced.
	changed chan struct{}
}

type boardLine struct {
	WatchedTotal
	id       string
	sequence int64 // of its last change
}

// boardMark is how far a watcher has read.
type boardMark struct {
	revision int64
	sequence int64
}

func newBoard() *board {
	return &board{lines: map[string]*list.Element{}, order: list.New(), changed: make(chan struct{})}
}

// show writes lines, and wakes the watchers if any of it is new. A complete
// board is wiped of what is not on it.
func (b *board) show(revision int64, lines map[string]WatchedTotal, complete bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	isNew := b.revision != revision
	b.revision = revision
	for id, line := range lines {
		element, there := b.lines[id]
		if there && element.Value.(*boardLine).WatchedTotal == line {
			continue
		}
		isNew = true
		b.sequence++
		if there {
			b.order.Remove(element)
		}
		b.lines[id] = b.order.PushBack(&boardLine{WatchedTotal: line, id: id, sequence: b.sequence})
	}
	if complete {
		for id, element := range b.lines {
			_, stays := lines[id]
			if !stays {
				// What is no longer published is told by the revision alone.
				b.order.Remove(element)
				delete(b.lines, id)
			}
		}
	}
	if isNew {
		close(b.changed)
		b.changed = make(chan struct{})
	}
}

// read returns up to limit lines that changed after a mark, the oldest change
// first, the mark after them, and what to wait for before reading again: nil
// while there is more.
func (b *board) read(from boardMark, limit int) (lines []WatchedTotal, to boardMark, wait <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := b.order.Back()
	for first != nil && first.Value.(*boardLine).sequence > from.sequence {
		first = first.Prev()
	}
	if first == nil {
		first = b.order.Front()
	} else {
		first = first.Next()
	}
	to = boardMark{revision: b.revision, sequence: from.sequence}
	for next := first; next != nil; next = next.Next() {
		if len(lines) == limit {
			return lines, to, nil
		}
		line := next.Value.(*boardLine)
		lines = append(lines, line.WatchedTotal)
		to.sequence = line.sequence
	}
	return lines, to, b.changed
}
