package systemtest

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/almoner/almoner/services/internal/demo"
	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

// The drill of an operator's worst day: a backup is made while donors give, more
// is given, and then a database is lost. Whichever service goes back in time, it
// must find by itself what happened since, and count nothing twice. Last of all
// everything goes back, Stripe included, and is as it was.
func TestRestoredServicesFindWhatHappenedSince(t *testing.T) {
	t.Parallel()
	dir, logs := t.TempDir(), &lockedBuffer{}
	i := start(t, dir, logs)
	give(t, i.operator())

	o := i.operator()
	kept := truthAt(t, o.SimulatorURL()).paid()
	quiet := backUp(t, i)
	played := make(chan error, 1)
	go func() {
		_, err := demo.New(demo.Config{BaseURL: o.BaseURL(), SimulatorURL: o.SimulatorURL(), Conn: o.Conn(), GiftsAlone: true}).Run(t.Context())
		played <- err
	}()
	eventually(t, "somebody gives", func() bool { return truthAt(t, o.SimulatorURL()).paid() > kept+2 })
	busy := backUp(t, i)
	err := <-played
	if err != nil {
		t.Fatal(err)
	}
	// A monthly gift is begun after both backups, and has its second month.
	leaveAfterPaying(t, i, "monthly")
	counted := gifts(t, o)
	eventually(t, "it has begun", func() bool { counted = gifts(t, o); return counted == truthAt(t, o.SimulatorURL()).paid() })
	control(t, i, "/_sim/clock", `{"advance_seconds": 1}`, nil) // a month that began in this second is not over
	control(t, i, "/_sim/subscriptions/"+moves(t, i).Subscriptions[0].ID+"/renew", `{}`, nil)
	eventually(t, "its next month is found", func() bool { return gifts(t, o) == counted+1 })
	paid := truthAt(t, o.SimulatorURL()).paid()

	for _, service := range []string{"ledger", "receipt", "fundraiser"} {
		i.stopNow()
		restored, err := node.Restore(i.cfg, busy, []string{service})
		if err != nil {
			t.Fatal(err)
		}
		if len(restored.Kept) == 0 {
			t.Errorf("what %s had was not kept", service)
		}
		i = start(t, dir, logs)
		agree(t, i.operator())
		if counted := gifts(t, i.operator()); counted != paid {
			t.Errorf("after %s went back, Stripe took %d payments and %d gifts are counted", service, paid, counted)
		}
	}

	// Donation has the log that the others follow. It finds its gifts again at Stripe;
	// where that leaves the log other than what was told, an operator decides.
	i.stopNow()
	_, err = node.Restore(i.cfg, busy, []string{"donation"})
	if err != nil {
		t.Fatal(err)
	}
	i = start(t, dir, logs)
	eventually(t, "all that was paid is known again", func() bool { return gifts(t, i.operator()) == paid })
	i.stopNow()
	for _, more := range []bool{true, false} {
		forked, err := i.operator().Recover(t.Context(), "donation", func(fork *feed.Fork) (bool, error) {
			if !more {
				t.Errorf("after the recovery: %+v", fork)
			}
			return true, nil
		})
		if err != nil || forked {
			t.Fatalf("recover: forked %t, %v", forked, err)
		}
	}
	i = start(t, dir, logs)
	agree(t, i.operator())
	if counted := gifts(t, i.operator()); counted != paid {
		t.Errorf("after donation went back, Stripe took %d payments and %d gifts are counted", paid, counted)
	}
	// Where gifts came back in another order, totals were counted in another one.
	rebuild(t, i.operator(), "fundraiser", false)
	for _, service := range []string{"fundraiser", "ledger", "receipt"} {
		_, differences := rebuild(t, i.operator(), service, true)
		if len(differences) != 0 {
			t.Errorf("%s is not what the log now tells: %v", service, differences)
		}
	}
	give(t, i.operator())
	agree(t, i.operator())

	// While donors give, Stripe's copy is a little younger than the databases'; what
	// is paid in between would be open and parked, as after every loss. So this one
	// was made between gifts.
	i.stopNow()
	_, err = node.Restore(i.cfg, quiet, nil)
	if err != nil {
		t.Fatal(err)
	}
	i = start(t, dir, logs)
	agree(t, i.operator())
	then, counted := truthAt(t, i.node.SimulatorURL()).paid(), gifts(t, i.operator())
	if then != kept || counted != kept {
		t.Errorf("everything went back: Stripe took %d payments (%d before the backup), %d gifts are counted", then, kept, counted)
	}
	give(t, i.operator())
}

func backUp(t *testing.T, i *instance) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "backup")
	_, err := node.Backup(t.Context(), i.cfg, dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
