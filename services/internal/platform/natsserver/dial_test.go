package natsserver_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/almoner/almoner/services/internal/platform/natsserver"
	"github.com/almoner/almoner/services/internal/testkit"
)

func TestAServerThatIsDownDoesNotBlock(t *testing.T) {
	t.Parallel()
	conn, err := natsserver.Dial(natsserver.DialConfig{URLs: closedPort(t), Name: "ledger"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if conn.IsConnected() {
		t.Error("connected to nothing")
	}
	err = conn.Publish("gifts", []byte("25.00 EUR"))
	if !errors.Is(err, nats.ErrReconnectBufExceeded) {
		t.Errorf("publishing gave %v; it must not be held back for later", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	_, err = js.Stream(ctx, "GIFTS")
	if err == nil {
		t.Error("a stream was found")
	}
}

// A process with one service names a file, one with several a directory.
func TestEachServiceConnectsWithItsOwnKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	users, err := natsserver.WriteKeys(dir, []natsserver.User{{Name: "donation"}, {Name: "ledger"}})
	if err != nil {
		t.Fatal(err)
	}
	for credentials, key := range map[string]string{
		dir:                               users[1].PublicKey,
		filepath.Join(dir, "ledger.nk"):   users[1].PublicKey,
		filepath.Join(dir, "donation.nk"): users[0].PublicKey, // a file is taken at its word
	} {
		conn, err := natsserver.Dial(natsserver.DialConfig{URLs: closedPort(t), Name: "ledger", Credentials: credentials})
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if conn.Opts.Nkey != key {
			t.Errorf("%s: the key is %q", credentials, conn.Opts.Nkey)
		}
	}
}

// What can be seen to be wrong is said at once; a connection would fail because
// of it for ever, in the background.
func TestWrongFilesAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken")
	err := os.WriteFile(broken, []byte("not what was expected"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for name, wrong := range map[string]struct {
		cfg  natsserver.DialConfig
		want string
	}{
		"no such credentials":       {natsserver.DialConfig{Credentials: filepath.Join(dir, "nowhere")}, "read credentials"},
		"no key of this service":    {natsserver.DialConfig{Credentials: dir}, "ledger.nk"},
		"credentials that are none": {natsserver.DialConfig{Credentials: broken}, "read nkey seed"},
		"no such authority":         {natsserver.DialConfig{CA: filepath.Join(dir, "nowhere")}, "read certificate authorities"},
		"an authority that is none": {natsserver.DialConfig{CA: broken}, "holds no certificate"},
	} {
		wrong.cfg.URLs, wrong.cfg.Name = closedPort(t), "ledger"
		_, err := natsserver.Dial(wrong.cfg)
		if err == nil || !strings.Contains(err.Error(), wrong.want) || strings.Contains(err.Error(), "not what was expected") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// With an authority, TLS is used whatever the address says: a server that speaks
// without it is not spoken to.
func TestAnAuthorityMeansEncryption(t *testing.T) {
	t.Parallel()
	conn, err := natsserver.Dial(natsserver.DialConfig{URLs: closedPort(t), Name: "ledger", CA: testkit.NewAuthority(t).File()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if !conn.Opts.Secure {
		t.Error("the connection would be plain")
	}
}

// closedPort returns the address of a port where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return "nats://" + listener.Addr().String()
}
