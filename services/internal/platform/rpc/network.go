// Package rpc carries questions between services. Each service has its own
// connection, which carries the service's name; the server knows from the
// connection who is asking and lets nobody call a method whose proto option
// does not name them. Errors arrive as the apperr.Error they left as, without
// what was wrapped inside.
//
// The network is in memory, so a process needs no port and no certificate to
// speak to itself, and yet everything passes through gRPC: what works here
// works between processes, where a client certificate's name takes the place
// of the name that an in-memory connection was dialled with.
package rpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

// errNetworkClosed is what dialling and accepting give after Close.
var errNetworkClosed = errors.New("in-memory network is closed")

// pipeSize is how many bytes wait in each direction before a writer does.
const pipeSize = 256 << 10

// Network connects clients and one server inside a process. It is safe for
// concurrent use. A client may be dialled, and call, before the server serves:
// the call waits until it does or until its deadline.
type Network struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// NewNetwork makes an empty network.
func NewNetwork() *Network {
	return &Network{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Dial returns a connection whose calls come from caller. The caller's name
// belongs to the connection and not to a request, so no request can change it.
// Close the connection when done.
func (n *Network) Dial(caller string, options ...grpc.DialOption) (*grpc.ClientConn, error) {
	if caller == "" {
		return nil, errors.New("dial in-memory network: a connection needs its caller's name")
	}
	options = append(clientOptions(),
		append(options,
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
				return n.connect(ctx, caller)
			}))...)
	conn, err := grpc.NewClient("passthrough:///almoner", options...)
	if err != nil {
		return nil, fmt.Errorf("dial in-memory network as %s: %w", caller, err)
	}
	return conn, nil
}

// connect makes one pair of connected ends and hands the server its end.
func (n *Network) connect(ctx context.Context, caller string) (net.Conn, error) {
	pair := bufconn.Listen(pipeSize)
	defer pair.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		conn, err := pair.Accept()
		if err == nil {
			accepted <- conn
		}
	}()
	client, err := pair.DialContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	server := namedConn{Conn: <-accepted, caller: caller}

	var failed error
	select {
	case n.conns <- server:
		return client, nil
	case <-n.closed:
		failed = errNetworkClosed
	case <-ctx.Done():
		failed = fmt.Errorf("wait for the server: %w", ctx.Err())
	}
	return nil, errors.Join(failed, client.Close(), server.Close())
}

// Accept, Close and Addr make the network the listener of its server.
func (n *Network) Accept() (net.Conn, error) {
	select {
	case conn := <-n.conns:
		return conn, nil
	case <-n.closed:
		return nil, errNetworkClosed
	}
}

// Close ends accepting and dialling; connections that exist live on.
func (n *Network) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

// Addr names the network in logs.
func (n *Network) Addr() net.Addr { return memoryAddr{} }

// namedConn is the server's end of a connection that knows who dialled it.
type namedConn struct {
	net.Conn
	caller string
}

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "memory" }
