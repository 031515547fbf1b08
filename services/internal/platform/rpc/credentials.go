package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
	// certificates prove connections over TCP; nil: there is no proof.
	certificates *Certificates
	// plaintext takes the word of whoever connects.
	plaintext bool
	logger    *slog.Logger
}

func (c serverCredentials) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	// Bytes that never leave the machine are as safe as the machine.
	known := identity{CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}}
	named, inMemory := conn.(namedConn)
	switch {
	case inMemory:
		known.names = []string{named.caller}
		return conn, known, nil
	case c.certificates != nil:
		secured, names, err := c.prove(conn)
		if err != nil {
			// Who only looks whether the port is open leaves without a word.
			if !errors.Is(err, io.EOF) {
				c.logger.Warn("a connection was refused", "error", err)
			}
			return nil, nil, fmt.Errorf("handshake: %w", err)
		}
		known.names = names
		return secured, known, nil
	case c.plaintext:
		known.believed = true
		return conn, known, nil
	default:
		return nil, nil, errors.New("handshake: the connection carries no caller's name")
	}
}

// prove returns the services that the other end's certificate speaks for.
func (c serverCredentials) prove(conn net.Conn) (net.Conn, []string, error) {
	held := c.certificates.current()
	secured, info, err := credentials.NewTLS(held.server(c.certificates.now)).ServerHandshake(conn)
	if err != nil {
		return nil, nil, err
	}
	proof, ok := info.(credentials.TLSInfo)
	if !ok || len(proof.State.PeerCertificates) == 0 || len(proof.State.PeerCertificates[0].DNSNames) == 0 {
		return nil, nil, errors.Join(errors.New("the certificate names no service (DNS names count, the common name does not)"), secured.Close())
	}
	return secured, proof.State.PeerCertificates[0].DNSNames, nil
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

// clientCredentials prove to a service who asks, and make sure that it is that
// service which answers.
type clientCredentials struct {
	certificates *Certificates
	service      string
}

func (c clientCredentials) ClientHandshake(ctx context.Context, _ string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	held := c.certificates.current()
	return credentials.NewTLS(held.client(c.service, c.certificates.now)).ClientHandshake(ctx, c.service, conn)
}

func (clientCredentials) ServerHandshake(net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("handshake: these credentials are a client's")
}

func (clientCredentials) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

func (c clientCredentials) Clone() credentials.TransportCredentials { return c }

func (clientCredentials) OverrideServerName(string) error { return nil }
