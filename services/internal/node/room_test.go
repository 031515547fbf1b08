package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/testkit"
)

// toBeKilled tells a copy of this test's program to work in its folder until it is
// killed.
const toBeKilled = "ALMONER_TEST_TO_BE_KILLED"

func TestMain(m *testing.M) {
	if os.Getenv(toBeKilled) != "" {
		fmt.Fprintln(os.Stderr, "nobody killed it:", rebuildAndBackUp())
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// rebuildAndBackUp is what is killed: a backup from within a room to derive in.
func rebuildAndBackUp() error {
	cfg, err := LoadConfig([]string{"ALMONER_DATA_DIR=data"})
	if err != nil {
		return err
	}
	o := &Operator{cfg: cfg, logger: slog.New(slog.DiscardHandler)}
	_, err = o.beside(context.Background(), "ledger", func(ctx context.Context, _ *database.DB) (feed.Rebuilt, error) {
		// The test holds the ledger's lock: from here on it waits.
		_, err := Backup(ctx, cfg, filepath.Join("backups", "tuesday"), o.logger)
		return feed.Rebuilt{}, err
	})
	return err
}

// loggedLines can be read while they are written.
type loggedLines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *loggedLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *loggedLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A backup waits behind a long write, says so, and is whole in the end. One that is
// killed leaves a folder that will never be a backup, and the next one removes it;
// so it is with the room that books are derived in, which the next start removes.
func TestWhatAKilledCommandLeftIsRemoved(t *testing.T) {
	t.Parallel()
	cfg := site(t)
	backups := filepath.Join(filepath.Dir(cfg.DataDir), "backups")
	foreign := filepath.Join(backups, "photos.partial-2025")
	err := os.MkdirAll(filepath.Join(foreign, "album"), 0o700)
	if err != nil {
		t.Fatal(err)
	}
	ledger, err := database.Open(t.Context(), database.Config{URL: "sqlite:" + filepath.Join(cfg.DataDir, "ledger.db"), Service: "ledger"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	left := func() []string {
		t.Helper()
		partial, err := filepath.Glob(filepath.Join(backups, "*.partial-*"))
		if err != nil {
			t.Fatal(err)
		}
		rebuild, err := filepath.Glob(filepath.Join(cfg.DataDir, "almoner-rebuild-*"))
		if err != nil {
			t.Fatal(err)
		}
		return append(partial, rebuild...)
	}

	logs := &loggedLines{}
	logger := slog.New(slog.NewTextHandler(logs, nil))
	begun, end, written := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		written <- ledger.InTx(t.Context(), func(context.Context, *database.Tx) error {
			close(begun)
			<-end
			return nil
		})
	}()
	<-begun
	itself, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	killed := exec.CommandContext(t.Context(), itself)
	killed.Env, killed.Dir = append(os.Environ(), toBeKilled+"=1"), filepath.Dir(cfg.DataDir)
	killed.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said bytes.Buffer
	killed.Stderr = &said
	err = killed.Start()
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() bool { return len(left()) == 3 })
	aged := time.Now().Add(2 * roomAge)
	clearRooms(t.Context(), backups, backupRooms, aged, logger)
	clearRooms(t.Context(), cfg.DataDir, rebuildRooms, aged, logger)
	if now := left(); len(now) != 3 {
		t.Fatalf("of those that are being filled, %v are left", now)
	}
	err = killed.Process.Kill()
	if err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait() // killed, as wanted
	if len(left()) != 3 {
		t.Fatalf("it was not killed in the middle: %s", said.String())
	}
	// The same day it may be another machine's, which shares the folder and not the lock.
	clearRooms(t.Context(), backups, backupRooms, time.Now(), logger)
	if len(left()) != 3 {
		t.Errorf("what is young is removed, left are %v", left())
	}
	ago := time.Now().Add(-2 * roomAge)
	for _, room := range left() {
		entries, err := os.ReadDir(room)
		for _, entry := range entries {
			err = errors.Join(err, os.Chtimes(filepath.Join(room, entry.Name()), ago, ago))
		}
		err = errors.Join(err, os.Chtimes(room, ago, ago))
		if err != nil {
			t.Fatal(err)
		}
	}

	ended := make(chan error, 1)
	to := filepath.Join(backups, "wednesday")
	go func() {
		_, err := Backup(t.Context(), cfg, to, logger)
		ended <- err
	}()
	testkit.Eventually(t, func() bool {
		return strings.Contains(logs.String(), "the backup begins when that has ended") && strings.Contains(logs.String(), "database=ledger")
	})
	close(end)
	for _, result := range []chan error{written, ended} {
		err = <-result
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = ReadBackup(to)
	if err != nil {
		t.Error(err)
	}
	cfg.HTTPAddr, cfg.StripesimAddr = "127.0.0.1:0", "127.0.0.1:0"
	instance, err := Open(t.Context(), cfg, logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = instance.Close() })
	if now := left(); len(now) != 1 || now[0] != foreign {
		t.Errorf("left are %v", now)
	}
	if count := strings.Count(logs.String(), "what it left is removed"); count != 2 {
		t.Errorf("it is said %d times:\n%s", count, logs.String())
	}
}
