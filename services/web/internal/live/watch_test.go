package live_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"

	"google.golang.org/grpc"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/web/internal/live"
)

// teller is a fundraiser service whose stream says what the test wants.
type teller struct {
	fundraiserv1.UnimplementedFundraiserServiceServer
	streams chan chan *fundraiserv1.WatchTotalsResponse
}

func (s *teller) WatchTotals(_ *fundraiserv1.WatchTotalsRequest, stream grpc.ServerStreamingServer[fundraiserv1.WatchTotalsResponse]) error {
	messages := make(chan *fundraiserv1.WatchTotalsResponse)
	select {
	case s.streams <- messages:
	case <-stream.Context().Done():
		return stream.Context().Err()
	}
	for {
		select {
		case <-stream.Context().Done():
			return stream.Context().Err()
		case message, more := <-messages:
			if !more {
				return apperr.New(apperr.Unavailable, "GONE", "The service is restarting.")
			}
			err := stream.Send(message)
			if err != nil {
				return err
			}
		}
	}
}

func start(t *testing.T) (*live.Watch, *teller) {
	t.Helper()
	network := rpc.NewNetwork()
	server := rpc.NewServer(rpc.ServerConfig{})
	service := &teller{streams: make(chan chan *fundraiserv1.WatchTotalsResponse)}
	fundraiserv1.RegisterFundraiserServiceServer(server, service)
	conn, err := network.Dial("web")
	if err != nil {
		t.Fatal(err)
	}
	watch := live.New(fundraiserv1.NewFundraiserServiceClient(conn), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(ctx, network) })
	running.Go(func() {
		err := watch.Run(ctx)
		if err != nil {
			t.Errorf("watch: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait(); _ = conn.Close(); network.Close() })
	return watch, service
}

func totals(appeal, page string, minor, gifts, asOf int64) *fundraiserv1.WatchedTotals {
	return &fundraiserv1.WatchedTotals{
		AppealSlug: appeal, FundraiserSlug: page,
		Totals: &fundraiserv1.Totals{SettledMinor: minor, Gifts: gifts, AsOf: asOf},
	}
}

func says(revision int64, changed ...*fundraiserv1.WatchedTotals) *fundraiserv1.WatchTotalsResponse {
	return &fundraiserv1.WatchTotalsResponse{Changed: changed, CatalogueRevision: revision}
}

var (
	flood = live.Key{Appeal: "river-floods"}
	amina = live.Key{Fundraiser: "amina-runs"}
	home  = live.Key{}
)

// follows waits until the watch knows what a page has raised.
func follows(t *testing.T, w *live.Watch, key live.Key, minor int64) {
	t.Helper()
	testkit.Eventually(t, func() bool { now, known := w.Totals(key); return known && now.SettledMinor == minor })
}

func stamp(t *testing.T, w *live.Watch, key live.Key) live.Stamp {
	t.Helper()
	s, ok := w.Stamp(key)
	if !ok {
		t.Fatalf("no stamp of %v", key)
	}
	return s
}

func TestAGiftToAPageMakesItsAppealsPageOldAndNoOther(t *testing.T) {
	t.Parallel()
	w, service := start(t)
	if _, ok := w.Stamp(flood); ok {
		t.Error("a stamp was given before anything was known")
	}
	stream := <-service.streams
	stream <- says(1, totals("river-floods", "", 500_00, 9, 40), totals("river-floods", "amina-runs", 100_00, 2, 40), totals("schools", "", 0, 0, 0))
	follows(t, w, amina, 100_00)
	before := map[live.Key]live.Stamp{flood: stamp(t, w, flood), amina: stamp(t, w, amina), home: stamp(t, w, home)}
	schools := stamp(t, w, live.Key{Appeal: "schools"})

	stream <- says(1, totals("river-floods", "amina-runs", 125_00, 3, 41))
	follows(t, w, amina, 125_00)
	for key, was := range before {
		if stamp(t, w, key) == was {
			t.Errorf("%v is still taken for new", key)
		}
	}
	if stamp(t, w, live.Key{Appeal: "schools"}) != schools {
		t.Error("another appeal's page was drawn again for nothing")
	}

	stream <- says(2)
	testkit.Eventually(t, func() bool { return stamp(t, w, live.Key{Appeal: "schools"}) != schools })
}

func TestWithoutTheStreamNothingIsTakenForNew(t *testing.T) {
	t.Parallel()
	w, service := start(t)
	stream := <-service.streams
	stream <- says(1, totals("river-floods", "", 500_00, 9, 40))
	follows(t, w, flood, 500_00)
	before := stamp(t, w, flood)

	close(stream)
	testkit.Eventually(t, func() bool { _, ok := w.Stamp(flood); return !ok })
	if _, known := w.Totals(flood); known {
		t.Error("old totals are told as the newest")
	}
	// The same figures again: but what happened in between, nobody knows.
	stream = <-service.streams
	stream <- says(1, totals("river-floods", "", 500_00, 9, 40))
	follows(t, w, flood, 500_00)
	if stamp(t, w, flood) == before {
		t.Error("a page from before the break is taken for new")
	}
}

func TestListenersHearTheNewest(t *testing.T) {
	t.Parallel()
	w, service := start(t)
	stream := <-service.streams
	stream <- says(1, totals("river-floods", "", 500_00, 9, 40))
	follows(t, w, flood, 500_00)

	late, err := w.Listen(flood, 0)
	if err != nil {
		t.Fatal(err)
	}
	knowing, err := w.Listen(flood, 40)
	if err != nil {
		t.Fatal(err)
	}
	if got := <-late.News(); got.SettledMinor != 500_00 {
		t.Errorf("who comes without a position hears %v", got)
	}
	select {
	case got := <-knowing.News():
		t.Errorf("who knew it already hears %v again", got)
	default:
	}

	// Nobody fetches while a thousand gifts arrive; one value is kept.
	for i := range int64(1000) {
		stream <- says(1, totals("river-floods", "", 500_00+i+1, 10+i, 41+i))
	}
	follows(t, w, flood, 51_000)
	for _, l := range []*live.Listener{late, knowing} {
		if got := <-l.News(); got.AsOf != 1040 {
			t.Errorf("heard %v first", got)
		}
		l.Close()
		l.Close() // twice is once
	}
	stream <- says(1, totals("river-floods", "", 1, 1, 3)) // older than what is known
	stream <- says(1, totals("river-floods", "", 2, 2, 2000))
	follows(t, w, flood, 2)
}

func TestAThousandListenAndLeave(t *testing.T) {
	t.Parallel()
	w, service := start(t)
	stream := <-service.streams
	stream <- says(1, totals("river-floods", "", 0, 0, 0))
	follows(t, w, flood, 0)
	var listeners []*live.Listener
	for {
		l, err := w.Listen(flood, 0)
		if errors.Is(err, live.ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, l)
	}
	stream <- says(1, totals("river-floods", "", 7, 1, 1))
	for _, l := range listeners {
		if got := <-l.News(); got.SettledMinor != 7 {
			t.Fatalf("heard %v", got)
		}
		l.Close()
	}
	again, err := w.Listen(flood, 0)
	if err != nil {
		t.Fatalf("after all have left: %v", err)
	}
	again.Close()
}
