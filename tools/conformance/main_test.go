package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestMain cleans up after the tests, which keep what they build for each other.
func TestMain(m *testing.M) {
	code := m.Run()
	if scratch != "" {
		err := os.RemoveAll(scratch)
		if err != nil {
			fmt.Fprintln(os.Stderr, "remove what was built:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// scratch is the folder of what was built, if anything was.
var scratch string

// theProgram is the binary under test: the one that ALMONER names, or one built
// from this source, so that no stale one is judged.
var theProgram = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("ALMONER"); given != "" {
		return filepath.Abs(given)
	}
	var err error
	scratch, err = os.MkdirTemp("", "almoner-conformance-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the program: %w", err)
	}
	program := filepath.Join(scratch, "almoner")
	_, err = run("../../services", "go", "build", "-o", program, "./cmd/almoner")
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
