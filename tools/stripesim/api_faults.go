package stripesim

import (
	"context"
	"net/http"
	"time"
)

// What the knobs do to API requests.

// faultBefore strikes before the request is executed; nothing is kept of it.
func (s *Server) faultBefore(c *call) *apiError {
	slow, struck := s.knobs.strike("", "latency", c.subject(), "")
	if struck {
		pause(c.r.Context(), time.Duration(slow.MS)*time.Millisecond)
	}
	switch {
	case s.knobs.hit("html_502", c.subject(), ""):
		return &apiError{Status: http.StatusBadGateway}
	case s.knobs.hit("503", c.subject(), ""):
		return &apiError{Status: http.StatusServiceUnavailable, Type: typeAPI, Message: "The simulator is unavailable, as asked."}
	case s.knobs.hit("429", c.subject(), ""):
		return tooMany()
	case s.knobs.hit("lock_timeout", c.subject(), ""):
		e := badRequest("lock_timeout", "", "This object cannot be accessed right now because another API request or Stripe process is currently accessing it.")
		e.Status = http.StatusTooManyRequests
		return e
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// hangUp keeps the client waiting until it gives up, then cuts the line.
func hangUp(ctx context.Context) {
	pause(ctx, 80*time.Second)
	panic(http.ErrAbortHandler)
}

// announceFirst lets the webhooks of a request arrive before its answer, if the
// knob says so: applications believe the other order.
func (s *Server) announceFirst(c *call, events []*Event) {
	if len(events) == 0 || !s.knobs.hit("deliver_before_api_response", c.subject(), "") {
		return
	}
	for _, event := range events {
		s.waitAnswered(c.r.Context(), event)
	}
}

// cut loses the second half of an answer, if the knob says so. What was done and
// what is kept under the key is whole.
func (s *Server) cut(c *call, body []byte) []byte {
	if s.knobs.hit("truncate_body", c.subject(), "") {
		return body[:len(body)/2]
	}
	return body
}
