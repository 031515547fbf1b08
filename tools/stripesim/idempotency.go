package stripesim

import "time"

// idemLifetime is how long an answer is kept under its key.
const idemLifetime = 24 * time.Hour

// idemEntry is the first answer to an idempotency key. It is part of the record
// of what the request did: there is never one without the other.
type idemEntry struct {
	Key         string `json:"key"`
	At          int64  `json:"at"`
	Path        string `json:"path"`
	Fingerprint string `json:"fp"`
	Status      int    `json:"status"`
	Body        string `json:"body"`
	RequestID   string `json:"req"`
}

// claimKey looks a key up. It returns the answer to replay; or an error for a
// key that is in use or belongs to another request; or neither, and then the key
// is claimed until releaseKey.
func (s *Server) claimKey(key, path, fingerprint string) (*idemEntry, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inFlight[key] {
		e := badRequest("idempotency_key_in_use", "",
			"There is currently another in-progress request using this Stripe-Idempotent key (that probably means you submitted twice, "+
				"and the other request is still going through): %s", shorten(key))
		e.Status = 409
		return nil, e
	}
	entry := s.state.idem[key]
	if entry != nil && entry.At+idemLifetime.Microseconds() <= s.now().UnixMicro() {
		entry = nil
	}
	switch {
	case entry == nil:
		s.inFlight[key] = true
		return nil, nil
	case entry.Path != path:
		e := badRequest("", "", "Keys for idempotent requests can only be used for the same endpoint they were first used for ('%s' vs '%s'). "+
			"Try using a key other than '%s' if you meant to execute a different request.", path, entry.Path, shorten(key))
		e.Type = typeIdempotency
		return nil, e
	case entry.Fingerprint != fingerprint:
		e := badRequest("", "", "Keys for idempotent requests can only be used with the same parameters they were first used with. "+
			"Try using a key other than '%s' if you meant to execute a different request.", shorten(key))
		e.Type = typeIdempotency
		return nil, e
	}
	return entry, nil
}

func (s *Server) releaseKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.inFlight, key)
}
