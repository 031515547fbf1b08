package rpc

import (
	"context"
	"errors"
	"net"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// identity tells a handler's context which service is at the other end. Each
// kind of transport proves it in its own way and ends here.
type identity struct {
	credentials.CommonAuthInfo
	caller string
}

func (identity) AuthType() string { return "almoner" }

// serverCredentials turns a connection into an identity. A connection that
// does not prove one is refused before a byte of a request is read.
type serverCredentials struct{}

func (serverCredentials) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	named, ok := conn.(namedConn)
	if !ok {
		return nil, nil, errors.New("handshake: the connection carries no caller's name")
	}
	return conn, identity{
		// Bytes that never leave the process are as safe as the process.
		CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity},
		caller:         named.caller,
	}, nil
}

func (serverCredentials) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("handshake: these credentials are a server's")
}

func (serverCredentials) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "almoner"}
}

func (c serverCredentials) Clone() credentials.TransportCredentials { return c }

func (serverCredentials) OverrideServerName(string) error { return nil }

// Caller is the name of the service whose call a handler is answering; ""
// outside a handler.
func Caller(ctx context.Context) string {
	from, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	known, ok := from.AuthInfo.(identity)
	if !ok {
		return ""
	}
	return known.caller
}
