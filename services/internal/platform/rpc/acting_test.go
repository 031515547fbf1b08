package rpc_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func at(moment time.Time) func() time.Time { return func() time.Time { return moment } }

func as(t *testing.T, roles ...string) context.Context {
	return rpc.WithPerson(t.Context(), rpc.Person{ID: "6f1c", Roles: roles})
}

// desk is parked work. RetryParked lets web in for an accountant or an admin, and
// the operator as itself; ListParked also for a viewer.
type desk struct {
	web, operator feedv1.ParkingServiceClient
	process       *process
}

func openDesk(t *testing.T, signedAt, checkedAt time.Time) desk {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, rpc.ServerConfig{PersonKey: public, Now: at(checkedAt)},
		func(s *rpc.Server) { feedv1.RegisterParkingServiceServer(s, parkingServer{}) })
	dial := func(caller string, options ...grpc.DialOption) feedv1.ParkingServiceClient {
		return feedv1.NewParkingServiceClient(p.dial(t, caller, options...))
	}
	return desk{web: dial("web", rpc.Acting(private, at(signedAt))...), operator: dial("operator"), process: p}
}

func TestRolesDecideWhatAPersonMayDo(t *testing.T) {
	t.Parallel()
	d := openDesk(t, noon, noon)
	for _, c := range []struct {
		who  string
		ctx  context.Context
		want apperr.Code
	}{
		{"nobody", t.Context(), apperr.Unauthenticated},
		{"a supporter", as(t, "supporter"), apperr.PermissionDenied},
		{"a viewer", as(t, "viewer"), apperr.PermissionDenied},
		{"an accountant", as(t, "accountant"), ""},
		{"a viewer who is also admin", as(t, "viewer", "admin"), ""},
	} {
		_, err := d.web.RetryParked(c.ctx, &feedv1.RetryParkedRequest{})
		if (err == nil) != (c.want == "") || (err != nil && apperr.CodeOf(err) != c.want) {
			t.Errorf("%s: %v, want %q", c.who, err, c.want)
		}
	}
	_, err := d.web.ListParked(as(t, "viewer"), &feedv1.ListParkedRequest{})
	if err != nil {
		t.Errorf("a viewer may look: %v", err)
	}
	_, err = d.operator.RetryParked(t.Context(), &feedv1.RetryParkedRequest{})
	if err != nil {
		t.Errorf("the operator acts for itself: %v", err)
	}
}

func TestAPersonsTokenIsShortLived(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		later time.Duration
		good  bool
	}{
		"at once": {0, true}, "in its minute": {59 * time.Second, true}, "after it": {time.Minute, false},
		"a clock that is behind": {-59 * time.Second, true}, "a token from tomorrow": {-24 * time.Hour, false},
	} {
		d := openDesk(t, noon, noon.Add(c.later))
		_, err := d.web.ListParked(as(t, "viewer"), &feedv1.ListParkedRequest{})
		if (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestForgedPeopleAreNobody(t *testing.T) {
	t.Parallel()
	d := openDesk(t, noon, noon)
	_, foreignKey, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	foreign := feedv1.NewParkingServiceClient(d.process.dial(t, "web", rpc.Acting(foreignKey, at(noon))...))
	_, err = foreign.ListParked(as(t, "admin"), &feedv1.ListParkedRequest{})
	if apperr.CodeOf(err) != apperr.Unauthenticated {
		t.Errorf("another key: %v", err)
	}
	payload := base64.RawURLEncoding.EncodeToString([]byte(`{"id":"6f1c","roles":["admin"],"exp":1795348830}`))
	for name, token := range map[string]string{
		"nothing": "", "words": "let me in", "unsigned": payload + ".", "signed by nobody": payload + "." + strings.Repeat("A", 86),
		"very long": strings.Repeat("A", 4000) + "." + strings.Repeat("B", 4000),
	} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "almoner-acting-person", token)
		_, err := d.web.ListParked(ctx, &feedv1.ListParkedRequest{})
		if apperr.CodeOf(err) != apperr.Unauthenticated {
			t.Errorf("%s: %v", name, err)
		}
		// The word of a service that nobody signs in at is not even read.
		_, err = d.operator.ListParked(ctx, &feedv1.ListParkedRequest{})
		if err != nil {
			t.Errorf("%s from the operator: %v", name, err)
		}
	}
}

func TestOnlyWebSpeaksForPeople(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan bool, 1)
	p := start(t, rpc.ServerConfig{PersonKey: public, Now: at(noon)}, withFeed(func(ctx context.Context) (*feedv1.HeadResponse, error) {
		_, acting := rpc.ActingPerson(ctx)
		heard <- acting
		return &feedv1.HeadResponse{}, nil
	}))
	ledger := feedv1.NewFeedServiceClient(p.dial(t, "ledger", rpc.Acting(private, at(noon))...))
	_, err = ledger.Head(as(t, "admin"), &feedv1.HeadRequest{})
	if err != nil || <-heard {
		t.Errorf("the ledger speaks for somebody: %v", err)
	}
}
