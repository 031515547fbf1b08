package node

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/donation"
	"github.com/almoner/almoner/services/internal/testkit"
)

// An operator makes the endpoint at Stripe with the command in deploy/README.md. An
// event that it leaves out never comes.
func TestTheDocumentedEndpointAsksForWhatIsRead(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join(testkit.Repository(t), "deploy", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	for _, found := range regexp.MustCompile(`enabled_events\[\]=([a-z_.]+)`).FindAllStringSubmatch(string(content), -1) {
		asked = append(asked, found[1])
	}
	slices.Sort(asked)
	if !slices.Equal(asked, donation.WebhookEvents()) {
		t.Errorf("the command asks for %v, the program reads %v", asked, donation.WebhookEvents())
	}
	if !strings.Contains(string(content), "api_version="+StripeAPIVersion+" ") {
		t.Errorf("the command does not ask for version %s", StripeAPIVersion)
	}
}
