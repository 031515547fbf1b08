package testkit

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// ListeningNATS starts a NATS server with JetStream that processes and connections
// of any kind reach at the URL that it returns.
func ListeningNATS(t testing.TB) string {
	t.Helper()
	started, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: filepath.Join(t.TempDir(), "nats"),
		JetStreamMaxStore: 1 << 40, NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	started.Start()
	t.Cleanup(func() {
		started.Shutdown()
		started.WaitForShutdown()
	})
	if !started.ReadyForConnections(eventually) {
		t.Fatal("NATS is not ready")
	}
	return started.ClientURL()
}

// FreeAddress is a loopback address that nobody listens on. Somebody else may take
// it before the test does, which is rare: the system hands out another each time.
func FreeAddress(t testing.TB) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	err = listener.Close()
	if err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}
