package conformance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestMain ends what tests have started for each other and removes what they built.
func TestMain(m *testing.M) {
	code := m.Run()
	err := cleanUp()
	if err != nil {
		fmt.Fprintln(os.Stderr, "clean up:", err)
		code = 1
	}
	os.Exit(code)
}

// shared is what several tests use and none of them may end.
var shared struct {
	sync.Mutex
	folder string
	ends   []func() error
}

// atTheEnd has something ended when all tests are over.
func atTheEnd(end func() error) {
	shared.Lock()
	defer shared.Unlock()
	shared.ends = append(shared.ends, end)
}

func cleanUp() error {
	shared.Lock()
	defer shared.Unlock()
	var faults []error
	for _, end := range shared.ends {
		faults = append(faults, end())
	}
	if shared.folder != "" {
		faults = append(faults, os.RemoveAll(shared.folder))
	}
	return errors.Join(faults...)
}

// scratch is a folder for all tests together.
func scratch() string {
	shared.Lock()
	defer shared.Unlock()
	if shared.folder == "" {
		folder, err := os.MkdirTemp("", "almoner-conformance-")
		if err != nil {
			panic(fmt.Sprintf("make a folder: %v", err))
		}
		shared.folder = folder
	}
	return shared.folder
}

// theProgram is the binary under test: the one that ALMONER names, or one built
// from this source, so that no stale one is judged.
var theProgram = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("ALMONER"); given != "" {
		return filepath.Abs(given)
	}
	program := filepath.Join(scratch(), "almoner")
	_, err := run("../../services", "go", "build", "-o", program, "./cmd/almoner")
	return program, err
})

// run runs a command in a folder and answers what it printed.
func run(folder, name string, args ...string) (string, error) {
	command := exec.CommandContext(context.Background(), name, args...)
	command.Dir = folder
	out, err := command.Output()
	if err != nil {
		text := string(out)
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			text += string(failed.Stderr)
		}
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, text)
	}
	return string(out), nil
}

// newIntent is a random UUID, as the donate form draws one.
func newIntent() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // documented never to fail
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
