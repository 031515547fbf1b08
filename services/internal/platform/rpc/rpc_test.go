package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// feedServer answers with what a test gives it.
type feedServer struct {
	feedv1.UnimplementedFeedServiceServer
	head func(context.Context) (*feedv1.HeadResponse, error)
}

func (s feedServer) Head(ctx context.Context, _ *feedv1.HeadRequest) (*feedv1.HeadResponse, error) {
	if s.head == nil {
		return &feedv1.HeadResponse{Pos: 7}, nil
	}
	return s.head(ctx)
}

type parkingServer struct {
	feedv1.UnimplementedParkingServiceServer
}

func (parkingServer) ListParked(context.Context, *feedv1.ListParkedRequest) (*feedv1.ListParkedResponse, error) {
	return &feedv1.ListParkedResponse{}, nil
}

func (parkingServer) RetryParked(context.Context, *feedv1.RetryParkedRequest) (*feedv1.RetryParkedResponse, error) {
	return &feedv1.RetryParkedResponse{}, nil
}

type ledgerServer struct {
	ledgerv1.UnimplementedLedgerServiceServer
	export func(grpc.ServerStreamingServer[ledgerv1.ExportJournalResponse]) error
}

func (s ledgerServer) ExportJournal(_ *ledgerv1.ExportJournalRequest, stream grpc.ServerStreamingServer[ledgerv1.ExportJournalResponse]) error {
	return s.export(stream)
}

// process is a server that runs, the network to it and what it logged.
type process struct {
	network *rpc.Network
	stop    context.CancelFunc
	stopped chan error
	log     *lockedBuffer
}

func start(t *testing.T, config rpc.ServerConfig, register func(*rpc.Server)) *process {
	t.Helper()
	p := &process{network: rpc.NewNetwork(), stopped: make(chan error, 1), log: &lockedBuffer{}}
	config.Logger = slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	server := rpc.NewServer(config)
	register(server)
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	go func() { p.stopped <- server.Serve(ctx, p.network); close(p.stopped) }()
	t.Cleanup(func() {
		cancel()
		<-p.stopped
		p.network.Close()
	})
	return p
}

func (p *process) dial(t *testing.T, caller string, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := p.network.Dial(caller, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func withFeed(head func(context.Context) (*feedv1.HeadResponse, error)) func(*rpc.Server) {
	return func(s *rpc.Server) { feedv1.RegisterFeedServiceServer(s, feedServer{head: head}) }
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	const short = 50 * time.Millisecond
	deadlines := make(chan time.Duration, 2) // of each call
	p := start(t, rpc.ServerConfig{}, withFeed(func(ctx context.Context) (*feedv1.HeadResponse, error) {
		at, bounded := ctx.Deadline()
		if !bounded {
			return nil, errors.New("no deadline")
		}
		deadlines <- time.Until(at)
		<-ctx.Done()
		return nil, ctx.Err()
	}))
	client := feedv1.NewFeedServiceClient(p.dial(t, "ledger"))

	ctx, cancel := context.WithTimeout(t.Context(), short)
	defer cancel()
	_, err := client.Head(ctx, &feedv1.HeadRequest{})
	if apperr.CodeOf(err) != apperr.DeadlineExceeded || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after its deadline the call gave %v", err)
	}

	// Without one the handler still gets an end, and the caller may give up.
	ctx, cancel = context.WithCancel(t.Context())
	called := make(chan error, 1)
	go func() {
		_, err := client.Head(ctx, &feedv1.HeadRequest{})
		called <- err
	}()
	left := <-deadlines
	if left <= short { // the first call's; on a busy machine it ends before it is heard
		left = <-deadlines
	}
	if left > 20*time.Second || left < 10*time.Second {
		t.Errorf("a call without deadline ends in %s, want 20 s", left)
	}
	cancel()
	err = <-called
	if apperr.CodeOf(err) != apperr.Canceled || !errors.Is(err, context.Canceled) {
		t.Errorf("after giving up the call gave %v", err)
	}
}

func TestCallWaitsForAServerThatStartsLater(t *testing.T) {
	t.Parallel()
	network := rpc.NewNetwork()
	defer network.Close()
	conn, err := network.Dial("ledger")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answered := make(chan error, 1)
	go func() {
		_, err := feedv1.NewFeedServiceClient(conn).Head(t.Context(), &feedv1.HeadRequest{})
		answered <- err
	}()

	server := rpc.NewServer(rpc.ServerConfig{})
	feedv1.RegisterFeedServiceServer(server, feedServer{})
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(ctx, network) }()
	err = <-answered
	if err != nil {
		t.Errorf("the early call failed: %v", err)
	}
	cancel()
	err = <-stopped
	if err != nil {
		t.Errorf("stopping: %v", err)
	}

	network.Close()
	_, err = feedv1.NewFeedServiceClient(conn).Head(t.Context(), &feedv1.HeadRequest{})
	if apperr.CodeOf(err) != apperr.Unavailable {
		t.Errorf("without a network the call gave %v", err)
	}
	err = rpc.NewServer(rpc.ServerConfig{}).Serve(t.Context(), network)
	if err == nil {
		t.Error("served on a closed network")
	}
}

