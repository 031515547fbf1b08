package pages

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/web/internal/front"
	"github.com/almoner/almoner/services/web/internal/view"
)

const (
	longestNumber = 64
	longestCode   = 32
)

// verify tells whoever holds a receipt whether it is in force: by the form, or by
// the address in the receipt's QR code.
func (s *Site) verify(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	page := view.Verify{
		Frame:  view.Frame{Title: s.front.Texts(r.Context()).Say("verify.heading"), Private: true},
		Number: typed(query.Get("number"), longestNumber),
		Code:   typed(query.Get("c"), longestCode),
	}
	if number := r.PathValue("number"); number != "" {
		page.Number = typed(number, longestNumber)
	}
	if page.Number == "" || page.Code == "" {
		s.front.Show(w, r, http.StatusOK, &page)
		return
	}
	client := front.ClientAddress(r.Context())
	if !s.guesses.allowed(client, s.now()) {
		page.Answer = "too_many"
		s.front.Show(w, r, http.StatusTooManyRequests, &page)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	checked, err := s.receipts.VerifyReceipt(ctx, &receiptv1.VerifyReceiptRequest{Number: page.Number, CheckCode: page.Code})
	if apperr.CodeOf(err) == apperr.NotFound {
		s.guesses.wrong(client, s.now())
		page.Answer = "not_found"
		s.front.Show(w, r, http.StatusNotFound, &page)
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answers := map[receiptv1.ReceiptState]string{
		receiptv1.ReceiptState_RECEIPT_STATE_IN_FORCE: "in_force",
		receiptv1.ReceiptState_RECEIPT_STATE_VOID:     "void",
		receiptv1.ReceiptState_RECEIPT_STATE_REPLACED: "replaced",
	}
	answer, known := answers[checked.GetState()]
	if !known {
		s.fail(w, r, fmt.Errorf("state %v of a receipt is not known", checked.GetState()))
		return
	}
	page.Answer, page.EndedOn, page.After = answer, dayOf(checked.GetEndedAt()), checked.GetReplacedBy()
	page.Number, page.Organization = checked.GetNumber(), checked.GetOrganizationLegalName()
	page.IssuedOn, err = time.Parse(time.DateOnly, checked.GetIssuedOn())
	if err != nil {
		s.fail(w, r, fmt.Errorf("date of issue: %w", err))
		return
	}
	s.front.Show(w, r, http.StatusOK, &page)
}

// typed is what somebody wrote into a field, as far as it can be meant.
func typed(text string, longest int) string {
	runes := []rune(strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD")))
	return string(runes[:min(len(runes), longest)])
}

const (
	// mostGuesses is how many wrong codes one address may try in a while: far
	// more than a person mistypes, and nothing against 2^50.
	mostGuesses = 30
	guessWhile  = 10 * time.Minute
	// mostGuessers bounds the memory. Beyond it everybody shares one count.
	mostGuessers = 10_000
)

// guesses counts wrong codes by client address. It is safe for concurrent use.
// Each process counts for itself.
type guesses struct {
	mu      sync.Mutex
	since   time.Time
	counted map[string]int
}

func (g *guesses) allowed(client string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn(now)
	return g.counted[g.key(client)] < mostGuesses
}

func (g *guesses) wrong(client string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn(now)
	g.counted[g.key(client)]++
}

// turn begins a new count when the last one is old.
func (g *guesses) turn(now time.Time) {
	if g.counted == nil || now.Sub(g.since) >= guessWhile {
		g.counted, g.since = map[string]int{}, now
	}
}

func (g *guesses) key(client string) string {
	_, known := g.counted[client]
	if !known && len(g.counted) >= mostGuessers {
		return ""
	}
	return client
}
