package stripesim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// knobs are the faults that a test asks for. They live in memory only: a restart
// is a simulator without faults.
type knobs struct {
	mu         sync.Mutex
	seedValue  uint64
	draws      uint64
	faults     map[string]*fault
	order      orderKnob
	apiVersion string
	rates      map[string]Settlement
	configured map[string]Settlement
	settings   settings
}

// fault strikes the next Count times, or each time with probability P.
type fault struct {
	Count int     `json:"count,omitempty"`
	P     float64 `json:"p,omitempty"`
	// Only restricts it to subjects with this prefix: an event type, or method
	// and path of a request ("POST /v1/checkout").
	Only string `json:"only,omitempty"`
	// Endpoint restricts a fault of deliveries to those of one webhook endpoint.
	Endpoint string `json:"webhook_endpoint,omitempty"`
	// MS is how long latency and delay last, in milliseconds.
	MS int64 `json:"ms,omitempty"`
}

func webhookFaults() []string {
	return []string{
		"duplicate", "twin", "drop", "delay", "fail", "corrupt_signature", "stale_timestamp",
		"future_timestamp", "livemode_flip", "foreign_object", "async_capture",
	}
}

// unaddressed are those webhook faults that change what is announced, to whomever.
func unaddressed() []string { return []string{"async_capture"} }

func apiFaults() []string {
	return []string{
		"500_before_commit", "500_after_commit", "503", "429", "lock_timeout", "timeout_after_commit",
		"html_502", "latency", "truncate_body", "deliver_before_api_response",
	}
}

// worldFaults go wrong in banks, neither on the way to the API nor from it.
func worldFaults() []string {
	return []string{"debit_early_transaction", "payout_fails", "payout_fails_late"}
}

func newKnobs(rates map[string]Settlement, schedule string) *knobs {
	if rates == nil {
		rates = map[string]Settlement{}
	}
	k := &knobs{faults: map[string]*fault{}, rates: maps.Clone(rates), configured: maps.Clone(rates)}
	k.settings.bySchedule = schedule
	k.settings.reset()
	return k
}

func (k *knobs) seed(value uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seedValue = value
}

// hit tells whether a fault strikes. The draw depends on the seed, the fault and
// the key alone; an empty key draws by turn.
func (k *knobs) hit(name, subject, key string) bool { return k.hitAt("", name, subject, key) }

// hitAt tells whether a fault strikes what goes to one webhook endpoint.
func (k *knobs) hitAt(endpoint, name, subject, key string) bool {
	_, struck := k.strike(endpoint, name, subject, key)
	return struck
}

func (k *knobs) strike(endpoint, name, subject, key string) (fault, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f := k.faults[name]
	if f == nil || !strings.HasPrefix(subject, f.Only) || (f.Endpoint != "" && f.Endpoint != endpoint) {
		return fault{}, false
	}
	if f.Count > 0 {
		f.Count--
		if f.Count == 0 && f.P == 0 {
			delete(k.faults, name)
		}
		return *f, true
	}
	draw := uint64(0)
	if key == "" {
		k.draws++
		draw = k.draws
	}
	return *f, f.P > 0 && chance(k.seedValue, "knob "+name, key, draw) < f.P
}

// addressee is the only endpoint that a fault is about; empty for all.
func (k *knobs) addressee(name string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f := k.faults[name]; f != nil {
		return f.Endpoint
	}
	return ""
}

func (k *knobs) delay(endpoint, subject, key string) int64 {
	f, struck := k.strike(endpoint, "delay", subject, key)
	if !struck {
		return 0
	}
	return f.MS
}

func (k *knobs) ordering() orderKnob {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.order
}

// renderVersion is the API version that events are rendered in.
func (k *knobs) renderVersion(endpoint string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.apiVersion != "" {
		return k.apiVersion
	}
	if endpoint != "" {
		return endpoint
	}
	return APIVersion
}

func (k *knobs) settlement(currency string) (Settlement, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	to, ok := k.rates[currency]
	return to, ok && to.To != currency
}

// show is what GET /_sim/knobs answers.
func (k *knobs) show() map[string]any {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := map[string]any{"order": k.order, "api_version": orNull(k.apiVersion), "settlement": maps.Clone(k.rates)}
	k.settings.show(out)
	if k.order.Mode == "" {
		out["order"] = nil
	}
	for _, name := range slices.Concat(webhookFaults(), apiFaults(), worldFaults()) {
		out[name] = nil
		if f := k.faults[name]; f != nil {
			copied := *f
			out[name] = &copied
		}
	}
	return out
}

