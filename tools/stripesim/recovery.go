package stripesim

import (
	"net/http"
	"slices"
)

// recoveryDays is how long a donor may come back to an expired session.
const recoveryDays = 30

func afterExpirationParams() schema {
	return schema{"recovery": {kind: isHash, fields: schema{
		"enabled": {kind: isBoolean, required: true}, "allow_promotion_codes": {kind: isFalse},
	}}}
}

// renderRecovery is after_expiration: null unless a link was asked for, and with
// the link once the session has expired.
func renderRecovery(v view, s *Session) any {
	if !s.Recoverable {
		return nil
	}
	out := map[string]any{"allow_promotion_codes": false, "enabled": true, "expires_at": nil, "url": nil}
	if s.RecoverUntil != 0 {
		out["expires_at"], out["url"] = s.RecoverUntil, v.baseURL()+"/c/recover/"+s.ID
	}
	return map[string]any{"recovery": out}
}

// recoverPage leads from an expired session to a copy of it. Stripe makes a copy
// each time; here one that is still open is used again, so that opening a link
// twice asks for one gift.
func (s *Server) recoverPage(w http.ResponseWriter, r *http.Request) {
	expired := s.current(r.PathValue("id"))
	s.mu.RLock()
	now := s.now().Unix()
	s.mu.RUnlock()
	if expired == nil || expired.RecoverUntil == 0 {
		s.notFound(w)
		return
	}
	if now >= expired.RecoverUntil || s.readOnly != nil {
		s.message(w, http.StatusGone, "This link has expired", "Nothing was charged. Please start again.", expired.CancelURL, "Return to the site")
		return
	}
	var copied *Session
	err := s.transact(requestInfo{}, func(t *tx) error {
		copied = t.recovered(expired.ID)
		return nil
	})
	if err != nil {
		s.log.Error("recover session", "session", expired.ID, "error", err)
		s.message(w, http.StatusInternalServerError, "Something went wrong", "The simulator could not do that. Please try again.", "", "")
		return
	}
	http.Redirect(w, r, "/c/pay/"+copied.ID, http.StatusSeeOther)
}

// recovered is the open copy of an expired session, made now if there is none.
func (t *tx) recovered(id string) *Session {
	for _, known := range t.s.state.sessions.byID {
		if known.RecoveredFrom == id && known.Status == sessionOpen {
			return known
		}
	}
	next := *t.session(id)
	next.ID, next.Created, next.ExpiresAt = t.newID("session"), t.now.Unix(), t.now.Unix()+86_400
	next.Status, next.PaymentIntent, next.RecoverUntil, next.RecoveredFrom = sessionOpen, "", 0, id
	next.LineItems = slices.Clone(next.LineItems)
	for i := range next.LineItems {
		next.LineItems[i].ID = t.newID("line_item")
	}
	next.Fields, next.Given = unanswered(next.Fields), nil
	return t.putSession(next)
}
