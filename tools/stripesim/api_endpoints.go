package stripesim

import (
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

func endpointParams() schema {
	return schema{
		"url":            {kind: isURL, max: 5000, required: true},
		"enabled_events": {kind: isList, max: 400, required: true, elem: &rule{kind: isString, max: 100}},
		"api_version":    {kind: isString, max: 100},
		"description":    {kind: isString, max: 5000},
		"metadata":       {kind: isMetadata},
		"connect":        {kind: isBoolean},
	}
}

func endpointUpdateParams() schema {
	return schema{
		"url":            {kind: isURL, max: 5000},
		"enabled_events": {kind: isList, max: 400, elem: &rule{kind: isString, max: 100}},
		"description":    {kind: isString, max: 5000},
		"metadata":       {kind: isMetadata},
		"disabled":       {kind: isBoolean},
	}
}

func (s *Server) checkNewEndpoint(c *call) *apiError {
	if c.params.str("connect") == "true" && s.platform != nil {
		return badRequest("", "connect", "Only platforms have connected accounts to listen to, and this account is connected to one.")
	}
	failure := checkEndpoint(c.params.str("url"), c.params.strings("enabled_events"))
	if failure == nil {
		failure = checkVersion(c.params.str("api_version"))
	}
	return failure
}

// checkEndpoint holds for endpoints however they are made.
func checkEndpoint(address string, events []string) *apiError {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
		return badRequest("url_invalid", "url", "Invalid URL: An explicit scheme (such as https) must be provided.")
	}
	if len(events) == 0 {
		return badRequest("parameter_missing", "enabled_events", "Missing required param: enabled_events.")
	}
	for _, event := range events {
		if event != "*" && !namesEvents(event) {
			return badRequest("", "enabled_events", "Invalid enabled_events: '%s' is not an event type.", shorten(event))
		}
	}
	return nil
}

// namesEvents tells whether a word has the form of an event type or of a group such as
// charge.*: names with dots between them.
func namesEvents(word string) bool {
	names := strings.Split(word, ".")
	last := len(names) - 1
	if last > 0 && names[last] == "*" {
		names = names[:last]
	}
	return last > 0 && !slices.ContainsFunc(names, func(name string) bool {
		return name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != ""
	})
}

func createEndpoint(c *call, t *tx) (map[string]any, *apiError) {
	endpoint := *t.newEndpoint(c.params.str("url"), "")
	endpoint.EnabledEvents, endpoint.APIVersion = c.params.strings("enabled_events"), c.params.str("api_version")
	endpoint.Description, endpoint.Metadata = c.params.str("description"), c.params.pairs("metadata")
	endpoint.Connect = c.params.str("connect") == "true"
	return renderEndpoint(t.putEndpoint(endpoint), endpoint.currentSecret()), nil
}

// newEndpoint fills what no caller chooses; it is not stored yet.
func (t *tx) newEndpoint(address, secret string) *WebhookEndpoint {
	if secret == "" {
		secret = t.newID("secret")
	}
	return &WebhookEndpoint{
		ID: t.newID("endpoint"), Created: t.now.Unix(), URL: address, Secrets: []signingSecret{{Value: secret}},
	}
}

func (t *tx) endpointOf(address string) *WebhookEndpoint {
	for _, id := range t.s.state.endpoints.order {
		endpoint := t.endpoint(id)
		if endpoint.URL == address && !endpoint.Deleted && !endpoint.Connect {
			return endpoint
		}
	}
	return nil
}

func sameEndpoint(a, b *WebhookEndpoint) bool { return a != nil && reflect.DeepEqual(a, b) }

func (e *WebhookEndpoint) currentSecret() string { return e.Secrets[0].Value }

// status is Stripe's word for whether anything is sent.
func (e *WebhookEndpoint) status() string {
	if e.Disabled {
		return "disabled"
	}
	return "enabled"
}

