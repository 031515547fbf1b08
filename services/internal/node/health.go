package node

import (
	"context"
	"errors"
	"net/http"

	"github.com/nats-io/nats.go"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/httpserver"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

// opsRoutes adds what an orchestrator asks.
func (n *Node) opsRoutes(mux *http.ServeMux) *http.ServeMux {
	checks := []httpserver.Check{{Name: "stopping", Hard: true, Run: func(context.Context) error {
		if n.stopping.Load() {
			return apperr.New(apperr.Unavailable, "stopping", "the process is stopping")
		}
		return nil
	}}}
	for _, p := range n.parts.services {
		checks = append(checks, httpserver.Check{Name: p.name, Hard: true, Run: p.Ready})
	}
	checks = append(checks, n.parts.soft...)
	n.metricsRoute(mux)
	mux.Handle("GET /livez", httpserver.Live())
	mux.Handle("GET /readyz", httpserver.Ready(n.logger, checks...))
	return mux
}

// feedCheck tells that a service's events do not move. What the error says inside
// is in the log; here anybody may read it.
func feedCheck(service string, disturbed func() error) httpserver.Check {
	return httpserver.Check{Name: "feeds of " + service, Run: func(context.Context) error {
		err := disturbed()
		switch {
		case err == nil:
			return nil
		case errors.Is(err, feed.ErrFork):
			return apperr.Wrap(err, apperr.FailedPrecondition, "feed_fork", "a feed and what is remembered of it disagree; an operator must decide")
		default:
			return apperr.Wrap(err, apperr.Unavailable, "feed_disturbed", "events do not move now; it goes on trying")
		}
	}}
}

func stripeCheck(disturbed func() error) httpserver.Check {
	return httpserver.Check{Name: "stripe", Run: func(context.Context) error {
		err := disturbed()
		if err == nil {
			return nil
		}
		return apperr.Wrap(err, apperr.Unavailable, "stripe_away", "Stripe could not be asked; fees and lost webhooks are found later")
	}}
}

// certificateCheck tells of files that cannot be used, while there is time: those
// that were read before still serve.
func certificateCheck(certificates *rpc.Certificates) httpserver.Check {
	return httpserver.Check{Name: "certificate", Run: func(context.Context) error {
		err := certificates.Fault()
		if err == nil {
			return nil
		}
		return apperr.Wrap(err, apperr.FailedPrecondition, "certificate_unusable", "the certificate of this process, or the one that shall replace it, cannot be used")
	}}
}

// natsCheck tells of NATS. It is a cache, so without it nothing is refused.
func natsCheck(service string, broker *nats.Conn) httpserver.Check {
	return httpserver.Check{Name: "nats of " + service, Run: func(context.Context) error {
		if broker.IsConnected() {
			return nil
		}
		return apperr.New(apperr.Unavailable, "nats_down", "NATS is not connected; totals and books follow more slowly")
	}}
}
