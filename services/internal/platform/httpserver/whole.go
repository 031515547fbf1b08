package httpserver

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
)

// What net/http gathers of an answer before it begins to send it, and of header and
// answer before it writes to a connection. It tells nobody, and cannot be told otherwise.
const (
	answerBuffer = 2 << 10
	serverBuffer = 4 << 10
)

// wholeListener makes connections that can send an answer as a whole.
type wholeListener struct{ net.Listener }

func (l wholeListener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	tcp, ok := accepted.(*net.TCPConn)
	if err != nil || !ok {
		return accepted, err
	}
	return &wholeConn{TCPConn: tcp, client: addrOf(tcp.RemoteAddr().String())}, nil
}

// wholeConn sends a page and its header in one call to the kernel. net/http sends
// what fits into its buffer with the header, and the rest by itself, or when the handler
// is done: two calls, which were more than a quarter of what a page costs that is kept
// in memory.
//
// A connection has one answer at a time, and only who writes it calls these.
type wholeConn struct {
	*net.TCPConn
	client netip.Addr // the other end
	holds  bool
	writes int // to the kernel
	held   net.Buffers
	head   []byte // made for the first answer that needs it
}

type connKey struct{}

// connOf is where the request came from, if an answer to it can be sent as a whole.
// While a body is read, the server may write 100 Continue from another goroutine.
func connOf(r *http.Request) *wholeConn {
	if r.Body != http.NoBody {
		return nil
	}
	conn, _ := r.Context().Value(connKey{}).(*wholeConn)
	return conn
}

func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// whole has write do its writing, and sends what that was when it is done. What it
// writes must stay as it is until then.
func (c *wholeConn) whole(write func() (int, error)) (n int, err error) {
	n, err = c.hold(write)
	held := c.held
	c.held = nil
	if len(held) == 0 {
		return n, err
	}
	c.writes++
	_, failed := held.WriteTo(c.TCPConn)
	if failed != nil {
		// The server believes that it was sent: it must not send anything after it. How
		// much of it arrived nobody can tell.
		return 0, errors.Join(err, failed, c.Close())
	}
	return n, err
}

// hold has write do its writing, and ends even when that panics. Then nothing of it is
// sent, and the server breaks the connection off.
func (c *wholeConn) hold(write func() (int, error)) (int, error) {
	c.holds = true
	defer func() { c.holds = false }()
	return write()
}

// Write implements net.Conn.
func (c *wholeConn) Write(p []byte) (int, error) {
	if !c.holds {
		c.writes++
		return c.TCPConn.Write(p)
	}
	size := len(p)
	switch {
	case size > serverBuffer: // is the handler's, and stays
	case len(c.held) == 0: // is the server's buffer, which it fills again
		c.head = append(c.head[:0], p...)
		p = c.head
	default:
		p = slices.Clone(p)
	}
	c.held = append(c.held, p)
	return size, nil
}