// wants tells whether events of this type go to the endpoint.
func (e *WebhookEndpoint) wants(eventType string) bool {
	return !e.Disabled && !e.Deleted && slices.ContainsFunc(e.EnabledEvents, func(t string) bool {
		return typeMatches(t, eventType)
	})
}

// roll gives the endpoint a new secret; the old one signs along until it ends.
func (t *tx) roll(endpoint *WebhookEndpoint, overlap int64) string {
	next := *endpoint
	next.Secrets = []signingSecret{{Value: t.newID("secret")}}
	for _, old := range endpoint.Secrets {
		if old.ExpiresAt == 0 {
			old.ExpiresAt = t.now.Unix() + overlap
		}
		if old.ExpiresAt > t.now.Unix() {
			next.Secrets = append(next.Secrets, old)
		}
	}
	return t.putEndpoint(next).currentSecret()
}

func liveEndpoint(st *state, id string) (*WebhookEndpoint, *apiError) {
	endpoint := st.endpoints.byID[id]
	if endpoint == nil || endpoint.Deleted {
		return nil, missing("webhook endpoint", "webhook_endpoint", shorten(id))
	}
	return endpoint, nil
}

func (s *Server) checkEndpointID(c *call) *apiError {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, failure := liveEndpoint(s.state, c.r.PathValue("id"))
	return failure
}

func (s *Server) checkEndpointUpdate(c *call) *apiError {
	failure := s.checkEndpointID(c)
	if failure == nil && c.params.get("enabled_events") != nil {
		failure = checkEndpoint("http://127.0.0.1", c.params.strings("enabled_events"))
	}
	return failure
}

func updateEndpoint(c *call, t *tx) (map[string]any, *apiError) {
	found, failure := liveEndpoint(t.s.state, c.r.PathValue("id"))
	if failure != nil {
		return nil, failure
	}
	next := *found
	p := c.params
	if address := p.str("url"); address != "" {
		next.URL = address
	}
	if events := p.strings("enabled_events"); len(events) > 0 {
		next.EnabledEvents = events
	}
	if text := p.str("description"); text != "" {
		next.Description = text
	}
	if p.get("disabled") != nil {
		next.Disabled = p.str("disabled") == "true"
	}
	next.Metadata = mergeMetadata(next.Metadata, p.get("metadata"))
	return renderEndpoint(t.putEndpoint(next), ""), nil
}

// mergeMetadata follows Stripe: named keys are set, an empty value unsets one,
// and an empty hash unsets all.
func mergeMetadata(have map[string]string, given *node) map[string]string {
	if given == nil {
		return have
	}
	if given.fields == nil {
		return nil
	}
	out := maps.Clone(metadataOf(have))
	for name, value := range given.fields {
		out[name] = value.value
		if value.value == "" {
			delete(out, name)
		}
	}
	return out
}

func deleteEndpoint(c *call, t *tx) (map[string]any, *apiError) {
	found, failure := liveEndpoint(t.s.state, c.r.PathValue("id"))
	if failure != nil {
		return nil, failure
	}
	next := *found
	next.Deleted = true
	t.putEndpoint(next)
	return map[string]any{"id": next.ID, "object": "webhook_endpoint", "deleted": true}, nil
}

func getEndpoint(c *call, v reader) (map[string]any, *apiError) {
	endpoint, failure := liveEndpoint(v.state, c.r.PathValue("id"))
	if failure != nil {
		return nil, failure
	}
	return renderEndpoint(endpoint, ""), nil
}

func (s *Server) listEndpoints(c *call, v reader) (map[string]any, *apiError) {
	return listing[WebhookEndpoint]{
		url: "/v1/webhook_endpoints", kind: "webhook endpoint", table: &v.endpoints,
		created: func(row *WebhookEndpoint) int64 { return row.Created },
		keep:    func(row *WebhookEndpoint) bool { return !row.Deleted },
		render:  func(row *WebhookEndpoint) map[string]any { return renderEndpoint(row, "") },
	}.page(c, v)
}
