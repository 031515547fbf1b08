package stripesim

import (
	"errors"
	"net/http"
)

// postEndpoint makes an endpoint as staff do in the Dashboard, who may choose a
// version that the API of this account does not know.
func (s *Server) postEndpoint(_ *http.Request, document []byte) (any, error) {
	asked := struct {
		URL        string   `json:"url"`
		Events     []string `json:"enabled_events"`
		APIVersion string   `json:"api_version"`
	}{Events: []string{"*"}}
	err := strict(document, &asked)
	if err != nil {
		return nil, err
	}
	failure := checkEndpoint(asked.URL, asked.Events)
	if failure == nil {
		failure = checkDashboardVersion(asked.APIVersion)
	}
	if failure != nil {
		return nil, failure
	}
	var made *WebhookEndpoint
	err = s.transact(requestInfo{}, func(t *tx) error {
		next := *t.newEndpoint(asked.URL, "")
		next.EnabledEvents, next.APIVersion = asked.Events, asked.APIVersion
		made = t.putEndpoint(next)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return renderEndpoint(made, made.currentSecret()), nil
}

func (s *Server) postRoll(r *http.Request, document []byte) (any, error) {
	asked := struct {
		Overlap int64 `json:"overlap_seconds"`
	}{Overlap: 86_400}
	if len(document) > 0 {
		err := strict(document, &asked)
		if err != nil {
			return nil, err
		}
	}
	if asked.Overlap < 0 || asked.Overlap > 86_400 {
		return nil, errors.New("overlap_seconds is 0 to 86400: an old secret lives at most 24 hours")
	}
	var secret string
	err := s.transact(requestInfo{}, func(t *tx) error {
		endpoint, failure := liveEndpoint(s.state, r.PathValue("id"))
		if failure != nil {
			return failure
		}
		secret = t.roll(endpoint, asked.Overlap)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return map[string]string{"secret": secret}, nil
}
