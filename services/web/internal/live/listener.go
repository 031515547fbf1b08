package live

import "errors"

// most is how many listen at one process at most. A listener costs a connection
// and some 20 kB; who comes later is told to ask now and then instead.
const most = 10_000

// ErrFull is the answer to a listener too many.
var ErrFull = errors.New("too many listen already")

// Listener hears one key's totals. Its channel holds the newest ones only.
type Listener struct {
	watch *Watch
	key   Key
	news  chan Totals
}

// Listen begins to listen. What is known already, and newer than after, comes at
// once. Close the listener when done.
func (w *Watch) Listen(key Key, after int64) (*Listener, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count >= most {
		return nil, ErrFull
	}
	w.count++
	l := &Listener{watch: w, key: key, news: make(chan Totals, 1)}
	if w.listeners[key] == nil {
		w.listeners[key] = map[*Listener]struct{}{}
	}
	w.listeners[key][l] = struct{}{}
	now, known := w.totals[key]
	if known && w.standing && now.AsOf > after {
		l.hear(now)
	}
	return l, nil
}

// News brings the newest totals. It is never closed.
func (l *Listener) News() <-chan Totals { return l.news }

// hear replaces what was not fetched yet. Only the watch calls it, under its lock,
// so nobody else puts anything in between.
func (l *Listener) hear(now Totals) {
	select {
	case <-l.news:
	default:
	}
	l.news <- now
}

// Close stops listening.
func (l *Listener) Close() {
	w := l.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	_, listening := w.listeners[l.key][l]
	if !listening {
		return
	}
	delete(w.listeners[l.key], l)
	w.count--
	if len(w.listeners[l.key]) == 0 {
		delete(w.listeners, l.key)
	}
}
