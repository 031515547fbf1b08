package rpc

import (
	"context"
	"errors"
	"net"
	"slices"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// identity tells the server who may be at the other end. Each kind of transport
// proves it in its own way and ends here.
type identity struct {
	credentials.CommonAuthInfo
	// names are those that the other end proved: of an in-memory connection the
	// one it was dialled with.
	names []string
	// believed says that nothing was proved and the caller's word is taken.
	believed bool
}

func (identity) AuthType() string { return "almoner" }

// serverCredentials turn a connection into an identity. A connection that
// does not prove one is refused before a byte of a request is read.
type serverCredentials struct {
	// plaintext takes the word of whoever connects.
	plaintext bool
}

func (c serverCredentials) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	// Bytes that never leave the machine are as safe as the machine.
	known := identity{CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}}
	named, ok := conn.(namedConn)
	switch {
	case ok:
		known.names = []string{named.caller}
	case c.plaintext:
		known.believed = true
	default:
		return nil, nil, errors.New("handshake: the connection carries no caller's name")
	}
	return conn, known, nil
}

func (serverCredentials) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("handshake: these credentials are a server's")
}

func (serverCredentials) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "almoner"}
}

func (c serverCredentials) Clone() credentials.TransportCredentials { return c }

func (serverCredentials) OverrideServerName(string) error { return nil }

type callerKey struct{}

// Caller is the name of the service whose call a handler is answering; ""
// outside a handler.
func Caller(ctx context.Context) string {
	caller, _ := ctx.Value(callerKey{}).(string)
	return caller
}

// withCaller finds out who makes a call. A connection that proved one name
// speaks for that one; of several, which a process with several services has,
// the call says which. A call that says another name than was proved has none.
func withCaller(ctx context.Context) context.Context {
	from, ok := peer.FromContext(ctx)
	if !ok {
		return ctx
	}
	known, ok := from.AuthInfo.(identity)
	if !ok {
		return ctx
	}
	said := metadata.ValueFromIncomingContext(ctx, callerHeader)
	var caller string
	switch {
	case len(said) == 0 && len(known.names) == 1:
		caller = known.names[0]
	case len(said) == 1 && (known.believed || slices.Contains(known.names, said[0])):
		caller = said[0]
	}
	return context.WithValue(ctx, callerKey{}, caller)
}
