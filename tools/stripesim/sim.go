package stripesim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// simRoutes is the control surface, which no Stripe has. Programs send JSON,
// people use the form on /_sim.
func (s *Server) simRoutes(mux *http.ServeMux) {
	// Who opens the address that the program prints means the dashboard.
	mux.Handle("GET /{$}", http.RedirectHandler("/_sim", http.StatusSeeOther))
	mux.HandleFunc("GET /_sim", s.dashboard)
	mux.HandleFunc("GET /_sim/{$}", s.dashboard)
	mux.HandleFunc("GET /_sim/style.css", serveStyle)
	mux.HandleFunc("GET /_sim/objects", s.objectPage)
	mux.HandleFunc("GET /_sim/objects/{id}", s.objectPage)
	mux.HandleFunc("GET /_sim/truth", func(w http.ResponseWriter, _ *http.Request) { sendJSON(w, http.StatusOK, s.Truth()) })
	mux.HandleFunc("GET /_sim/knobs", func(w http.ResponseWriter, _ *http.Request) { sendJSON(w, http.StatusOK, s.knobs.show()) })
	mux.HandleFunc("GET /_sim/accounts", s.getAccounts)
	mux.HandleFunc("POST /_sim/knobs", s.control(s.postKnobs))
	mux.HandleFunc("POST /_sim/clock", s.control(s.postClock))
	s.billingControls(mux)
	mux.HandleFunc("POST /_sim/resend", s.control(s.postResend))
	mux.HandleFunc("POST /_sim/foreign_charge", s.control(s.postForeignCharge))
	mux.HandleFunc("POST /_sim/webhook_endpoints", s.control(s.postEndpoint))
	mux.HandleFunc("POST /_sim/webhook_endpoints/{id}/roll", s.control(s.postRoll))
	s.simAftermath(mux)
}

func serveStyle(w http.ResponseWriter, _ *http.Request) {
	style, err := pageFiles.ReadFile("page/style.css")
	if err != nil {
		http.Error(w, "no style", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(style)
}

func sendJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(encode(body), '\n'))
}

// control reads a JSON document, or a form whose fields are the same names, and
// answers in kind.
func (s *Server) control(act func(r *http.Request, document []byte) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		isForm := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
		document, err := readControl(r, isForm)
		var answer any
		if err == nil && s.readOnly != nil {
			err = errReadOnly
		}
		if err == nil {
			answer, err = act(r, document)
		}
		switch {
		case err != nil && isForm:
			s.showDashboard(w, http.StatusBadRequest, err.Error())
		case err != nil:
			sendJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		case isForm:
			http.Redirect(w, r, "/_sim"+s.accountQuery(), http.StatusSeeOther)
		default:
			sendJSON(w, http.StatusOK, answer)
		}
	}
}

func readControl(r *http.Request, isForm bool) ([]byte, error) {
	if !isForm {
		return io.ReadAll(r.Body)
	}
	err := r.ParseForm()
	if err != nil {
		return nil, err
	}
	if knobs := r.PostForm.Get("knobs"); knobs != "" {
		return []byte(knobs), nil
	}
	fields := map[string]any{}
	for name := range r.PostForm {
		value := r.PostForm.Get(name)
		if value == "" {
			continue // a field left open
		}
		number, err := strconv.ParseInt(value, 10, 64)
		if err == nil {
			fields[name] = number
			continue
		}
		fields[name] = value
	}
	return json.Marshal(fields)
}

func (s *Server) postKnobs(_ *http.Request, document []byte) (any, error) {
	err := s.knobs.set(document, s.listening())
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.readOnly == nil {
		s.schedulePayouts(s.now().Unix())
	}
	s.mu.Unlock()
	// An order without hold lets go of what an older one held back.
	s.outbox.signal()
	return s.knobs.show(), nil
}

func (s *Server) postClock(_ *http.Request, document []byte) (any, error) {
	var asked struct {
		Advance *int64 `json:"advance_seconds"`
		Set     *int64 `json:"set"`
	}
	err := strict(document, &asked)
	if err != nil {
		return nil, err
	}
	const century = 100 * 366 * 86_400
	var now time.Time
	switch {
	case asked.Advance != nil && asked.Set == nil && *asked.Advance <= century:
		now, err = s.setClock(func(now time.Time) time.Time { return now.Add(time.Duration(*asked.Advance) * time.Second) })
	case asked.Set != nil && asked.Advance == nil && *asked.Set < 1<<33:
		now, err = s.setClock(func(time.Time) time.Time { return time.Unix(*asked.Set, 0) })
	default:
		err = errors.New("give advance_seconds (at most a century), or set (unix seconds)")
	}
	if err != nil {
		return nil, err
	}
	return map[string]int64{"now": now.Unix()}, nil
}

// postResend sends an event once more, to all endpoints or to one.
func (s *Server) postResend(_ *http.Request, document []byte) (any, error) {
	var asked struct {
		Event    string `json:"event"`
		Endpoint string `json:"webhook_endpoint"`
	}
	err := strict(document, &asked)
	if err != nil {
		return nil, err
	}
	sent := 0
	err = s.transact(requestInfo{}, func(t *tx) error {
		event := s.state.events.byID[asked.Event]
		if event == nil {
			return errors.New("there is no such event")
		}
		for _, endpoint := range t.listeners() {
			id := endpoint.ID
			if (asked.Endpoint == "" && endpoint.wants(event.Type)) || (asked.Endpoint == id && !endpoint.Deleted) {
				t.rec.Resends = append(t.rec.Resends, resend{Event: event.ID, Endpoint: id})
				sent++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return map[string]int{"resent": sent}, nil
}

// postForeignCharge takes money as another program on the same account would:
// no session, and none of our metadata.
func (s *Server) postForeignCharge(_ *http.Request, document []byte) (any, error) {
	asked := struct {
		Amount      int64             `json:"amount"`
		Currency    string            `json:"currency"`
		Description string            `json:"description"`
		Card        string            `json:"card"`
		Metadata    map[string]string `json:"metadata"`
	}{Currency: "usd", Card: "4242424242424242", Metadata: map[string]string{}}
	err := strict(document, &asked)
	if err != nil {
		return nil, err
	}
	asked.Currency = strings.ToLower(asked.Currency)
	failure := checkCurrency(asked.Currency, "currency")
	if failure == nil {
		failure = checkAmount(asked.Amount, asked.Currency)
	}
	if failure != nil {
		return nil, failure
	}
	c, refused := readCard(asked.Card)
	if refused != "" {
		return nil, errors.New(refused)
	}
	if c.secure == secureChallenge {
		return nil, errors.New("a foreign charge has nobody to ask for 3-D Secure")
	}
	var intent *PaymentIntent
	err = s.transact(requestInfo{}, func(t *tx) error {
		intent = t.createIntent(PaymentIntent{
			ID: t.newID("payment_intent"), Created: t.now.Unix(), Amount: asked.Amount, Currency: asked.Currency,
			Status: intentNeedsMethod, CaptureMethod: captureAutomatic, Description: asked.Description, Metadata: asked.Metadata,
		})
		method := t.newMethod(payment{card: c, expMonth: 12, expYear: t.now.Year() + 3})
		intent = t.attempt(intent, method, "")
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return renderIntent(s.view(), intent), nil
}
