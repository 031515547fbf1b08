package rpc_test

import (
	"context"
	"crypto/ed25519"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

// listen takes a free port for a server.
func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// serve answers on a port until the test ends; stop may be called before.
func serve(t *testing.T, listener net.Listener, config rpc.ServerConfig, register func(*rpc.Server)) (stop func()) {
	t.Helper()
	server := rpc.NewServer(config)
	register(server)
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(ctx, listener); close(stopped) }()
	stop = func() {
		cancel()
		err := <-stopped
		if err != nil {
			t.Errorf("serve: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func dialTCP(t *testing.T, addr, caller string, options ...grpc.DialOption) *rpc.Remote {
	t.Helper()
	remote, err := rpc.Dial("donation", addr, caller, nil, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remote.Close() })
	return remote
}

// In development, on one machine, a caller is who it says it is; what the proto
// says about callers holds all the same.
func TestPlainConnectionsAreBelievedWhereThatIsAllowed(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	callers := make(chan string, 4)
	listener := listen(t)
	serve(t, listener, rpc.ServerConfig{Plaintext: true, PersonKey: public, Now: at(noon)}, func(s *rpc.Server) {
		feedv1.RegisterFeedServiceServer(s, feedServer{head: func(ctx context.Context) (*feedv1.HeadResponse, error) {
			callers <- rpc.Caller(ctx)
			return &feedv1.HeadResponse{}, nil
		}})
		feedv1.RegisterParkingServiceServer(s, parkingServer{})
	})
	addr := listener.Addr().String()

	ledger := dialTCP(t, addr, "ledger")
	_, err = feedv1.NewFeedServiceClient(ledger).Head(t.Context(), &feedv1.HeadRequest{})
	if err != nil || <-callers != "ledger" {
		t.Errorf("the ledger is not known: %v", err)
	}
	_, err = feedv1.NewParkingServiceClient(ledger).ListParked(t.Context(), &feedv1.ListParkedRequest{})
	if apperr.CodeOf(err) != apperr.PermissionDenied {
		t.Errorf("the ledger looks at what is parked: %v", err)
	}
	web := dialTCP(t, addr, "web", rpc.Acting(private, at(noon))...)
	_, err = feedv1.NewParkingServiceClient(web).RetryParked(as(t, "accountant"), &feedv1.RetryParkedRequest{})
	if err != nil {
		t.Errorf("an accountant at the site: %v", err)
	}
	// Two names are none.
	twice := metadata.AppendToOutgoingContext(t.Context(), "almoner-caller", "operator")
	_, err = feedv1.NewFeedServiceClient(ledger).Head(twice, &feedv1.HeadRequest{})
	if apperr.CodeOf(err) != apperr.Unauthenticated {
		t.Errorf("a caller with two names: %v", err)
	}
	_, err = rpc.Dial("donation", addr, "", nil)
	if err == nil {
		t.Error("dialled without a name")
	}
}

// Whoever asks a sibling that is down is told at once, and finds it again without
// doing anything.
func TestASiblingThatComesBackIsFoundAgain(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	addr := listener.Addr().String()
	stop := serve(t, listener, rpc.ServerConfig{Plaintext: true}, withFeed(nil))
	remote := dialTCP(t, addr, "ledger")
	err := remote.Reachable(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stop()
	_, err = feedv1.NewFeedServiceClient(remote).Head(t.Context(), &feedv1.HeadRequest{})
	if apperr.CodeOf(err) != apperr.Unavailable {
		t.Errorf("a call to nobody: %v", err)
	}
	err = remote.Reachable(t.Context())
	if apperr.CodeOf(err) != apperr.Unavailable || !strings.Contains(err.Error(), "refused") {
		t.Errorf("nobody is reachable: %v", err)
	}
	again, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, again, rpc.ServerConfig{Plaintext: true}, withFeed(nil))
	for remote.Reachable(t.Context()) != nil {
		if !remote.WaitForStateChange(t.Context(), remote.GetState()) {
			t.Fatal("the sibling is not found again")
		}
	}
	_, err = feedv1.NewFeedServiceClient(remote).Head(t.Context(), &feedv1.HeadRequest{})
	if err != nil {
		t.Errorf("after its return: %v", err)
	}
}
