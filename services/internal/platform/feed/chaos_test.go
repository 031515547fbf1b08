package feed_test

import (
	"errors"
	"flag"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/testkit"
)

// A failing run prints its seed: go test -run Faults -seed=….
var seed = flag.Uint64("seed", 0, "seed of the random faults; 0 takes one from the clock")

// faultsFor bounds the random part of a run.
const faultsFor = 2 * time.Second

// Given faults in any order and at any moment, when they are over, then nothing
// is lost, nothing is doubled, and each gift's events were applied in order.
func TestRandomFaultsLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	start := *seed
	if start == 0 {
		start = uint64(time.Now().UnixNano())
	}
	eachWorld(t, func(t *testing.T, w *world) {
		t.Logf("seed %d", start)
		c := newChaos(w, start)
		deadline := time.Now().Add(faultsFor)
		for time.Now().Before(deadline) {
			c.step()
		}
		c.heal()
		w.settle()
		w.laidBut(true)
		w.verify()
		// A projection begun anew ends the same.
		c.rest()
		c.startRelay()
		w.consumer = testkit.SQLite(t, consuming, feed.Migrations(), entries())
		w.run(w.newConsumer().Run)
		w.settle()
		w.verify()
		t.Logf("%d faults, %d events", c.faults, w.status().Head)
	})
}

// chaos runs relays and consumers and disturbs them.
type chaos struct {
	w         *world
	rng       *rand.Rand
	relays    []func()
	consumers []func()
	faults    int
}

func newChaos(w *world, seed uint64) *chaos {
	c := &chaos{w: w, rng: rand.New(rand.NewPCG(seed, 0))}
	c.startRelay()
	c.startConsumer()
	return c
}

func (c *chaos) startRelay() {
	c.relays = append(c.relays, c.w.run(feed.Keeping(feed.Racing(c.w.newProducer()), 200).Run))
}

func (c *chaos) startConsumer() {
	c.consumers = append(c.consumers, c.w.run(c.w.newConsumer().Run))
}

// stopOne stops a random one of several loops.
func (c *chaos) stopOne(loops []func()) []func() {
	if len(loops) == 0 {
		return loops
	}
	i := c.rng.IntN(len(loops))
	loops[i]()
	return append(loops[:i:i], loops[i+1:]...)
}

// step gives a few events and, half of the time, does damage.
func (c *chaos) step() {
	gifts := make([]string, 1+c.rng.IntN(12))
	for i := range gifts {
		gifts[i] = "gift-" + strconv.Itoa(c.rng.IntN(9))
	}
	c.w.give(gifts...)
	if c.rng.IntN(2) == 0 {
		return
	}
	c.faults++
	sick := "gift-" + strconv.Itoa(c.rng.IntN(9))
	switch c.rng.IntN(12) {
	case 0:
		c.relays = c.stopOne(c.relays)
	case 1:
		c.consumers = c.stopOne(c.consumers)
	case 2, 3:
		if len(c.relays) < 3 {
			c.startRelay()
		}
	case 4, 5:
		if len(c.consumers) < 3 {
			c.startConsumer()
		}
	case 6:
		c.onBroker(func() { c.w.wipe() })
	case 7:
		c.onBroker(func() {
			js := c.w.streams()
			_, _ = js.Publish(c.w.t.Context(), "almoner.donation.v1.DonationSucceeded", []byte("a stranger's"))
		})
	case 8:
		c.onBroker(func() {
			_ = c.w.streams().DeleteConsumer(c.w.t.Context(), feed.StreamName(producing), consuming)
		})
	case 9:
		c.w.broker.Stop()
		if c.rng.IntN(3) > 0 {
			c.w.broker.Start(c.w.t)
		}
	case 10:
		c.w.setSick(sick, []error{errClosed, errNoFund, errors.New("the disk is full")}[c.rng.IntN(3)])
	case 11:
		c.cure()
	}
}

// onBroker does damage that needs the broker up.
func (c *chaos) onBroker(damage func()) {
	c.w.broker.Start(c.w.t)
	damage()
}

func (c *chaos) cure() {
	for i := range 9 {
		c.w.setSick("gift-"+strconv.Itoa(i), nil)
	}
}

// rest stops everything that runs.
func (c *chaos) rest() {
	for _, stop := range append(c.relays, c.consumers...) {
		stop()
	}
	c.relays, c.consumers = nil, nil
}

// heal ends all faults and lets staff retry what is parked.
func (c *chaos) heal() {
	c.w.broker.Start(c.w.t)
	c.cure()
	if len(c.relays) == 0 {
		c.startRelay()
	}
	if len(c.consumers) == 0 {
		c.startConsumer()
	}
	c.w.settle()
	parking := feed.NewParking(c.w.consumer, c.w.newConsumer())
	testkit.Eventually(c.w.t, func() bool {
		_, left, err := parking.RetryParked(c.w.t.Context(), "")
		return err == nil && left == 0
	})
}
