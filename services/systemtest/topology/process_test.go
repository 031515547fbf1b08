package topology

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary be a launcher that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("TOPOLOGY_TEST_LAUNCHER"); dir != "" {
		p := shell(dir, "sleep 600")
		err := p.start(context.Background())
		if err != nil {
			os.Exit(1)
		}
		os.Stdout.WriteString(strconv.Itoa(p.pid()) + "\n")
		select {}
	}
	os.Exit(m.Run())
}

// shell is a part that runs a script, and is ready when it has made the file ready.
func shell(dir, script string) *process {
	return &process{
		name: "part", program: "/bin/sh", args: []string{"-c", script}, log: filepath.Join(dir, "log"),
		env: []string{"PATH=/usr/bin:/bin", "DIR=" + dir}, quit: syscall.SIGTERM, orphaned: syscall.SIGKILL,
		ready: func(context.Context) error { _, err := os.Stat(filepath.Join(dir, "ready")); return err },
	}
}

func TestAPartLivesAndDiesAndLivesAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fallen := make(chan string, 1)
	p := shell(dir, `trap 'rm "$DIR/ready"; exit 0' TERM; touch "$DIR/ready"; while :; do sleep 0.05; done`)
	p.ended = func(name string, _ error) { fallen <- name }
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 2 {
		err := errors.Join(p.start(ctx), p.waitReady(ctx))
		if err != nil {
			t.Fatal(err)
		}
		if p.start(ctx) == nil {
			t.Error("one part was started twice")
		}
		err = p.stop()
		if err != nil || p.pid() != 0 {
			t.Fatalf("stopped, it has the process id %d: %v", p.pid(), err)
		}
	}
	err := p.start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	p.kill()
	if p.pid() != 0 || len(fallen) != 0 {
		t.Error("what was asked to end was reported as fallen, or lives")
	}

	// Somebody else's kill is reported.
	err = p.start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	err = syscall.Kill(p.pid(), syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case name := <-fallen:
		if name != "part" {
			t.Errorf("%q is said to have fallen", name)
		}
	case <-ctx.Done():
		t.Error("nobody was told that the part has fallen")
	}
}

// Who waits for what has failed is told at once, with its last words.
func TestAPartThatDoesNotComeUpSaysWhy(t *testing.T) {
	t.Parallel()
	p := shell(t.TempDir(), `echo "the database of ledger is not up to date" >&2; exit 70`)
	err := p.start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = p.waitReady(t.Context())
	if err == nil || !strings.Contains(err.Error(), "exit status 70") || !strings.Contains(err.Error(), "not up to date") {
		t.Errorf("it says %v", err)
	}
}

// However the launcher ends, nothing is left of what it started.
func TestNothingOutlivesAKilledLauncher(t *testing.T) {
	t.Parallel()
	launcher := exec.Command(os.Args[0])
	launcher.Env = append(os.Environ(), "TOPOLOGY_TEST_LAUNCHER="+t.TempDir())
	out, err := launcher.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	err = launcher.Start()
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || syscall.Kill(pid, 0) != nil {
		t.Fatalf("the part does not run: %q, %v", line, err)
	}
	err = launcher.Process.Kill()
	if err != nil {
		t.Fatal(err)
	}
	_ = launcher.Wait() // killed, as wanted
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for runs(pid) {
		select {
		case <-deadline.C:
			t.Fatalf("process %d outlives its launcher", pid)
		case <-tick.C:
		}
	}
}

// runs tells a process that works from one that is dead and not yet buried.
func runs(pid int) bool {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(status), ") ")
	return !strings.HasPrefix(after, "Z")
}
