package testkit

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/almoner/almoner/services/internal/platform/natsserver"
)

// NATS returns a connection to a NATS server of the test's own, with JetStream
// in a temporary folder.
func NATS(t testing.TB) *nats.Conn {
	t.Helper()
	embedded, err := natsserver.Start(natsserver.Config{Dir: filepath.Join(t.TempDir(), "nats")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = embedded.Close() })
	conn, err := embedded.Connect("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// Broker is a NATS server that a test takes down and brings back. Its
// connections find it again by themselves, as they would over a network.
type Broker struct {
	dir     string
	mu      sync.Mutex
	running *server.Server // nil while it is down
}

// NewBroker returns a broker that is down. What it stored outlives Stop.
func NewBroker(t testing.TB) *Broker {
	t.Helper()
	b := &Broker{dir: filepath.Join(t.TempDir(), "nats")}
	t.Cleanup(b.Stop)
	return b
}

// Start brings the broker up.
func (b *Broker) Start(t testing.TB) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running != nil {
		return
	}
	started, err := server.NewServer(&server.Options{
		DontListen: true, JetStream: true, StoreDir: b.dir, JetStreamMaxStore: 1 << 40, NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	started.Start()
	if !started.ReadyForConnections(eventually) {
		t.Fatal("NATS is not ready")
	}
	b.running = started
}

// Stop takes the broker down; its connections are cut.
func (b *Broker) Stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running == nil {
		return
	}
	b.running.Shutdown()
	b.running.WaitForShutdown()
	b.running = nil
}

// Save copies what the broker, which is down, has stored, and returns how to put
// it back: as a power cut or a restored disk loses what came later.
func (b *Broker) Save(t testing.TB) (putBack func()) {
	t.Helper()
	saved := filepath.Join(t.TempDir(), "nats")
	b.copy(t, b.dir, saved)
	return func() {
		err := os.RemoveAll(b.dir)
		if err != nil {
			t.Fatal(err)
		}
		b.copy(t, saved, b.dir)
	}
}

func (b *Broker) copy(t testing.TB, from, to string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running != nil {
		t.Fatal("the broker is up")
	}
	err := os.CopyFS(to, os.DirFS(from))
	if err != nil {
		t.Fatal(err)
	}
}

// InProcessConn is how nats.go dials a server in its own process.
func (b *Broker) InProcessConn() (net.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running == nil {
		return nil, errors.New("the broker is down")
	}
	return b.running.InProcessConn()
}

// Connect opens a connection, also while the broker is down.
func (b *Broker) Connect(t testing.TB, name string) *nats.Conn {
	t.Helper()
	return ConnectThrough(t, name, b)
}

// ConnectThrough opens a connection to whatever the provider leads to.
func ConnectThrough(t testing.TB, name string, provider nats.InProcessConnProvider) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect("", nats.Name(name), nats.InProcessServer(provider), nats.MaxReconnects(-1),
		nats.ReconnectBufSize(-1), nats.RetryOnFailedConnect(true), nats.ReconnectWait(5*time.Millisecond),
		nats.ReconnectJitter(time.Millisecond, time.Millisecond), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}
