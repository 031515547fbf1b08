package feed_test

import (
	"net"
	"sync"

	"github.com/almoner/almoner/services/internal/testkit"
)

// line leads to a broker and can be disturbed: held, as a process that is stopped
// holds what it has to say; or mute in one direction, as a network that lost it.
type line struct {
	broker *testkit.Broker

	mu sync.Mutex
	// free is signalled when what holds the line ends.
	free *sync.Cond
	held bool
	// deaf loses what the broker says, mute what it is told.
	deaf, mute bool
	open       []net.Conn
}

func newLine(broker *testkit.Broker) *line {
	l := &line{broker: broker}
	l.free = sync.NewCond(&l.mu)
	return l
}

// InProcessConn is how nats.go dials.
func (l *line) InProcessConn() (net.Conn, error) {
	conn, err := l.broker.InProcessConn()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = append(l.open, conn)
	return &lineConn{Conn: conn, line: l}, nil
}

func (l *line) set(held, deaf, mute bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held, l.deaf, l.mute = held, deaf, mute
	l.free.Broadcast()
}

func (l *line) hold()      { l.set(true, false, false) }
func (l *line) letGo()     { l.set(false, false, false) }
func (l *line) loseSaid()  { l.set(false, true, false) }
func (l *line) loseHeard() { l.set(false, false, true) }

// cut ends the connections and the disturbance. What was lost in the middle of a
// message cannot be made good on the same connection.
func (l *line) cut() {
	l.mu.Lock()
	conns := l.open
	l.open = nil
	l.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
	}
	l.letGo()
}

// pass waits while the line is held and tells what is lost.
func (l *line) pass() (deaf, mute bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.held {
		l.free.Wait()
	}
	return l.deaf, l.mute
}

type lineConn struct {
	net.Conn
	line *line
}

func (c *lineConn) Write(said []byte) (int, error) {
	_, mute := c.line.pass()
	if mute {
		return len(said), nil
	}
	return c.Conn.Write(said)
}

func (c *lineConn) Read(into []byte) (int, error) {
	for {
		n, err := c.Conn.Read(into)
		deaf, _ := c.line.pass()
		if err != nil || !deaf {
			return n, err
		}
	}
}
