package stripesim

import (
	"net/http"
	"sync"
)

// limiter counts the requests of one simulated second.
type limiter struct {
	mu     sync.Mutex
	second int64
	count  int64
}

// usualLimit is what Stripe allows in test mode, a second.
const usualLimit = 25

// admit refuses what is over the limit of the knob; zero means no limit.
func (l *limiter) admit(now, limit int64) *apiError {
	if limit == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.second != now {
		l.second, l.count = now, 0
	}
	l.count++
	if l.count <= limit {
		return nil
	}
	return tooMany()
}

func tooMany() *apiError {
	e := badRequest("rate_limit", "", "Request rate limit exceeded.")
	e.Status = http.StatusTooManyRequests
	return e
}
