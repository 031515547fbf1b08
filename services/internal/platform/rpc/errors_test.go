package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

func TestErrorsCrossWithoutTheirInside(t *testing.T) {
	t.Parallel()
	secret := errors.New("postgres://donation:hunter2@10.0.0.7: amira@example.org not found")
	sent := apperr.Wrap(secret, apperr.InvalidArgument, "INVALID_INPUT", "Some of what was entered cannot be used.")
	sent.Fields = []apperr.Field{
		{Name: "amount", Reason: "AMOUNT_TOO_MANY_DECIMALS", Message: "Yen have no decimals."},
		{Name: "email", Reason: "EMAIL_MALFORMED", Message: "Enter an address like name@example.org."},
	}
	p := start(t, rpc.ServerConfig{}, withFeed(func(context.Context) (*feedv1.HeadResponse, error) {
		return nil, fmt.Errorf("create checkout: %w", sent)
	}))
	_, err := feedv1.NewFeedServiceClient(p.dial(t, "ledger")).Head(t.Context(), &feedv1.HeadRequest{})

	var got *apperr.Error
	if !errors.As(err, &got) {
		t.Fatalf("%v is no apperr.Error", err)
	}
	if got.Code != sent.Code || got.Reason != sent.Reason || got.Message != sent.Message || !reflect.DeepEqual(got.Fields, sent.Fields) {
		t.Errorf("arrived as %+v", got)
	}
	for _, inside := range []string{"hunter2", "amira", "create checkout"} {
		if strings.Contains(err.Error(), inside) {
			t.Errorf("%q crossed: %v", inside, err)
		}
	}
}

func TestEveryCodeArrivesAsItself(t *testing.T) {
	t.Parallel()
	codes := []apperr.Code{
		apperr.InvalidArgument, apperr.NotFound, apperr.AlreadyExists, apperr.FailedPrecondition, apperr.Gone,
		apperr.TooLarge, apperr.Unauthenticated, apperr.PermissionDenied, apperr.ResourceExhausted, apperr.Aborted,
		apperr.Unavailable, apperr.DeadlineExceeded, apperr.Internal,
	}
	next := make(chan apperr.Code, 1)
	p := start(t, rpc.ServerConfig{}, withFeed(func(context.Context) (*feedv1.HeadResponse, error) {
		return nil, apperr.New(<-next, "SOME_REASON", "Some message.")
	}))
	client := feedv1.NewFeedServiceClient(p.dial(t, "ledger"))
	for _, code := range codes {
		next <- code
		_, err := client.Head(t.Context(), &feedv1.HeadRequest{})
		if !errors.Is(err, apperr.New(code, "SOME_REASON", "")) {
			t.Errorf("%s arrived as %v", code, err)
		}
	}
}

// A loop that ends quietly when it is canceled must not end because the other
// side was.
func TestTheOtherSidesCancelIsNotOurs(t *testing.T) {
	t.Parallel()
	p := start(t, rpc.ServerConfig{}, withFeed(func(context.Context) (*feedv1.HeadResponse, error) {
		return nil, fmt.Errorf("read head: %w", context.Canceled)
	}))
	_, err := feedv1.NewFeedServiceClient(p.dial(t, "ledger")).Head(t.Context(), &feedv1.HeadRequest{})
	if apperr.CodeOf(err) != apperr.Unavailable || errors.Is(err, context.Canceled) {
		t.Errorf("arrived as %v", err)
	}
}

func TestErrorsWithoutAPublicHalfSayNothing(t *testing.T) {
	t.Parallel()
	p := start(t, rpc.ServerConfig{}, withFeed(func(context.Context) (*feedv1.HeadResponse, error) {
		return nil, errors.New("disk /var/lib/almoner is full")
	}))
	_, err := feedv1.NewFeedServiceClient(p.dial(t, "ledger")).Head(t.Context(), &feedv1.HeadRequest{})
	if apperr.CodeOf(err) != apperr.Internal || strings.Contains(err.Error(), "disk") {
		t.Errorf("arrived as %v", err)
	}
	if !strings.Contains(p.log.String(), "/var/lib/almoner is full") {
		t.Errorf("the cause is in no log:\n%s", p.log)
	}
}

func TestTextThatCannotBeSentStillHasItsCode(t *testing.T) {
	t.Parallel()
	p := start(t, rpc.ServerConfig{}, withFeed(func(context.Context) (*feedv1.HeadResponse, error) {
		return nil, apperr.New(apperr.NotFound, "NO\xffPE", "Not here.")
	}))
	_, err := feedv1.NewFeedServiceClient(p.dial(t, "ledger")).Head(t.Context(), &feedv1.HeadRequest{})
	if err == nil {
		t.Error("the error was lost")
	}
}

func TestPanicIsInternalAndTheProcessLives(t *testing.T) {
	t.Parallel()
	values := make(chan any, 1)
	p := start(t, rpc.ServerConfig{}, withFeed(func(context.Context) (*feedv1.HeadResponse, error) {
		value := <-values
		if value == nil {
			var gifts []int
			gifts[len(t.Name())]++
		}
		panic(value)
	}))
	client := feedv1.NewFeedServiceClient(p.dial(t, "ledger"))
	for _, value := range []any{nil, "amira@example.org"} {
		values <- value
		_, err := client.Head(t.Context(), &feedv1.HeadRequest{})
		if apperr.CodeOf(err) != apperr.Internal {
			t.Errorf("panic arrived as %v", err)
		}
	}
	log := p.log.String()
	if !strings.Contains(log, "index out of range") || !strings.Contains(log, "rpc_test.go") {
		t.Errorf("the log does not tell what broke where:\n%s", log)
	}
	if strings.Contains(log, "amira") {
		t.Error("the log holds what was typed")
	}
}

func TestMethodThatAnOlderVersionLacks(t *testing.T) {
	t.Parallel()
	p := start(t, rpc.ServerConfig{}, withFeed(nil))
	conn := p.dial(t, "operator")
	_, unregistered := feedv1.NewParkingServiceClient(conn).ListParked(t.Context(), &feedv1.ListParkedRequest{})
	_, left := feedv1.NewFeedServiceClient(p.dial(t, "ledger")).Read(t.Context(), &feedv1.ReadRequest{})
	for _, err := range []error{unregistered, left} {
		// Not permanent: during an upgrade an event must wait, not be parked.
		if apperr.CodeOf(err) != apperr.Unavailable || apperr.Permanent(err) {
			t.Errorf("missing method is %v", err)
		}
	}
}
