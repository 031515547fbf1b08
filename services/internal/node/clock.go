package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/httpserver"
)

const (
	// largestSkew is well before anything breaks: Stripe's signatures are refused
	// when they are five minutes old.
	largestSkew  = 2 * time.Minute
	clockEvery   = time.Minute
	clockTimeout = 5 * time.Second
	// wholeSecond is what an HTTP date leaves out, half of it on average.
	wholeSecond = time.Second
)

// clock is somebody else's.
type clock struct {
	against string
	read    func(context.Context) (time.Time, error)
}

// skew is how much later than ours the other clock is. The other one was read some
// time between the question and the answer: in the middle, as good as we can know.
func (c clock) skew(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, clockTimeout)
	defer cancel()
	before := time.Now()
	theirs, err := c.read(ctx)
	if err != nil {
		return 0, err
	}
	return theirs.Sub(before.Add(time.Since(before) / 2)), nil
}

// clocks compares this machine's clock with those of the machines that it works
// with. Nothing here is ordered by time, but signatures and sign-ins have one. It
// is safe for concurrent use.
type clocks struct {
	others []clock

	mu    sync.Mutex
	skews map[string]time.Duration
}

// Run compares now and each minute until ctx ends. A clock that cannot be read
// keeps its last value: that its owner is away is said elsewhere.
func (c *clocks) Run(ctx context.Context) error {
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	for {
		c.compare(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (c *clocks) compare(ctx context.Context) {
	for _, other := range c.others {
		skew, err := other.skew(ctx)
		if err != nil {
			continue
		}
		c.mu.Lock()
		if c.skews == nil {
			c.skews = map[string]time.Duration{}
		}
		c.skews[other.against] = skew
		c.mu.Unlock()
	}
}

// Each tells how much later than ours the other clocks are, as of the last look.
func (c *clocks) Each(tell func(against string, skew time.Duration)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for against, skew := range c.skews {
		tell(against, skew)
	}
}

// check degrades the process while a clock is far from ours. Which of the two is
// wrong is for people to find out.
func (c *clocks) check() httpserver.Check {
	return httpserver.Check{Name: "clock", Run: func(context.Context) error {
		var off []string
		c.Each(func(against string, skew time.Duration) {
			if skew.Abs() > largestSkew {
				off = append(off, sayskew(against, skew))
			}
		})
		if len(off) == 0 {
			return nil
		}
		slices.Sort(off)
		return apperr.New(apperr.FailedPrecondition, "clock_skewed", strings.Join(off, "; ")+"; beyond five minutes webhooks are refused")
	}}
}

func sayskew(against string, skew time.Duration) string {
	word := "behind"
	if skew < 0 {
		word = "ahead of"
	}
	return fmt.Sprintf("this machine's clock is %s %s that of %s", skew.Abs().Round(time.Second), word, against)
}

// clock of Stripe is in every answer, also to nobody.
func (a stripeAccount) clock() clock {
	return clock{"Stripe", func(ctx context.Context) (time.Time, error) {
		answer, err := a.ask(ctx, http.MethodHead, "/")
		if err != nil {
			return time.Time{}, err
		}
		return answer.date()
	}}
}

// natsClock reads the time from what the server says of a stream or consumer that
// the service may ask about anyway.
func natsClock(broker *nats.Conn, member feed.Member) clock {
	subject := "$JS.API.STREAM.INFO.ALMONER_" + strings.ToUpper(member.Service)
	if !member.Produces {
		subject = "$JS.API.CONSUMER.INFO.ALMONER_" + strings.ToUpper(member.Consumes[0]) + "." + member.Service
	}
	return clock{"NATS", func(ctx context.Context) (time.Time, error) {
		answer, err := broker.RequestWithContext(ctx, subject, nil)
		if err != nil {
			return time.Time{}, fmt.Errorf("ask NATS for the time: %w", err)
		}
		var said struct {
			At time.Time `json:"ts"`
		}
		err = json.Unmarshal(answer.Data, &said)
		if err == nil && said.At.IsZero() {
			err = errors.New("there is no stream yet")
		}
		return said.At, err
	}}
}
