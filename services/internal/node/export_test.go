package node

import "testing"

// CompareGolden is for tests that use the package from outside.
func CompareGolden(t *testing.T, file, got string) {
	t.Helper()
	compareGolden(t, file, got)
}
