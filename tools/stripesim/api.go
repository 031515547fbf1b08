package stripesim

import (
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
)

// maxBody bounds a request body.
const maxBody = 1 << 20

// call is one API request on its way.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	id     string
	params *node
	expand expansion
}

// read is a GET endpoint: it looks, under the read lock.
type read struct {
	params schema
	answer func(c *call, v reader) (map[string]any, *apiError)
}

// write is a POST or DELETE endpoint: it runs inside one transition.
type write struct {
	params schema
	// check runs before the transition: its errors are not kept under a key.
	check func(c *call) *apiError
	apply func(c *call, t *tx) (map[string]any, *apiError)
}

// apiRoutes is the surface, and all of it. What is not here answers Stripe's
// 404; an object that joins later adds its lines here and a file of its own.
func (s *Server) apiRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/", s.unknownURL)
	for pattern, endpoint := range s.allReads() {
		mux.HandleFunc("GET "+pattern, s.serveRead(endpoint))
	}
	for pattern, endpoint := range s.allWrites() {
		mux.HandleFunc(pattern, s.serveWrite(endpoint))
	}
	return mux
}

func (s *Server) allReads() iter.Seq2[string, read] {
	return joined(s.reads(), s.billingReads(), s.aftermathReads(), s.connectReads())
}

func (s *Server) allWrites() iter.Seq2[string, write] {
	return joined(s.writes(), s.billingWrites(), s.aftermathWrites(), s.connectWrites())
}

func joined[T any](parts ...map[string]T) iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for _, part := range parts {
			for pattern, endpoint := range part {
				if !yield(pattern, endpoint) {
					return
				}
			}
		}
	}
}

// Routes are the endpoints of Stripe's API that are there, as "GET /v1/charges/{id}".
func (s *Server) Routes() []string {
	var out []string
	for path := range s.allReads() {
		out = append(out, "GET "+path)
	}
	for pattern := range s.allWrites() {
		out = append(out, pattern)
	}
	slices.Sort(out)
	return out
}

func (s *Server) reads() map[string]read {
	return map[string]read{
		"/v1/account":                           {schema{}, s.getAccount},
		"/v1/balance":                           {schema{}, s.getBalance},
		"/v1/balance_transactions":              {transactionFilters(), s.listTransactions},
		"/v1/balance_transactions/{id}":         {schema{}, getTransaction},
		"/v1/charges":                           {chargeFilters(), s.listCharges},
		"/v1/charges/{id}":                      {schema{}, getCharge},
		"/v1/checkout/sessions":                 {sessionFilters(), s.listSessions},
		"/v1/checkout/sessions/{id}":            {schema{}, getSession},
		"/v1/checkout/sessions/{id}/line_items": {pageParams(nil), getLineItems},
		"/v1/events":                            {eventFilters(), s.listEvents},
		"/v1/events/{id}":                       {schema{}, s.getEvent},
		"/v1/payment_intents":                   {intentFilters(), s.listIntents},
		"/v1/payment_intents/{id}":              {intentParams(), getIntent},
		"/v1/webhook_endpoints":                 {pageParams(nil), s.listEndpoints},
		"/v1/webhook_endpoints/{id}":            {schema{}, getEndpoint},
	}
}

func (s *Server) writes() map[string]write {
	return map[string]write{
		"POST /v1/checkout/sessions":             {sessionParams(), s.checkSession, createSession},
		"POST /v1/checkout/sessions/{id}/expire": {schema{}, s.checkSessionID, expireSession},
		"POST /v1/payment_intents":               {newIntentParams(), checkNewIntent, makeIntent},
		"POST /v1/payment_intents/{id}":          {changedIntentParams(), s.checkIntentID, updateIntent},
		"POST /v1/payment_intents/{id}/cancel":   {cancelIntentParams(), s.checkIntentID, cancelIntent},
		"POST /v1/payment_intents/{id}/confirm":  {confirmParams(), s.checkIntentID, confirmIntent},
		"POST /v1/webhook_endpoints":             {endpointParams(), s.checkNewEndpoint, createEndpoint},
		"POST /v1/webhook_endpoints/{id}":        {endpointUpdateParams(), s.checkEndpointUpdate, updateEndpoint},
		"DELETE /v1/webhook_endpoints/{id}":      {schema{}, s.checkEndpointID, deleteEndpoint},
	}
}

func (s *Server) unknownURL(w http.ResponseWriter, r *http.Request) {
	c, failure := s.open(w, r)
	if failure == nil {
		failure = badRequest("", "", "Unrecognized request URL (%s: %s). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.",
			r.Method, shorten(r.URL.Path))
		failure.Status = http.StatusNotFound
	}
	c.fail(failure)
}

