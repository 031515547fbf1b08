package systemtest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/audit"
	"github.com/almoner/almoner/services/internal/demo"
	"github.com/almoner/almoner/services/internal/node"
)

// instance is a running node on a data directory.
type instance struct {
	t    *testing.T
	cfg  node.Config
	node *node.Node
	logs *lockedBuffer
	stop context.CancelFunc
	done chan error
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
	cfg, err := node.LoadConfig(append([]string{
		"ALMONER_DATA_DIR=" + dir, "ALMONER_HTTP_ADDR=127.0.0.1:0", "ALMONER_STRIPESIM_ADDR=127.0.0.1:0",
	}, more...))
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(t.Context(), cfg, node.NewLogger(logs, slog.LevelInfo))
	if err != nil {
		t.Fatal(err)
	}
	cfg.BaseURL = n.BaseURL()
	cfg.StripesimAddr = n.SimulatorURL()[len("http://"):]
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	i := &instance{t: t, cfg: cfg, node: n, logs: logs, stop: stop, done: make(chan error, 1)}
	go func() { i.done <- n.Run(ctx) }()
	t.Cleanup(i.stopNow)
	i.waitReady()
	return i
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

func operator(t *testing.T, cfg node.Config) *node.Operator {
	t.Helper()
	o, err := node.OpenOperator(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := o.Close()
		if err != nil {
			t.Errorf("close operator: %v", err)
		}
	})
	return o
}

// give plays the demo and requires that every gift ended where it should.
func give(t *testing.T, o *node.Operator) demo.Result {
	t.Helper()
	result, err := demo.New(demo.Config{BaseURL: o.BaseURL(), SimulatorURL: o.SimulatorURL(), Conn: o.Conn()}).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !result.OK {
		var table bytes.Buffer
		_ = result.WriteTable(&table)
		t.Fatalf("the demo found differences:\n%s", table.String())
	}
	return result
}

// agree audits and requires that everything has arrived and nothing differs.
func agree(t *testing.T, o *node.Operator) audit.Report {
	t.Helper()
	report, err := audit.New(o.Conn()).Run(t.Context(), 60*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if report.ExitCode() != 0 {
		var table bytes.Buffer
		_ = report.WriteTable(&table)
		t.Fatalf("the audit does not agree:\n%s", table.String())
	}
	return report
}

func fetch(t *testing.T, address string) (status int, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil // not up yet, or dead: the caller decides what that means
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil
	}
	return resp.StatusCode, body
}

// truth is Stripe's side of the story.
type truth struct {
	PaymentIntents []struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	} `json:"payment_intents"`
	Sessions []struct {
		ID string `json:"id"`
	} `json:"checkout_sessions"`
}

func truthAt(t *testing.T, simulatorURL string) truth {
	t.Helper()
	status, body := fetch(t, simulatorURL+"/_sim/truth")
	if status != http.StatusOK {
		t.Fatalf("the simulator's truth answers %d", status)
	}
	var told truth
	err := json.Unmarshal(body, &told)
	if err != nil {
		t.Fatal(err)
	}
	return told
}

func (tr truth) paid() int {
	n := 0
	for _, intent := range tr.PaymentIntents {
		if intent.Status == "succeeded" {
			n++
		}
	}
	return n
}

// eventually looks until it is true, or fails after 30 s.
func eventually(t *testing.T, what string, look func() bool) {
	t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !look() {
		select {
		case <-deadline.C:
			t.Fatalf("not within 30 s: %s", what)
		case <-tick.C:
		}
	}
}
