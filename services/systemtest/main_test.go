package systemtest

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// Five services need PostgreSQL and minutes, so they are asked for:
// go test ./services/systemtest -run "^TestSplit" -split -older PATH
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

// stories are told on each topology: what a user sees is the same on both.
func stories() []struct {
	name string
	tell func(t *testing.T, s system)
} {
	return []struct {
		name string
		tell func(t *testing.T, s system)
	}{
		{"AuditWithoutAnInstance", auditWithoutAnInstance},
		{"WithoutNATSGiftsArriveAllTheSame", withoutNATSGiftsArriveAllTheSame},
		{"TheSameFormTwentyTimesAtOnce", theSameFormTwentyTimesAtOnce},
		{"AGiftIsOneTraceFromThePostToTheReceipt", aGiftIsOneTraceFromThePostToTheReceipt},
		{"PersonalDataStaysAtHome", personalDataStaysAtHome},
		{"TenMegabytesAreAnsweredWithAPage", tenMegabytesAreAnsweredWithAPage},
		{"EveryAnswerOfTheSiteCarriesItsPolicy", everyAnswerOfTheSiteCarriesItsPolicy},
		{"FinanceFollowsANumberDownToStripeAndBack", financeFollowsANumberDownToStripeAndBack},
		// It leaves refunds and payouts that failed, which are somebody's work, behind.
		{"GiftsArriveEverywhere", giftsArriveEverywhere},
	}
}

// In one process, each story has its own.
func TestStories(t *testing.T) {
	t.Parallel()
	for _, story := range stories() {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			story.tell(t, start(t, t.TempDir(), &lockedBuffer{}))
		})
	}
}

// The five services are shared by all stories, which come one after the other and
// count from what they find.
func TestSplitStories(t *testing.T) {
	f := split(t)
	for _, story := range stories() {
		t.Run(story.name, func(t *testing.T) { story.tell(t, f) })
	}
}
