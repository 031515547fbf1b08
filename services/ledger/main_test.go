package ledger_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain holds the service to its word that Run returns when all has stopped.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
