package donation_test

import (
	"flag"
	"os"
	"testing"
)

// Most of these tests wait for timers and sockets, not for a processor: more of
// them at once than there are processors is quicker.
func TestMain(m *testing.M) {
	err := flag.Set("test.parallel", "8")
	if err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
