package rpc

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/almoner/almoner/services/internal/apperr"
)

// Person is somebody who signed in and on whose behalf web asks. The id is
// opaque: names and mail addresses stay with the service that owns them.
type Person struct {
	ID    string   `json:"id"`
	Roles []string `json:"roles"`
}

// Is reports whether the person has one of the roles.
func (p Person) Is(roles ...string) bool {
	for _, role := range roles {
		for _, held := range p.Roles {
			if role == held {
				return true
			}
		}
	}
	return false
}

// fronts is the one caller that people sign in at; nobody else's word about a
// person is believed.
const fronts = "web"

const (
	// personHeader carries the token of the acting person.
	personHeader = "almoner-acting-person"
	// personLifetime is how long a token is good for. A call is signed when it is
	// made, so this only has to outlive the way there and two clocks that differ.
	personLifetime = time.Minute
	// personSkew is how much later than ours the signer's clock may be.
	personSkew = time.Minute
	// personPurpose keeps a signature over anything else from being taken for one.
	personPurpose = "almoner acting person 1\x00"
)

type personKey struct{}

// WithPerson makes the calls of a context speak for a person. It means something
// on connections that were dialled with Acting.
func WithPerson(ctx context.Context, person Person) context.Context {
	return context.WithValue(ctx, personKey{}, person)
}

// ActingPerson is on whose behalf the call is made that a handler is answering;
// false if web asks for nobody, or somebody else asks.
func ActingPerson(ctx context.Context) (Person, bool) {
	person, ok := ctx.Value(personKey{}).(Person)
	return person, ok
}

// Acting signs the person of each call's context with web's private key. The
// others hold only the public one: a service that was broken into cannot act for
// anybody.
func Acting(key ed25519.PrivateKey, now func() time.Time) []grpc.DialOption {
	signed := func(ctx context.Context) (context.Context, error) {
		person, ok := ActingPerson(ctx)
		if !ok {
			return ctx, nil
		}
		token, err := signPerson(key, person, now())
		if err != nil {
			return nil, apperr.Wrap(err, apperr.Internal, "INTERNAL", "Something went wrong on our side.")
		}
		return metadata.AppendToOutgoingContext(ctx, personHeader, token), nil
	}
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
			ctx, err := signed(ctx)
			if err != nil {
				return err
			}
			return invoke(ctx, method, request, reply, conn, options...)
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
			ctx, err := signed(ctx)
			if err != nil {
				return nil, err
			}
			return open(ctx, desc, conn, method, options...)
		}),
	}
}

// claims are what a token says.
type claims struct {
	Person
	Expires int64 `json:"exp"` // unix seconds
}

func signPerson(key ed25519.PrivateKey, person Person, now time.Time) (string, error) {
	if person.ID == "" || len(person.Roles) == 0 {
		return "", errors.New("sign acting person: without id or roles")
	}
	payload, err := json.Marshal(claims{Person: person, Expires: now.Add(personLifetime).Unix()})
	if err != nil {
		return "", err
	}
	signature := ed25519.Sign(key, append([]byte(personPurpose), payload...))
	encode := base64.RawURLEncoding.EncodeToString
	return encode(payload) + "." + encode(signature), nil
}

var errPerson = apperr.New(apperr.Unauthenticated, "PERSON_UNKNOWN", "Please sign in again.")

// verifyPerson reads a token. Whatever is wrong with it is answered alike.
func verifyPerson(key ed25519.PublicKey, token string, now time.Time) (Person, error) {
	if len(key) != ed25519.PublicKeySize {
		return Person{}, errPerson
	}
	first, second, _ := strings.Cut(token, ".")
	decode := base64.RawURLEncoding.Strict().DecodeString
	payload, err := decode(first)
	if err != nil {
		return Person{}, errPerson
	}
	signature, err := decode(second)
	if err != nil || !ed25519.Verify(key, append([]byte(personPurpose), payload...), signature) {
		return Person{}, errPerson
	}
	var said claims
	err = json.Unmarshal(payload, &said)
	if err != nil || said.ID == "" {
		return Person{}, errPerson
	}
	expires := time.Unix(said.Expires, 0)
	if !now.Before(expires) || expires.Sub(now) > personLifetime+personSkew {
		return Person{}, errPerson
	}
	return said.Person, nil
}

// admit decides about one call: who may call the method, and for whom. It returns
// the context that the handler gets.
func (s *Server) admit(ctx context.Context, method string) (context.Context, error) {
	caller := Caller(ctx)
	err := s.access.authorise(caller, method)
	if err != nil || caller != fronts {
		return ctx, err
	}
	roles := s.access[method].roles
	tokens := metadata.ValueFromIncomingContext(ctx, personHeader)
	if len(tokens) == 0 {
		if len(roles) > 0 {
			return ctx, apperr.New(apperr.Unauthenticated, "PERSON_MISSING", "Please sign in.")
		}
		return ctx, nil
	}
	if len(tokens) > 1 {
		return ctx, errPerson
	}
	person, err := verifyPerson(s.personKey, tokens[0], s.now())
	if err != nil {
		return ctx, err
	}
	if len(roles) > 0 && !person.Is(roles...) {
		return ctx, apperr.New(apperr.PermissionDenied, "ROLE_MISSING", "Your role does not allow this.")
	}
	return WithPerson(ctx, person), nil
}
