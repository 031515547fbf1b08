package rpc_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

// Every client with every method: what the proto says is what happens.
func TestOnlyWhoTheProtoNamesMayCall(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, rpc.ServerConfig{PersonKey: public, Now: at(noon)}, func(s *rpc.Server) {
		feedv1.RegisterFeedServiceServer(s, feedServer{})
		feedv1.RegisterParkingServiceServer(s, parkingServer{})
	})
	methods := []struct {
		name string
		call func(context.Context, *grpc.ClientConn) error
	}{
		{"Head", func(ctx context.Context, c *grpc.ClientConn) error {
			_, err := feedv1.NewFeedServiceClient(c).Head(ctx, &feedv1.HeadRequest{Feed: "donation"})
			return err
		}},
		{"ListParked", func(ctx context.Context, c *grpc.ClientConn) error {
			_, err := feedv1.NewParkingServiceClient(c).ListParked(ctx, &feedv1.ListParkedRequest{})
			return err
		}},
		{"RetryParked", func(ctx context.Context, c *grpc.ClientConn) error {
			_, err := feedv1.NewParkingServiceClient(c).RetryParked(ctx, &feedv1.RetryParkedRequest{})
			return err
		}},
	}
	const golden = `
caller      Head  ListParked  RetryParked
web         no    yes         yes
donation    yes   no          no
fundraiser  yes   no          no
receipt     yes   no          no
ledger      yes   no          no
operator    yes   yes         yes
stranger    no    no          no
Ledger      no    no          no
`
	var table strings.Builder
	fmt.Fprintf(&table, "\n%-12s%-6s%-12s%s\n", "caller", "Head", "ListParked", "RetryParked")
	for _, caller := range []string{"web", "donation", "fundraiser", "receipt", "ledger", "operator", "stranger", "Ledger"} {
		conn := p.dial(t, caller, rpc.Acting(private, at(noon))...)
		answers := make([]string, len(methods))
		for i, method := range methods {
			err := method.call(as(t, "accountant"), conn)
			answers[i] = "yes"
			if err != nil {
				answers[i] = "no"
				if apperr.CodeOf(err) != apperr.PermissionDenied {
					t.Errorf("%s calling %s: %v, want permission denied", caller, method.name, err)
				}
			}
		}
		fmt.Fprintf(&table, "%-12s%-6s%-12s%s\n", caller, answers[0], answers[1], answers[2])
	}
	if table.String() != golden {
		t.Errorf("who may call what:%s\nwant:%s", table.String(), golden)
	}
	if !strings.Contains(p.log.String(), "level=WARN msg=rpc method=/almoner.feed.v1.FeedService/Head caller=stranger") {
		t.Errorf("the refusal was not logged:\n%s", p.log)
	}
}

func TestHandlerKnowsItsCaller(t *testing.T) {
	t.Parallel()
	callers := make(chan string, 2)
	p := start(t, rpc.ServerConfig{}, withFeed(func(ctx context.Context) (*feedv1.HeadResponse, error) {
		callers <- rpc.Caller(ctx)
		return &feedv1.HeadResponse{}, nil
	}))
	for _, caller := range []string{"receipt", "ledger"} {
		_, err := feedv1.NewFeedServiceClient(p.dial(t, caller)).Head(t.Context(), &feedv1.HeadRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if got := <-callers; got != caller {
			t.Errorf("%s was taken for %q", caller, got)
		}
	}
	if got := rpc.Caller(t.Context()); got != "" {
		t.Errorf("outside a call the caller is %q", got)
	}
}

// Health's proto is not ours and names nobody: such a service must not start.
func TestServiceWithoutAccessOptionsDoesNotStart(t *testing.T) {
	t.Parallel()
	network := rpc.NewNetwork()
	defer network.Close()
	server := rpc.NewServer(rpc.ServerConfig{})
	grpc_health_v1.RegisterHealthServer(server, grpc_health_v1.UnimplementedHealthServer{})
	err := server.Serve(t.Context(), network)
	if err == nil || !strings.Contains(err.Error(), "grpc.health.v1.Health.Check") {
		t.Errorf("Serve: %v, want the method without an option named", err)
	}

	server = rpc.NewServer(rpc.ServerConfig{})
	server.RegisterService(&grpc.ServiceDesc{ServiceName: "almoner.nowhere.v1.NoService"}, nil)
	err = server.Serve(t.Context(), network)
	if err == nil || !strings.Contains(err.Error(), "NoService") {
		t.Errorf("Serve: %v, want the unknown service named", err)
	}
}

// A connection over a transport that proves no name gets nowhere.
func TestConnectionWithoutANameIsRefused(t *testing.T) {
	t.Parallel()
	server := rpc.NewServer(rpc.ServerConfig{})
	feedv1.RegisterFeedServiceServer(server, feedServer{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(ctx, listener) }()
	defer func() {
		cancel()
		<-stopped
	}()

	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = conn.Read(make([]byte, 1))
	if !errors.Is(err, io.EOF) {
		t.Errorf("reading from the server: %v, want the end at once", err)
	}

	_, err = rpc.NewNetwork().Dial("")
	if err == nil {
		t.Error("dialled without a name")
	}
}