// set turns the knobs that the document names and leaves the others; all of it
// or, when one is wrong, nothing.
func (k *knobs) set(document []byte, listening map[string]bool) error {
	var given map[string]json.RawMessage
	err := json.Unmarshal(document, &given)
	if err != nil {
		return fmt.Errorf("knobs are not a JSON object: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	faults, order, version, rates, settings := maps.Clone(k.faults), k.order, k.apiVersion, maps.Clone(k.rates), k.settings
	if raw, ok := given["reset"]; ok && string(raw) == "true" {
		faults, order, version, rates = map[string]*fault{}, orderKnob{}, "", maps.Clone(k.configured)
		settings.reset()
	}
	for name, raw := range given {
		switch {
		case name == "reset":
		case name == "order":
			order, err = parseOrder(raw)
			if err == nil {
				err = checkListening(order.Endpoint, listening)
			}
		case name == "api_version":
			version, err = parseVersion(raw)
		case name == "settlement":
			rates, err = parseSettlement(raw)
		case slices.Contains(webhookFaults(), name), slices.Contains(apiFaults(), name), slices.Contains(worldFaults(), name):
			var f *fault
			f, err = parseFault(name, raw)
			if f != nil {
				err = checkListening(f.Endpoint, listening)
			}
			faults[name] = f
			if f == nil {
				delete(faults, name)
			}
		default:
			err = settings.set(name, raw)
		}
		if err != nil {
			return fmt.Errorf("knob %q: %w", name, err)
		}
	}
	k.faults, k.order, k.apiVersion, k.rates, k.settings = faults, order, version, rates, settings
	return nil
}

func checkListening(endpoint string, listening map[string]bool) error {
	if endpoint == "" || listening[endpoint] {
		return nil
	}
	return fmt.Errorf("no webhook endpoint here is %q", shorten(endpoint))
}

func parseVersion(raw json.RawMessage) (string, error) {
	var version *string
	err := json.Unmarshal(raw, &version)
	if err != nil || version == nil {
		return "", err
	}
	return *version, nil
}

func parseSettlement(raw json.RawMessage) (map[string]Settlement, error) {
	rates := map[string]Settlement{}
	err := json.Unmarshal(raw, &rates)
	if err != nil {
		return nil, err
	}
	return rates, checkSettlement(rates)
}

func parseOrder(raw json.RawMessage) (orderKnob, error) {
	var order orderKnob
	if string(raw) == "null" {
		return order, nil
	}
	err := json.Unmarshal(raw, &order.Mode)
	if err != nil {
		order = orderKnob{}
		err = strict(raw, &order)
	}
	if err != nil {
		return orderKnob{}, err
	}
	if order.Window == 0 {
		order.Window = 8
	}
	if order.Window < 1 || order.Window > 10_000 || order.HoldMS < 0 || order.HoldMS > 60_000 {
		return orderKnob{}, fmt.Errorf("window is 1 to 10000, hold_ms 0 to 60000")
	}
	if !slices.Contains([]string{"", orderFIFO, orderShuffle, orderReverse, orderHold}, order.Mode) {
		return orderKnob{}, errors.New("mode is fifo, shuffle, reverse or hold")
	}
	if (order.Only != "") != (order.Mode == orderHold) {
		return orderKnob{}, errors.New("hold, and nothing else, needs only: the type of event that it holds back")
	}
	return order, nil
}

// parseFault reads a number, a truth value or the long form. A number is a
// probability; for all but webhook faults a whole number is a count.
func parseFault(name string, raw json.RawMessage) (*fault, error) {
	text := string(bytes.TrimSpace(raw))
	f := fault{}
	number, numberErr := strconv.ParseFloat(text, 64)
	whole, wholeErr := strconv.Atoi(text)
	switch {
	case text == "null" || text == "false" || text == "0":
		return nil, nil
	case text == "true":
		f.P = 1
	case wholeErr == nil && name == "delay":
		f = fault{P: 1, MS: int64(whole) * 1000}
	case wholeErr == nil && name == "latency":
		f = fault{P: 1, MS: int64(whole)}
	case wholeErr == nil && !slices.Contains(webhookFaults(), name):
		f.Count = whole
	case numberErr == nil:
		f.P = number
	default:
		err := strict(raw, &f)
		if err != nil {
			return nil, err
		}
		// A length alone means always.
		if f.Count == 0 && f.P == 0 && f.MS > 0 {
			f.P = 1
		}
	}
	if f.Endpoint != "" && (!slices.Contains(webhookFaults(), name) || slices.Contains(unaddressed(), name)) {
		return nil, errors.New("does not differ by webhook_endpoint")
	}
	if f.P < 0 || f.P > 1 || f.Count < 0 || f.MS < 0 || f.MS > 86_400_000 {
		return nil, fmt.Errorf("p is 0 to 1, count at least 0, ms at most a day")
	}
	return &f, nil
}

func strict(raw json.RawMessage, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
