package systemtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/node"
)

// No service waits for another. Each is the first to start once, the last once,
// and ready before the next one is begun.
func TestSplitStartsInAnyOrder(t *testing.T) {
	f := split(t)
	o := operator(t, f.config())
	order := node.Databases()
	for range order {
		f.halt(t)
		for _, service := range order {
			f.begin(t, service)
		}
		donors := gather(t, f.site(), 1)
		donors.more(t, 1)
		donors.leave()
		agree(t, o)
		if paid, counted := truthAt(t, f.stripe()).paid(), gifts(t, o); paid != counted {
			t.Fatalf("started as %s, Stripe took %d payments, %d gifts are counted", strings.Join(order, ", "), paid, counted)
		}
		t.Logf("started as %s: a gift arrives", strings.Join(order, ", "))
		order = slices.Concat(order[1:], order[:1])
	}
}
