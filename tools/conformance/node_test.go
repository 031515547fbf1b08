package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/almoner/almoner/tools/stripesim"
)

// nodeVersion is the stripe-node that is made from the same description.
const nodeVersion = "14.25.0"

// stripeForNode installs what the lock file says, unless that has been done.
var stripeForNode = sync.OnceValue(func() error {
	lock, err := os.Stat("node/package-lock.json")
	if err != nil {
		return err
	}
	installed, err := os.Stat("node/node_modules/.package-lock.json") // npm writes it last
	if err == nil && installed.ModTime().After(lock.ModTime()) {
		return nil
	}
	_, err = run("node", "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	return err
})

// runNode runs a file of checks on an account and makes a subtest of each. A check
// that did not run has failed: an earlier one stopped the file.
func runNode(t *testing.T, a *account, file string, environment ...string) {
	t.Helper()
	err := stripeForNode()
	if err != nil {
		t.Fatalf("these checks need Node with stripe %s: %v", nodeVersion, err)
	}
	command := exec.CommandContext(t.Context(), "node", "checks.mjs", file)
	command.Dir = "node"
	command.Env = append(os.Environ(), append(environment, "STRIPE_URL="+a.url)...)
	var faults bytes.Buffer
	command.Stderr = &faults
	out, err := command.Output()
	if err != nil {
		t.Fatalf("node %s: %v\n%s%s", file, err, out, &faults)
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	var head struct {
		Version string   `json:"version"`
		Planned []string `json:"planned"`
	}
	lines.Scan()
	err = json.Unmarshal(lines.Bytes(), &head)
	if err != nil || head.Version != nodeVersion || len(head.Planned) == 0 {
		t.Fatalf("node %s: stripe %q, want %s, with %d checks: %v", file, head.Version, nodeVersion, len(head.Planned), err)
	}
	ran := map[string]string{}
	for lines.Scan() {
		var line struct{ Name, Fault string }
		err = json.Unmarshal(lines.Bytes(), &line)
		if err != nil {
			t.Fatalf("node %s: %s", file, lines.Text())
		}
		ran[line.Name] = line.Fault
	}
	for _, name := range head.Planned {
		t.Run(name, func(t *testing.T) {
			fault, there := ran[name]
			switch {
			case !there:
				t.Error("it did not run: one before it failed")
			case fault != "":
				t.Error(fault)
			}
		})
	}
}

// A program that knows Stripe by Stripe's library for Node alone gets through.
func TestStoryInNode(t *testing.T) {
	t.Parallel()
	runNode(t, open(t, func(c *stripesim.Config) { c.Seed = 91 }), "story.mjs")
}

func TestIdempotencyInNode(t *testing.T) {
	t.Parallel()
	runNode(t, open(t, func(c *stripesim.Config) { c.Seed = 92 }), "idempotency.mjs")
}
