package systemtest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/internal/platform/natsserver"
)

// fault is something that happens to a charity's machines.
type fault struct {
	name string
	// strike does it and mend undoes it; what heals by itself has no mend.
	strike, mend func(t *testing.T)
	// gifts that must get through before it is mended: donors can give without
	// this part.
	meanwhile int64
}

// crowdSize keeps gifts coming while something else is looked at.
const crowdSize = 3

// Everything fails once while donors give. After each failure all that Stripe took
// is counted, booked and receipted, once; and what cannot be done without is gone
// only for as long as it is down.
func TestSplitLosesNothingWhateverFails(t *testing.T) {
	f := split(t)
	o := operator(t, f.config())
	var faults []fault
	for _, service := range node.Databases() {
		down := fault{
			name:   "kill -9 " + service,
			strike: func(*testing.T) { f.Kill(service) },
			mend:   func(t *testing.T) { f.begin(t, service) },
		}
		if service == "ledger" || service == "receipt" {
			down.meanwhile = 2
		}
		faults = append(faults, down)
	}
	faults = append(faults,
		fault{
			name: "kill -9 a NATS server", meanwhile: 2,
			strike: func(*testing.T) { f.Kill("nats-2") },
			mend:   func(t *testing.T) { f.begin(t, "nats-2") },
		},
		fault{name: "wipe the donation stream", strike: func(t *testing.T) { f.deleteStream(t, "donation") }},
		fault{
			name:   "stop PostgreSQL at once",
			strike: func(*testing.T) { f.Kill("postgres") },
			mend:   func(t *testing.T) { f.begin(t, "postgres") },
		},
	)

	var told bytes.Buffer
	table := tabwriter.NewWriter(&told, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "fault\tgifts in the round\ttold to try again\tunanswered\tall agrees after")
	for _, it := range faults {
		f.suffer(t, o, it, table)
	}
	_ = table.Flush()
	t.Logf("%d faults under load, nothing lost, nothing doubled:\n%s", len(faults), told.String())
}

// suffer has donors give through one fault, and audits.
func (f *five) suffer(t *testing.T, o *node.Operator, it fault, table *tabwriter.Writer) {
	t.Helper()
	donors := gather(t, f.site(), crowdSize)
	donors.more(t, 2)
	it.strike(t)
	donors.more(t, it.meanwhile)
	if it.mend != nil {
		it.mend(t)
	}
	donors.more(t, 4)
	donors.leave()
	began := time.Now()
	agree(t, o)
	took := time.Since(began)
	paid, counted := truthAt(t, f.stripe()).paid(), gifts(t, o)
	if paid != counted {
		t.Fatalf("after %q Stripe took %d payments, %d gifts are counted", it.name, paid, counted)
	}
	fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\n", it.name, donors.paid.Load(), donors.sorry.Load(), donors.broken.Load(), took.Round(10*time.Millisecond))
}

// deleteStream takes a stream away as its own service could.
func (f *five) deleteStream(t *testing.T, service string) {
	t.Helper()
	servers, authority, key := f.NATS(service)
	conn, err := natsserver.Dial(natsserver.DialConfig{URLs: servers, Name: service, Credentials: key, CA: authority})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stream is deleted", func() bool {
		return js.DeleteStream(t.Context(), "ALMONER_"+strings.ToUpper(service)) == nil
	})
}
