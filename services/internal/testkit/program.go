package testkit

import (
	"os"
	"os/exec"
	"testing"
)

// Program returns where a program is that a test checks our output with. Without
// it the test is skipped, or fails when the variable require is "1".
func Program(t testing.TB, name, require string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv(require) == "1" {
		t.Fatalf("%s is required (%s=1) and not on PATH", name, require)
	}
	t.Skipf("%s is not on PATH, so nothing independent can check this", name)
	return ""
}
