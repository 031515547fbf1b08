package systemtest

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/almoner/almoner/services/internal/node"
)

// instance is a running node on a data directory: the system in one process.
type instance struct {
	t    *testing.T
	dir  string
	cfg  node.Config
	node *node.Node
	logs *lockedBuffer
	stop context.CancelFunc
	done chan error
	// more variables that it was started with.
	more []string
}

// lockedBuffer collects log lines of many goroutines.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// start opens a node on dir, on free ports, and runs it until the test ends or
// stopNow is called. More variables may be set.
func start(t *testing.T, dir string, logs *lockedBuffer, more ...string) *instance {
	t.Helper()
	i := &instance{t: t, dir: dir, logs: logs, more: more}
	i.open(t)
	t.Cleanup(i.stopNow)
	return i
}

func (i *instance) open(t *testing.T) {
	t.Helper()
	cfg, err := node.LoadConfig(append([]string{
		"ALMONER_DATA_DIR=" + i.dir, "ALMONER_HTTP_ADDR=127.0.0.1:0", "ALMONER_STRIPESIM_ADDR=127.0.0.1:0",
	}, i.more...))
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(t.Context(), cfg, node.NewLogger(i.logs, slog.LevelInfo))
	if err != nil {
		t.Fatal(err)
	}
	cfg.BaseURL = n.BaseURL()
	cfg.StripesimAddr = n.SimulatorURL()[len("http://"):]
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	i.cfg, i.node, i.stop, i.done = cfg, n, stop, make(chan error, 1)
	done := i.done
	go func() { done <- n.Run(ctx) }()
	i.waitReady()
}

func (i *instance) waitReady() {
	i.t.Helper()
	eventually(i.t, "the instance is ready", func() bool {
		status, _ := fetch(i.t, i.node.BaseURL()+"/readyz")
		return status == http.StatusOK
	})
}

// stopNow stops cleanly; a failure to do so fails the test. Twice is once.
func (i *instance) stopNow() {
	i.t.Helper()
	if i.node == nil {
		return
	}
	i.stop()
	err := <-i.done
	if err != nil {
		i.t.Errorf("run: %v", err)
	}
	err = i.node.Close()
	if err != nil {
		i.t.Errorf("close: %v", err)
	}
	i.node = nil
}

// operator works beside the instance, as the commands do.
func (i *instance) operator() *node.Operator {
	i.t.Helper()
	return operator(i.t, i.cfg)
}

func (i *instance) config() node.Config { return i.cfg }
func (i *instance) site() string        { return i.cfg.BaseURL }
func (i *instance) stripe() string      { return "http://" + i.cfg.StripesimAddr }

func (i *instance) healthOnSite() int { return http.StatusOK }

func (i *instance) health(t *testing.T) string {
	t.Helper()
	status, body := fetch(t, i.site()+"/readyz")
	if status != http.StatusOK {
		t.Errorf("/readyz answers %d", status)
	}
	return string(body)
}

func (i *instance) tell(variables ...string) { i.more = variables }

func (i *instance) processes() int { return 1 }

func (i *instance) metrics(t *testing.T) string {
	t.Helper()
	_, page := fetch(t, i.site()+"/metrics")
	return string(page)
}

func (i *instance) halt(*testing.T) { i.stopNow() }

func (i *instance) resume(t *testing.T) { i.open(t) }

func (i *instance) wipeStreams(t *testing.T) {
	t.Helper()
	err := os.RemoveAll(filepath.Join(i.dir, "nats"))
	if err != nil {
		t.Fatal(err)
	}
}

func (i *instance) loseBroker(t *testing.T) {
	t.Helper()
	i.stopNow()
	i.more = append(i.more, "ALMONER_NATS_URL=nats://"+freeAddr(t))
	i.resume(t)
}

// elsewhere are the files of all services but those that donors' names belong to.
func (i *instance) elsewhere(t *testing.T) map[string][]byte {
	t.Helper()
	home := map[string]bool{"donation.db": true, "receipt.db": true, "mail": true, "stripesim": true}
	found := map[string][]byte{"log": []byte(i.log(t))}
	err := filepath.WalkDir(i.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(i.dir, path)
		if err != nil {
			return err
		}
		top, _, _ := strings.Cut(relative, string(filepath.Separator))
		if entry.IsDir() || home[strings.TrimSuffix(strings.TrimSuffix(top, "-wal"), "-shm")] {
			return nil
		}
		found[relative], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (i *instance) log(*testing.T) string { return i.logs.String() }
