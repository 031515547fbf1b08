package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"

	"github.com/almoner/almoner/services/internal/apperr"
)

const (
	// callerHeader says which of its process's services a call comes from.
	callerHeader = "almoner-caller"
	// longestBackoff bounds how long after its restart a service is found again.
	longestBackoff = 3 * time.Second
	connectTimeout = 5 * time.Second
	// A peer that was unplugged sends no farewell: after this the connection is
	// taken for dead.
	keepaliveEvery, keepaliveTimeout = 20 * time.Second, 10 * time.Second
)

// Remote is a connection to a service in another process. It is made when it is
// first needed and made again for as long as it is open; a call while there is
// none fails at once with Unavailable. It is safe for concurrent use.
type Remote struct {
	*grpc.ClientConn
	service string

	mu sync.Mutex
	// fault is why the newest attempt to connect failed.
	fault error
}

// Dial returns a connection over TCP to a service, whose calls come from caller.
// Certificates prove both to each other; nil is a plain connection, on which a
// server that allows it believes what is said. Nothing is dialled yet. Close it
// when done.
func Dial(service, addr, caller string, certificates *Certificates, options ...grpc.DialOption) (*Remote, error) {
	if caller == "" {
		return nil, errors.New("dial: a connection needs its caller's name")
	}
	r := &Remote{service: service}
	proof := insecure.NewCredentials()
	if certificates != nil {
		proof = clientCredentials{certificates, service}
	}
	options = append(append(clientOptions(), options...),
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
			return invoke(metadata.AppendToOutgoingContext(ctx, callerHeader, caller), method, request, reply, conn, options...)
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
			return open(metadata.AppendToOutgoingContext(ctx, callerHeader, caller), desc, conn, method, options...)
		}),
		grpc.WithTransportCredentials(watched{proof, r}),
		grpc.WithContextDialer(r.dial),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: longestBackoff},
			MinConnectTimeout: connectTimeout,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveEvery, Timeout: keepaliveTimeout}),
	)
	conn, err := grpc.NewClient("dns:///"+addr, options...)
	if err != nil {
		return nil, fmt.Errorf("dial %s at %s as %s: %w", service, addr, caller, err)
	}
	r.ClientConn = conn
	return r, nil
}

func (r *Remote) dial(ctx context.Context, addr string) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		r.remember(err)
	}
	return conn, err
}

func (r *Remote) remember(fault error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = fault
}

// Reachable returns nil when there is a connection, which it makes if there is
// none, and otherwise why there is not. It waits until one of the two is known
// or ctx ends.
func (r *Remote) Reachable(ctx context.Context) error {
	for {
		state := r.GetState()
		switch state {
		case connectivity.Ready:
			return nil
		case connectivity.TransientFailure, connectivity.Shutdown:
			return r.away()
		case connectivity.Idle:
			r.Connect()
		case connectivity.Connecting:
		}
		if !r.WaitForStateChange(ctx, state) {
			return r.away()
		}
	}
}

func (r *Remote) away() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	fault := r.fault
	if fault == nil {
		// A server that refuses a certificate says so once the client believes that all is
		// well; its words are lost when what the client had begun to send resets the connection.
		fault = errors.New("the connection was closed before anything was said; is one side plain and the other TLS, or is this certificate not believed? The log of " + r.service + " says which")
	}
	return apperr.Wrap(fmt.Errorf("reach %s: %w", r.service, fault), apperr.Unavailable, "SIBLING_AWAY", r.service+" cannot be reached; what needs it waits")
}

// watched remembers why a connection could not be used.
type watched struct {
	credentials.TransportCredentials
	remote *Remote
}

func (w watched) ClientHandshake(ctx context.Context, name string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secured, info, err := w.TransportCredentials.ClientHandshake(ctx, name, conn)
	w.remote.remember(err)
	if err != nil {
		return nil, nil, err
	}
	return overheard{secured, w.remote}, info, nil
}

func (w watched) Clone() credentials.TransportCredentials {
	return watched{w.TransportCredentials.Clone(), w.remote}
}

// overheard remembers how a connection ended: that a client's certificate is not
// believed is said only after the handshake.
type overheard struct {
	net.Conn
	remote *Remote
}

func (o overheard) Read(p []byte) (int, error) {
	n, err := o.Conn.Read(p)
	// A reset says no more than an end does: that there is nothing else to hear.
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, syscall.ECONNRESET) {
		o.remote.remember(err)
	}
	return n, err
}