// open does what comes before any endpoint: request id, key, version, account.
func (s *Server) open(w http.ResponseWriter, r *http.Request) (*call, *apiError) {
	s.mu.RLock()
	seed, boots, now := s.state.init.Seed, s.state.boots, s.now().Unix()
	s.mu.RUnlock()
	c := &call{w: w, r: r, id: makeID(seed, "request", boots<<40|s.requests.Add(1))}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Request-Id", c.id)
	header.Set("Stripe-Version", APIVersion)
	header.Set("Cache-Control", "no-cache, no-store")
	failure := checkKey(r)
	if failure != nil {
		return c, failure
	}
	if version := r.Header.Get("Stripe-Version"); version != "" && version != APIVersion {
		return c, badRequest("", "", "Invalid Stripe API version: %s. This simulator speaks %s only.", shorten(version), APIVersion)
	}
	account := r.Header.Get("Stripe-Account")
	if account != "" && account != s.accountID() {
		return c, accountInvalid(account)
	}
	return c, s.limiter.admit(now, s.knobs.rateLimit())
}

func (s *Server) accountID() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.state.init.Account
}

// checkKey takes any test key and nothing else: a live key here means that
// somebody is about to type real cards into a simulator.
func checkKey(r *http.Request) *apiError {
	key, _, basic := r.BasicAuth()
	if !basic {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if strings.EqualFold(scheme, "bearer") {
			key = strings.TrimSpace(token)
		}
	}
	refuse := func(format string, args ...any) *apiError {
		e := badRequest("", "", format, args...)
		e.Status = http.StatusUnauthorized
		return e
	}
	switch {
	case key == "":
		return refuse("You did not provide an API key. You need to provide your API key in the Authorization header, " +
			"using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details.")
	case strings.HasPrefix(key, "sk_live_"), strings.HasPrefix(key, "rk_live_"):
		return refuse("This is a simulator: it refuses live keys. Use a key that begins with sk_test_ or rk_test_.")
	case len(key) > 8 && (strings.HasPrefix(key, "sk_test_") || strings.HasPrefix(key, "rk_test_")):
		return nil
	}
	return refuse("Invalid API Key provided: %s", masked(key))
}

// masked shows as much of a key as Stripe does: enough to recognise it.
func masked(key string) string {
	if len(key) <= 8 {
		return strings.Repeat("*", len(key))
	}
	return key[:4] + strings.Repeat("*", min(len(key)-8, 20)) + key[len(key)-4:]
}

func (s *Server) serveRead(endpoint read) http.HandlerFunc {
	params := withExpand(endpoint.params)
	return func(w http.ResponseWriter, r *http.Request) {
		c, failure := s.open(w, r)
		if failure == nil {
			failure = s.faultBefore(c)
		}
		if failure == nil {
			failure = c.parse(r.URL.RawQuery, params)
		}
		if failure != nil {
			c.fail(failure)
			return
		}
		err := s.refresh()
		if err != nil {
			s.log.Error("bring state up to date", "error", err)
			c.fail(serverFault())
			return
		}
		s.mu.RLock()
		body, failure := endpoint.answer(c, s.view())
		if failure == nil {
			failure = expand(s.view(), body, c.expand)
		}
		seq := s.state.seq
		s.mu.RUnlock()
		err = s.durable(seq)
		if err != nil {
			s.log.Error("wait for the store", "error", err)
			failure = serverFault()
		}
		if failure != nil {
			c.fail(failure)
			return
		}
		c.send(http.StatusOK, s.cut(c, encode(body)))
	}
}

// refresh does what time alone has made due, or reads what the writer wrote.
func (s *Server) refresh() error {
	if s.readOnly != nil {
		return s.follow()
	}
	s.mu.RLock()
	due := s.timerDue()
	s.mu.RUnlock()
	if due {
		return s.tick()
	}
	return nil
}

// view reads the state; the caller holds at least the read lock.
func (s *Server) view() reader {
	return reader{state: s.state, at: s.now(), url: s.cfg.BaseURL, home: s.cfg.Country, name: s.name()}
}

func (s *Server) serveWrite(endpoint write) http.HandlerFunc {
	params := withExpand(endpoint.params)
	return func(w http.ResponseWriter, r *http.Request) {
		c, failure := s.open(w, r)
		if failure == nil && s.readOnly != nil {
			failure = badRequest("", "", "This simulator is open for reading only.")
			failure.Status = http.StatusForbidden
		}
		raw := ""
		if failure == nil {
			raw, failure = c.body()
		}
		if failure == nil {
			failure = c.parse(raw, params)
		}
		if failure == nil && endpoint.check != nil {
			failure = endpoint.check(c)
		}
		if failure != nil {
			c.fail(failure)
			return
		}
		s.execute(c, endpoint)
	}
}

