package systemtest

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// Five services need PostgreSQL and minutes, so they are asked for:
// go test ./services/systemtest -split -older PATH
var (
	withSplit = flag.Bool("split", false, "run the stories on five services, too, and those that are about them alone")
	older     = flag.String("older", "", "an earlier build of the program, to run beside the one under test")
)

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	err := closeSplit()
	if err != nil {
		fmt.Fprintln(os.Stderr, "stop the five services:", err)
		code = 1
	}
	os.Exit(code)
}

// everywhere tells a story on each topology. The one process is the story's own;
// the five services are shared by all stories, which therefore come one after the
// other there and count from what they find.
func everywhere(t *testing.T, story func(t *testing.T, s system)) {
	t.Run("one process", func(t *testing.T) {
		t.Parallel()
		story(t, start(t, t.TempDir(), &lockedBuffer{}))
	})
	if *withSplit {
		t.Run("five services", func(t *testing.T) { story(t, split(t)) })
	}
}
