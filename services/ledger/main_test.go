package ledger_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/almoner/almoner/services/internal/testkit"
)

// TestMain holds the service to its word that Run returns when all has stopped.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m, testkit.ForgottenByNATS()...) }
