package app_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/receipt/internal/app"
)

func TestWrongTokenAndUnknownNumberAreTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1), id(2))
	w.issue()
	link, err := w.GetReceiptLink(t.Context(), id(1))
	if err != nil {
		t.Fatalf("get link: %v", err)
	}
	number, token := link.Number.String(), link.Token
	_, err = w.GetReceipt(t.Context(), number, token)
	if err != nil {
		t.Fatalf("the right token: %v", err)
	}

	_, unknown := w.GetReceipt(t.Context(), "REFUGE-2026-000099", token)
	for name, try := range map[string][2]string{
		"another receipt's token": {"REFUGE-2026-000002", token},
		"no token":                {number, ""},
		"shortened token":         {number, token[:len(token)-1]},
		"lengthened token":        {number, token + "A"},
		"token as bytes":          {number, "\x00\xff"},
		"small letters":           {strings.ToLower(number), token},
		"no number":               {"", token},
		"number with NUL":         {number + "\x00", token},
		"very long number":        {strings.Repeat("9", 1<<20), token},
	} {
		_, err := w.GetReceipt(t.Context(), try[0], try[1])
		if apperr.CodeOf(err) != apperr.NotFound || !reflect.DeepEqual(apperr.Public(err), apperr.Public(unknown)) {
			t.Errorf("%s: %v, want the same as for an unknown number: %v", name, err, unknown)
		}
	}
}

func TestThereIsNoLinkBeforeTheIssue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1))
	for _, donation := range []string{id(1), id(2), "", "no id", "\x00", "\x00" + id(1) + "\x00"} {
		_, err := w.GetReceiptLink(t.Context(), donation)
		if apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("link of %q = %v, want not found", donation, err)
		}
	}
}

func TestBaseURLMustBeAnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, base := range []string{"", "give.example.org", "/here", "http://[::1"} {
		cfg := w.cfg
		cfg.BaseURL = base
		_, err := app.New(cfg)
		if err == nil {
			t.Errorf("%q is taken for an address", base)
		}
	}
}

// A site below a path, on an IPv6 address, in development.
func TestLinksFollowTheBaseURL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.BaseURL = "http://[::1]:8080/give/"
	w.restart()
	w.give(id(1))
	w.issue()
	w.send()
	letter := w.mail.only(t)
	if !strings.Contains(letter.Text, "http://[::1]:8080/give/receipts/REFUGE-2026-000001/") {
		t.Errorf("letter:\n%s", letter.Text)
	}
}

// Not being able to look is not the same as not finding.
func TestUnreadableDatabaseIsNotNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1))
	w.issue()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, receiptErr := w.GetReceipt(gone, "REFUGE-2026-000001", "any")
	_, linkErr := w.GetReceiptLink(gone, id(1))
	_, sumErr := w.SumReceipts(gone)
	_, parkedErr := w.ListParked(gone)
	for what, err := range map[string]error{"receipt": receiptErr, "link": linkErr, "sums": sumErr, "parked": parkedErr} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s = %v, want canceled", what, err)
		}
	}
	w.store.crash = func() (bool, bool) { return true, false }
	err := w.RetryParked(t.Context(), app.GiftQueue, "")
	if !errors.Is(err, errCrash) {
		t.Errorf("retry = %v, want the store's error", err)
	}
}
