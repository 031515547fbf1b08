package anyorder

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"
)

// post catches webhooks and keeps them for whom they are about.
type post struct {
	mu     sync.Mutex
	caught []webhook
	owners map[string]*story // by every id of Stripe's and of ours
}

// webhook is a body as Stripe sent it. Each attempt to deliver it is signed anew.
type webhook struct {
	kind string
	body []byte
	// ids that its object names, the object's own first.
	ids []string
}

func newPost() *post { return &post{owners: map[string]*story{}} }

func (p *post) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var told struct {
		Type string `json:"type"`
		Data struct {
			Object map[string]any `json:"object"`
		} `json:"data"`
	}
	err = json.Unmarshal(body, &told)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	letter := webhook{kind: told.Type, body: body}
	for _, name := range []string{"id", "payment_intent", "subscription", "invoice", "charge"} {
		if id, is := told.Data.Object[name].(string); is && id != "" {
			letter.ids = append(letter.ids, id)
		}
	}
	if marks, is := told.Data.Object["metadata"].(map[string]any); is {
		if id, is := marks["donation_id"].(string); is {
			letter.ids = append(letter.ids, id)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.caught = append(p.caught, letter)
}

// sort gives each story what came for it. One id leads to the next: a session names
// its payment, a payment its invoice, an invoice its plan.
func (p *post) sort() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := p.caught
	for again := true; again; {
		again = false
		var unknown []webhook
		for _, letter := range left {
			owner := p.ownerOf(letter)
			if owner == nil {
				unknown = append(unknown, letter)
				continue
			}
			again = true
			owner.take(letter)
			for _, id := range letter.ids {
				p.owners[id] = owner
			}
		}
		left = unknown
	}
	p.caught = nil
	if len(left) > 0 {
		return fmt.Errorf("%d webhooks are about nothing that we know, the first is %s", len(left), left[0].body)
	}
	return nil
}

func (p *post) ownerOf(letter webhook) *story {
	for _, id := range letter.ids {
		if owner := p.owners[id]; owner != nil {
			return owner
		}
	}
	return nil
}

// hand gives a webhook to the endpoint, as Stripe would.
func (w *world) hand(letter webhook) error {
	stamp := strconv.FormatInt(w.clock.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(webhookSecret))
	mac.Write([]byte(stamp + "."))
	mac.Write(letter.body)
	request := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, "/webhooks/stripe", strings.NewReader(string(letter.body)))
	request.Header.Set("Stripe-Signature", "t="+stamp+",v1="+hex.EncodeToString(mac.Sum(nil)))
	answer := httptest.NewRecorder()
	w.door.ServeHTTP(answer, request)
	if answer.Code != http.StatusOK {
		return fmt.Errorf("%s was answered with %d", letter.kind, answer.Code)
	}
	return nil
}

// atOnce is how many stories are told at the same time: their webhooks share commits.
const atOnce = 48

// each does something for every story, many at a time.
func each(stories []*story, do func(*story) error) error {
	var mu sync.Mutex
	var first error
	var workers sync.WaitGroup
	queue := make(chan *story)
	for range min(atOnce, len(stories)) {
		workers.Go(func() {
			for s := range queue {
				err := do(s)
				if err != nil {
					mu.Lock()
					if first == nil {
						first = fmt.Errorf("%s: %w", s.script.name, err)
					}
					mu.Unlock()
				}
			}
		})
	}
	for _, s := range stories {
		queue <- s
	}
	close(queue)
	workers.Wait()
	return first
}

// pass lets Stripe do what takes seconds.
func (w *world) pass(long time.Duration) error {
	w.clock.Advance(long)
	_, taken := w.ask(http.MethodPost, "/_sim/clock", "application/json", `{"advance_seconds": 0}`)
	if !taken {
		return fmt.Errorf("the simulator's clock does not move")
	}
	return nil
}
