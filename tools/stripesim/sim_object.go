package stripesim

import (
	"encoding/json"
	"net/http"
	"strings"
)

// objectView is one object as the API shows it, with what was announced of it.
type objectView struct {
	Title, ID, JSON, Query string
	Events                 []eventRow
}

// objectPage shows whatever has an id, so that a dashboard of fifty rows hides nothing.
func (s *Server) objectPage(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if id == "" {
		id = strings.TrimSpace(r.URL.Query().Get("id")) // as the form sends it
	}
	err := s.refresh()
	if err != nil {
		s.log.Error("bring state up to date", "error", err)
	}
	v := objectView{Title: id + " (simulator)", ID: id, Query: s.accountQuery()}
	s.mu.RLock()
	object := s.view().anything(id)
	var shown []byte
	if object != nil {
		shown, err = json.MarshalIndent(object, "", "  ")
		v.Events = s.eventsAbout(id)
	}
	s.mu.RUnlock()
	switch {
	case object == nil:
		s.message(w, http.StatusNotFound, "No such object", "Nothing in this account has that id.", "/_sim"+v.Query, "Dashboard")
	case err != nil:
		s.log.Error("show object", "error", err)
		s.message(w, http.StatusInternalServerError, "Something went wrong", "The object could not be shown.", "/_sim"+v.Query, "Dashboard")
	default:
		v.JSON = string(shown)
		s.sitePage(w, http.StatusOK, "object", v, "")
	}
}

// anything renders what has an id in the API; nil when nothing has it. Secrets are
// not shown again.
func (r reader) anything(id string) map[string]any {
	for _, object := range []any{
		found(&r.sessions, id), found(&r.intents, id), found(&r.methods, id), found(&r.charges, id), found(&r.refunds, id),
		found(&r.disputes, id), found(&r.payouts, id), found(&r.warnings, id), found(&r.reviews, id), found(&r.customers, id),
		found(&r.products, id), found(&r.prices, id), found(&r.plans, id), found(&r.invoices, id), found(&r.items, id), found(&r.clocks, id),
	} {
		if object != nil {
			return renderObject(r, object)
		}
	}
	switch {
	case r.txns.byID[id] != nil:
		return renderTransaction(r, r.txns.byID[id])
	case r.endpoints.byID[id] != nil:
		return renderEndpoint(r.endpoints.byID[id], "")
	case r.events.byID[id] != nil:
		return renderEvent(r, r.events.byID[id], APIVersion)
	}
	return nil
}

func found[T any](kept *table[T], id string) any {
	object := kept.byID[id]
	if object == nil {
		return nil
	}
	return object
}

// eventsAbout are the newest events of one object. The caller holds the lock.
func (s *Server) eventsAbout(id string) []eventRow {
	var out []eventRow
	kept := &s.state.events
	for at := len(kept.order) - 1; at >= 0 && len(out) < rowsShown; at-- {
		row := rowOf(kept.byID[kept.order[at]])
		if row.Object == id {
			out = append(out, row)
		}
	}
	return out
}
