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
	"github.com/prometheus/client_golang/prometheus"

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
	// ahead is how much later than ours it is.
	ahead func(context.Context) (time.Duration, error)
}

// apart compares a clock that somebody tells with ours: it was read some time between
// the question and the answer, in the middle as far as we can know.
func apart(ctx context.Context, read func(context.Context) (time.Time, error)) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, clockTimeout)
	defer cancel()
	before := time.Now()
	theirs, err := read(ctx)
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
		skew, err := other.ahead(ctx)
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
	return clock{"stripe", func(ctx context.Context) (time.Duration, error) {
		return apart(ctx, func(ctx context.Context) (time.Time, error) {
			answer, err := a.ask(ctx, http.MethodHead, "/")
			if err != nil {
				return time.Time{}, err
			}
			return answer.date()
		})
	}}
}

// natsClock reads the time from what the server says of a stream or consumer that
// the service may ask about anyway.
func natsClock(broker *nats.Conn, member feed.Member) clock {
	subject := "$JS.API.STREAM.INFO.ALMONER_" + strings.ToUpper(member.Service)
	if !member.Produces {
		subject = "$JS.API.CONSUMER.INFO.ALMONER_" + strings.ToUpper(member.Consumes[0]) + "." + member.Service
	}
	return clock{"nats", func(ctx context.Context) (time.Duration, error) {
		return apart(ctx, func(ctx context.Context) (time.Time, error) {
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
		})
	}}
}

// counted is the same clock, shown to Prometheus. Databases and Stripe's client show
// their own.
func (c clock) counted(metrics prometheus.Registerer) clock {
	if metrics == nil {
		return c
	}
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "almoner_clock_skew_seconds", Help: "How far another clock is ahead of ours.", ConstLabels: prometheus.Labels{"against": c.against},
	})
	metrics.MustRegister(gauge)
	return clock{c.against, func(ctx context.Context) (time.Duration, error) {
		ahead, err := c.ahead(ctx)
		if err == nil {
			gauge.Set(ahead.Seconds())
		}
		return ahead, err
	}}
}