// execute runs a checked request under its idempotency key.
func (s *Server) execute(c *call, endpoint write) {
	key := c.r.Header.Get("Idempotency-Key")
	if c.r.Method != http.MethodPost {
		key = "" // Stripe ignores keys on other methods
	}
	if len(key) > 255 {
		c.fail(badRequest("", "", "Idempotency keys may have at most 255 characters."))
		return
	}
	fingerprint := c.params.fingerprint()
	if key != "" {
		replay, failure := s.claimKey(key, c.r.URL.Path, fingerprint)
		if failure != nil {
			c.fail(failure)
			return
		}
		if replay != nil {
			c.w.Header().Set("Idempotent-Replayed", "true")
			c.w.Header().Set("Idempotency-Key", key)
			c.w.Header().Set("Original-Request", replay.RequestID)
			c.send(replay.Status, []byte(replay.Body))
			return
		}
		defer s.releaseKey(key)
		c.w.Header().Set("Idempotency-Key", key)
	}
	failure := s.faultBefore(c)
	if failure != nil {
		c.fail(failure)
		return
	}
	var status int
	var body []byte
	var hang bool
	var events []*Event
	err := s.transact(requestInfo{c.id, key}, func(t *tx) error {
		var failure *apiError
		status, body, failure = s.answer(c, t, endpoint)
		if failure != nil && !failure.executed {
			return failure
		}
		hang, events = s.knobs.hit("timeout_after_commit", c.subject(), ""), t.rec.Events
		if key != "" {
			t.rec.Idempotency = &idemEntry{
				Key: key, At: t.rec.At, Path: c.r.URL.Path, Fingerprint: fingerprint,
				Status: status, Body: string(body), RequestID: c.id,
			}
		}
		return nil
	})
	var refused *apiError
	switch {
	case errors.As(err, &refused):
		c.fail(refused)
	case err != nil:
		s.log.Error("execute request", "path", c.r.URL.Path, "error", err)
		c.fail(serverFault())
	case hang:
		hangUp(c.r.Context())
	default:
		s.announceFirst(c, events)
		c.send(status, s.cut(c, body))
	}
}

// answer runs the endpoint and renders what the client will see. A refused
// request, and one that a fault stops before it commits, leave no change; a
// declined card leaves the attempt.
func (s *Server) answer(c *call, t *tx, endpoint write) (int, []byte, *apiError) {
	failure := (*apiError)(nil)
	var object map[string]any
	if s.knobs.hit("500_before_commit", c.subject(), "") {
		failure = serverFault()
		failure.executed = true
	} else {
		object, failure = endpoint.apply(c, t)
	}
	if failure == nil {
		failure = expand(t, object, c.expand)
	}
	if failure != nil {
		if !failure.kept {
			t.rec.Puts, t.rec.Events = nil, nil
		}
		c.complete(failure)
		return failure.Status, encode(map[string]any{"error": failure}), failure
	}
	if s.knobs.hit("500_after_commit", c.subject(), "") {
		lost := serverFault()
		c.complete(lost)
		return lost.Status, encode(map[string]any{"error": lost}), nil
	}
	return http.StatusOK, encode(object), nil
}

func withExpand(s schema) schema {
	out := schema{"expand": expandRule()}
	for name, r := range s {
		out[name] = r
	}
	return out
}

// subject is what the "only" of an API fault is compared with.
func (c *call) subject() string { return c.r.Method + " " + c.r.URL.Path }

func (c *call) body() (string, *apiError) {
	raw, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if err != nil {
		e := badRequest("", "", "The request body could not be read, or is larger than 1 MiB.")
		e.Status = http.StatusRequestEntityTooLarge
		return "", e
	}
	kind, _, _ := strings.Cut(c.r.Header.Get("Content-Type"), ";")
	if len(raw) > 0 && kind != "" && strings.TrimSpace(kind) != "application/x-www-form-urlencoded" {
		return "", badRequest("", "", "Invalid request: send parameters as application/x-www-form-urlencoded.")
	}
	if c.r.Method == http.MethodDelete && c.r.URL.RawQuery != "" {
		return c.r.URL.RawQuery + "&" + string(raw), nil // clients put them there or here
	}
	return string(raw), nil
}

func (c *call) parse(raw string, params schema) *apiError {
	var failure *apiError
	c.params, failure = parseForm(raw)
	if failure != nil {
		return failure
	}
	failure = params.check(c.params, "")
	if failure != nil {
		return failure
	}
	c.expand, failure = parseExpand(c.params.strings("expand"))
	return failure
}

func (c *call) complete(e *apiError) {
	e.DocURL = docURL(e.Code)
	e.LogURL = "https://dashboard.stripe.com/test/logs/" + c.id
}

func (c *call) fail(e *apiError) {
	if e.Status == http.StatusBadGateway && e.Type == "" {
		c.w.Header().Set("Content-Type", "text/html")
		c.send(e.Status, []byte("<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"))
		return
	}
	c.complete(e)
	c.send(e.Status, encode(map[string]any{"error": e}))
}

func (c *call) send(status int, body []byte) {
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body) // the client may be gone; what was committed stays
}

func encode(body any) []byte {
	out, err := json.Marshal(body)
	if err != nil {
		// Rendered objects hold strings, numbers, maps and lists only.
		panic("stripesim: encode answer: " + err.Error())
	}
	return out
}
