package testkit

import (
	"context"
	"crypto/ed25519"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/almoner/almoner/services/internal/platform/rpc"
)

// People signs in whoever a test needs. Give Key to the server, and dial with As.
type People struct {
	Key     ed25519.PublicKey
	private ed25519.PrivateKey
}

// NewPeople makes a pair of keys.
func NewPeople(t testing.TB) People {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return People{Key: public, private: private}
}

// As makes every call of a connection that carries the name web speak for one
// person. A person already in the call's context goes first.
func (p People) As(id string, roles ...string) []grpc.DialOption {
	person := func(ctx context.Context) context.Context {
		_, already := rpc.ActingPerson(ctx)
		if already {
			return ctx
		}
		return rpc.WithPerson(ctx, rpc.Person{ID: id, Roles: roles})
	}
	return append([]grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
			return invoke(person(ctx), method, request, reply, conn, options...)
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
			return open(person(ctx), desc, conn, method, options...)
		}),
	}, rpc.Acting(p.private, time.Now)...)
}

// Acting is for a connection whose calls speak for the person of their context, as
// web's do.
func (p People) Acting() []grpc.DialOption { return rpc.Acting(p.private, time.Now) }