func TestStreamErrorsAreRebuiltToo(t *testing.T) {
	t.Parallel()
	locked := apperr.New(apperr.FailedPrecondition, "PERIOD_OPEN", "The period is still open.")
	p := start(t, rpc.ServerConfig{}, func(s *rpc.Server) {
		ledgerv1.RegisterLedgerServiceServer(s, ledgerServer{export: func(stream grpc.ServerStreamingServer[ledgerv1.ExportJournalResponse]) error {
			if rpc.Caller(stream.Context()) == "operator" {
				err := stream.Send(&ledgerv1.ExportJournalResponse{})
				if err != nil {
					return err
				}
			}
			return fmt.Errorf("export: %w", locked)
		}})
	})
	stream, err := ledgerv1.NewLedgerServiceClient(p.dial(t, "operator")).ExportJournal(t.Context(), &ledgerv1.ExportJournalRequest{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	if err != nil {
		t.Fatalf("first message: %v", err)
	}
	_, err = stream.Recv()
	if !errors.Is(err, locked) {
		t.Errorf("the stream ended with %v", err)
	}

	denied, err := ledgerv1.NewLedgerServiceClient(p.dial(t, "stranger")).ExportJournal(t.Context(), &ledgerv1.ExportJournalRequest{})
	if err == nil {
		_, err = denied.Recv()
	}
	if apperr.CodeOf(err) != apperr.PermissionDenied {
		t.Errorf("a stranger's stream ended with %v", err)
	}
}

func TestStreamThatEndsWellEndsWithEOF(t *testing.T) {
	t.Parallel()
	p := start(t, rpc.ServerConfig{}, func(s *rpc.Server) {
		ledgerv1.RegisterLedgerServiceServer(s, ledgerServer{export: func(stream grpc.ServerStreamingServer[ledgerv1.ExportJournalResponse]) error {
			return stream.Send(&ledgerv1.ExportJournalResponse{})
		}})
	})
	stream, err := ledgerv1.NewLedgerServiceClient(p.dial(t, "operator")).ExportJournal(t.Context(), &ledgerv1.ExportJournalRequest{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = stream.Header()
	if err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	if err != io.EOF { //nolint:errorlint // generated clients compare with ==, so wrapping would break them
		t.Errorf("the stream ended with %v, want io.EOF itself", err)
	}
}

// Stopping ends streams, which have no end of their own, and lets a call that
// has begun finish.
func TestStopIsClean(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}, 2), make(chan struct{})
	p := start(t, rpc.ServerConfig{}, func(s *rpc.Server) {
		feedv1.RegisterFeedServiceServer(s, feedServer{head: func(context.Context) (*feedv1.HeadResponse, error) {
			entered <- struct{}{}
			<-release
			return &feedv1.HeadResponse{Pos: 7}, nil
		}})
		ledgerv1.RegisterLedgerServiceServer(s, ledgerServer{export: func(stream grpc.ServerStreamingServer[ledgerv1.ExportJournalResponse]) error {
			entered <- struct{}{}
			<-stream.Context().Done()
			return stream.Context().Err()
		}})
	})
	conn := p.dial(t, "operator")
	finished := make(chan error, 1)
	go func() {
		_, err := feedv1.NewFeedServiceClient(conn).Head(t.Context(), &feedv1.HeadRequest{})
		finished <- err
	}()
	stream, err := ledgerv1.NewLedgerServiceClient(conn).ExportJournal(t.Context(), &ledgerv1.ExportJournalRequest{})
	if err != nil {
		t.Fatal(err)
	}
	<-entered
	<-entered

	p.stop()
	_, err = stream.Recv()
	if !errors.Is(err, apperr.New(apperr.Unavailable, "STOPPING", "")) {
		t.Errorf("the stream ended with %v", err)
	}
	close(release)
	err = <-finished
	if err != nil {
		t.Errorf("the call that had begun failed: %v", err)
	}
	err = <-p.stopped
	if strings.Contains(p.log.String(), "level=ERROR") {
		t.Errorf("stopping is told as a fault:\n%s", p.log)
	}
	if err != nil {
		t.Errorf("stopping: %v", err)
	}
}

func TestCallThatOutlivesTheGraceIsCut(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	p := start(t, rpc.ServerConfig{Grace: 20 * time.Millisecond}, withFeed(func(ctx context.Context) (*feedv1.HeadResponse, error) {
		close(entered)
		<-ctx.Done()
		return nil, ctx.Err()
	}))
	client := feedv1.NewFeedServiceClient(p.dial(t, "ledger"))
	finished := make(chan error, 1)
	go func() {
		_, err := client.Head(t.Context(), &feedv1.HeadRequest{})
		finished <- err
	}()
	<-entered
	p.stop()
	err := <-finished
	if apperr.CodeOf(err) != apperr.Unavailable {
		t.Errorf("the call that was cut gave %v, want unavailable", err)
	}
}

func TestTraceGoesOnAcrossTheCall(t *testing.T) {
	t.Parallel()
	provider := sdktrace.NewTracerProvider()
	seen := make(chan trace.SpanContext, 1)
	p := start(t, rpc.ServerConfig{Tracer: provider}, withFeed(func(ctx context.Context) (*feedv1.HeadResponse, error) {
		seen <- trace.SpanContextFromContext(ctx)
		return &feedv1.HeadResponse{}, nil
	}))
	ctx, span := provider.Tracer("test").Start(t.Context(), "give")
	defer span.End()
	conn := p.dial(t, "ledger", rpc.Traced(provider, propagation.TraceContext{}))
	_, err := feedv1.NewFeedServiceClient(conn).Head(ctx, &feedv1.HeadRequest{})
	if err != nil {
		t.Fatal(err)
	}
	there := <-seen
	if there.TraceID() != span.SpanContext().TraceID() || there.SpanID() == span.SpanContext().SpanID() {
		t.Errorf("the handler ran in %s, the caller in %s", there.TraceID(), span.SpanContext().TraceID())
	}
}

// A process that answers for several services says whose each span is; one that
// reads a feed is told nobody's, for only the request would say.
func TestSpansOfAnswersAreOfWhoWasAsked(t *testing.T) {
	t.Parallel()
	recorded := map[string]*tracetest.SpanRecorder{"ledger": tracetest.NewSpanRecorder(), "receipt": tracetest.NewSpanRecorder(), "others": tracetest.NewSpanRecorder()}
	provider := map[string]trace.TracerProvider{}
	for name, recorder := range recorded {
		provider[name] = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	}
	p := start(t, rpc.ServerConfig{Tracer: rpc.PerService(map[string]trace.TracerProvider{"ledger": provider["ledger"], "receipt": provider["receipt"]}, provider["others"])},
		func(s *rpc.Server) {
			feedv1.RegisterFeedServiceServer(s, feedServer{})
			ledgerv1.RegisterLedgerServiceServer(s, ledgerServer{})
		})
	_, err := feedv1.NewFeedServiceClient(p.dial(t, "ledger")).Head(t.Context(), &feedv1.HeadRequest{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = ledgerv1.NewLedgerServiceClient(p.dial(t, "operator")).SumBooks(t.Context(), &ledgerv1.SumBooksRequest{})
	if err == nil {
		t.Fatal("a ledger that answers nothing answered")
	}
	p.stop()
	<-p.stopped // spans have ended
	for name, want := range map[string]string{"ledger": "almoner.ledger.v1.LedgerService/SumBooks", "receipt": "", "others": "almoner.feed.v1.FeedService/Head"} {
		var got []string
		for _, span := range recorded[name].Ended() {
			got = append(got, span.Name())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s has the spans %q, want %q", name, got, want)
		}
	}
}

// lockedBuffer collects log lines of several goroutines.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
