package systemtest

import (
	"testing"

	"github.com/almoner/almoner/services/internal/node"
)

// secondWeb is another process that serves the site, as behind a load balancer.
const secondWeb = "web-2"

// Every process is restarted while donors give. With two that serve the site, no
// request goes unanswered: what cannot be done at the moment is said so, with the
// form kept, and works when it is tried again.
func TestSplitRestartsOneByOneUnnoticed(t *testing.T) {
	f := split(t)
	o := operator(t, f.config())
	front := f.second(t)
	donors := gather(t, f.site(), crowdSize, front)
	donors.more(t, 2)
	for _, part := range append(node.Databases(), secondWeb) {
		err := f.Stop(part)
		if err != nil {
			t.Fatal(err)
		}
		f.begin(t, part)
		donors.more(t, 2)
	}
	donors.leave()
	agree(t, o)
	if paid, counted := truthAt(t, f.stripe()).paid(), gifts(t, o); paid != counted {
		t.Errorf("Stripe took %d payments, %d gifts are counted", paid, counted)
	}
	if unanswered := donors.broken.Load(); unanswered > 0 {
		t.Errorf("%d requests of donors got no answer", unanswered)
	}
	t.Logf("restarted one by one during %d gifts: %d pages said to try again, %d requests got no answer", donors.paid.Load(), donors.sorry.Load(), donors.broken.Load())
}

// second starts another process that serves the site, until the test ends.
func (f *five) second(t *testing.T) (address string) {
	t.Helper()
	address, err := f.Add(t.Context(), secondWeb, "web")
	if err != nil {
		t.Fatal(err)
	}
	f.begin(t, secondWeb)
	t.Cleanup(func() {
		err := f.Stop(secondWeb)
		if err != nil {
			t.Error(err)
		}
	})
	return address
}
