package systemtest

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/demo"
	"github.com/almoner/almoner/services/internal/node"
)

// kill -9 in the middle of gifts, six times. What Stripe took must be counted,
// booked and receipted after the restart, and once.
func TestKilledSixTimesInTheMiddleOfGifts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	binary := filepath.Join(dir, "almoner")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/almoner/almoner/services/cmd/almoner")
	out, err := build.CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	cfg, err := node.LoadConfig([]string{
		"ALMONER_DATA_DIR=" + filepath.Join(dir, "data"), "ALMONER_HTTP_ADDR=" + freeAddr(t), "ALMONER_STRIPESIM_ADDR=" + freeAddr(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg.BaseURL = "http://" + cfg.HTTPAddr

	child := launch(t, binary, cfg)
	o := operator(t, cfg)
	for round := range 6 {
		paidBefore := truthAt(t, o.SimulatorURL()).paid()
		ctx, giveUp := context.WithCancel(t.Context())
		played := make(chan struct{})
		go func() {
			defer close(played)
			// It must fail, for the process dies under it.
			_, _ = demo.New(demo.Config{BaseURL: o.BaseURL(), SimulatorURL: o.SimulatorURL(), Conn: o.Conn()}).Run(ctx)
		}()
		// Each round strikes a little later in the flow of payments: while money
		// is taken, webhooks are under way and effects are being written.
		eventually(t, "enough gifts are paid", func() bool {
			_, body := fetch(t, o.SimulatorURL()+"/_sim/truth")
			return body != nil && truthAt(t, o.SimulatorURL()).paid() >= paidBefore+1+2*round%7
		})
		err := child.Process.Signal(syscall.SIGKILL)
		if err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // killed, as wanted
		giveUp()
		<-played
		child = launch(t, binary, cfg)
		agree(t, o)
		if paid, counted := truthAt(t, o.SimulatorURL()).paid(), gifts(t, o); paid != counted {
			t.Fatalf("round %d: Stripe took %d payments, %d gifts are counted", round, paid, counted)
		}
	}
	result := give(t, o)
	if len(result.Audit.Stripe) == 0 {
		t.Error("the audit compared nothing with Stripe")
	}
}

func launch(t *testing.T, binary string, cfg node.Config) *exec.Cmd {
	t.Helper()
	child := exec.Command(binary, "run")
	child.Env = append(os.Environ(), "ALMONER_DATA_DIR="+cfg.DataDir, "ALMONER_HTTP_ADDR="+cfg.HTTPAddr, "ALMONER_STRIPESIM_ADDR="+cfg.StripesimAddr)
	logs := &lockedBuffer{}
	child.Stderr = logs
	// It must not outlive the test, however the test ends.
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err := child.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Process.Kill() // it may be dead already
		_ = child.Wait()
		if t.Failed() {
			t.Logf("log of process %d:\n%s", child.Process.Pid, logs.String())
		}
	})
	deadline := time.Now().Add(30 * time.Second)
	eventually(t, "the program is ready", func() bool {
		status, _ := fetch(t, cfg.BaseURL+"/readyz")
		return status == http.StatusOK || time.Now().After(deadline)
	})
	return child
}

// freeAddr is an address that nobody listens on now. The process must come back
// to the same one after each kill, so it cannot choose for itself.
func freeAddr(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
