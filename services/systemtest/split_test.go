package systemtest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/systemtest/topology"
)

// five is the system as five services.
type five struct {
	*topology.Topology
	dir string
}

// shared is one topology for all stories of this binary: to start it takes longer
// than most of them.
var shared = sync.OnceValues(openSplit)

// opened is what closeSplit has to close; shared is asked for the rest.
var opened *five

func split(t *testing.T) *five {
	t.Helper()
	if !*withSplit {
		t.Skip("five services are asked for with -split")
	}
	f, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			f.showLogs(t)
		}
	})
	return f
}

func openSplit() (*five, error) {
	dir, err := os.MkdirTemp("", "almoner-systemtest-")
	if err != nil {
		return nil, err
	}
	// However long it takes to compile: the test's own time-out bounds it.
	cfg, err := programs(context.Background(), dir)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cfg.Dir = filepath.Join(dir, "split")
	running, err := topology.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	opened = &five{Topology: running, dir: dir}
	return opened, running.Start(ctx, node.Databases()...)
}

// programs builds what is under test. The broker is what the repository pins.
func programs(ctx context.Context, dir string) (topology.Config, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return topology.Config{}, err
	}
	cfg := topology.Config{
		Root: root, Almoner: filepath.Join(dir, "almoner"), Stripesim: filepath.Join(dir, "stripesim"), NATSServer: filepath.Join(root, "bin", "nats-server"),
	}
	for _, command := range [][]string{
		{"go", "build", "-o", cfg.Almoner, "./services/cmd/almoner"},
		{"go", "build", "-o", cfg.Stripesim, "./tools/stripesim/cmd/stripesim"},
		{"make", "-s", "bin/nats-server"},
	} {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Dir = root
		out, err := cmd.CombinedOutput()
		if err != nil {
			return topology.Config{}, fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, out)
		}
	}
	return cfg, nil
}

// closeSplit ends what was started, if anything was.
func closeSplit() error {
	if opened == nil {
		return nil
	}
	err := opened.Close()
	if err != nil {
		return err
	}
	return os.RemoveAll(opened.dir)
}

func (f *five) config() node.Config {
	cfg, err := node.LoadOperatorConfig(f.OperatorEnv())
	if err != nil {
		panic(err) // it was made by us from what works
	}
	return cfg
}

func (f *five) site() string   { return f.Site() }
func (f *five) stripe() string { return f.Stripe() }

// The site has an address for donors and another for probes.
func (f *five) healthOnSite() int { return http.StatusNotFound }

func (f *five) health(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, service := range node.Databases() {
		status, body := fetch(t, f.Ops(service)+"/readyz")
		if status != http.StatusOK {
			t.Errorf("/readyz of %s answers %d", service, status)
		}
		all.Write(body)
	}
	return all.String()
}

func (f *five) tell(variables ...string) { f.Tell(variables...) }

func (f *five) processes() int { return len(node.Databases()) }

func (f *five) metrics(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, service := range node.Databases() {
		_, page := fetch(t, f.Ops(service)+"/metrics")
		if len(page) < 1000 {
			t.Errorf("the metrics of %s are %d bytes only", service, len(page))
		}
		all.Write(page)
	}
	return all.String()
}

func (f *five) halt(t *testing.T) {
	t.Helper()
	err := f.Stop(node.Databases()...)
	if err != nil {
		t.Fatal(err)
	}
}

func (f *five) resume(t *testing.T) {
	t.Helper()
	f.begin(t, node.Databases()...)
}

// begin starts parts and waits until they are ready.
func (f *five) begin(t *testing.T, parts ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := f.Start(ctx, parts...)
	if err != nil {
		t.Fatal(err)
	}
}

func (f *five) nodes() []string { return []string{"nats-1", "nats-2", "nats-3"} }

func (f *five) wipeStreams(t *testing.T) {
	t.Helper()
	err := f.Stop(f.nodes()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range f.nodes() {
		err = os.RemoveAll(f.Store(name))
		if err != nil {
			t.Fatal(err)
		}
	}
	f.begin(t, f.nodes()...)
}

func (f *five) loseBroker(t *testing.T) {
	t.Helper()
	for _, name := range f.nodes() {
		f.Kill(name)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		err := f.Start(ctx, f.nodes()...)
		if err != nil {
			t.Error(err)
		}
	})
}

func (f *five) elsewhere(t *testing.T) map[string][]byte {
	t.Helper()
	found := map[string][]byte{"log": []byte(f.log(t))}
	for _, service := range []string{"fundraiser", "ledger", "web"} {
		dump, err := f.Dump(t.Context(), service)
		if err != nil {
			t.Fatal(err)
		}
		found["database of "+service] = dump
	}
	for _, name := range f.nodes() {
		err := filepath.WalkDir(f.Store(name), func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			found[path], err = os.ReadFile(path)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func (f *five) log(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, service := range node.Databases() {
		content, err := f.Logs(service)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(content)
	}
	return all.String()
}

// showLogs is for who wants to know why a test failed: what each part complained of
// last.
func (f *five) showLogs(t *testing.T) {
	for _, part := range f.Parts() {
		content, err := f.Logs(part)
		if err != nil {
			continue
		}
		var complaints []string
		for line := range strings.Lines(content) {
			if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") || strings.Contains(line, "FATAL") || strings.Contains(line, "panic") {
				complaints = append(complaints, line)
			}
		}
		t.Logf("the end of what %s complains of:\n%s", part, strings.Join(complaints[max(0, len(complaints)-10):], ""))
	}
}
