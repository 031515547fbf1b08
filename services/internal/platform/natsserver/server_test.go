package natsserver_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/almoner/almoner/services/internal/platform/natsserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, dir string) *natsserver.Server {
	t.Helper()
	server, err := natsserver.Start(natsserver.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

func streams(t *testing.T, server *natsserver.Server) jetstream.JetStream {
	t.Helper()
	conn, err := server.Connect("ledger")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func TestStreamsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "nats")
	first := start(t, dir)
	js := streams(t, first)
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "GIFTS", Subjects: []string{"gifts"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = js.Publish(t.Context(), "gifts", []byte("25.00 EUR"))
	if err != nil {
		t.Fatal(err)
	}
	js.Conn().Close()
	err = first.Close()
	if err != nil {
		t.Fatal(err)
	}
	again, err := streams(t, start(t, dir)).Stream(t.Context(), "GIFTS")
	if err != nil {
		t.Fatal(err)
	}
	if again.CachedInfo().State.Msgs != 1 {
		t.Errorf("%d messages after the restart", again.CachedInfo().State.Msgs)
	}
}

// A dozen streams of 4 GiB each must be possible on any disk: the limit is a
// bound, not a reservation.
func TestLimitsDoNotReserveTheDisk(t *testing.T) {
	t.Parallel()
	js := streams(t, start(t, t.TempDir()))
	for _, name := range strings.Split("ABCDEFGHIJKL", "") {
		_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{name}, MaxBytes: 4 << 30})
		if err != nil {
			t.Fatalf("stream %s: %v", name, err)
		}
	}
}

func TestAnUnreadableStoreIsPutAside(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	dir := filepath.Join(parent, "nats")
	// A file stands where the server wants a folder.
	err := os.MkdirAll(dir, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	err = os.WriteFile(filepath.Join(dir, "jetstream"), []byte("torn"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	js := streams(t, start(t, dir))
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "GIFTS", Subjects: []string{"gifts"}})
	if err != nil {
		t.Error(err)
	}
	kept, err := filepath.Glob(filepath.Join(parent, "nats.unreadable-*", "jetstream"))
	if err != nil || len(kept) != 1 {
		t.Errorf("kept aside: %v, %v", kept, err)
	}
}
