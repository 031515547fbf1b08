package domain_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// chain seals so many gifts into the books of one organization.
func chain(t *testing.T, entries int) ([]domain.Entry, domain.Head) {
	t.Helper()
	head := domain.Head{OrganizationID: "org-relief"}
	var sealed []domain.Entry
	for i := range entries {
		g := appealGift(int64(10_00+i), 33)
		g.ChargeID = fmt.Sprintf("ch_%d", i+1)
		draft, err := domain.BookGift(g)
		if err != nil {
			t.Fatal(err)
		}
		var entry domain.Entry
		entry, head = head.Seal(draft, domain.Provenance{
			EventID: fmt.Sprintf("event-%d", i+1), TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
			PostedAt: paidAt.Add(time.Second), BookedOn: "2026-03-14",
		})
		sealed = append(sealed, entry)
	}
	return sealed, head
}

func walk(entries []domain.Entry, head domain.Head) string {
	w := domain.NewWalk("org-relief")
	for _, e := range entries {
		fault := w.Next(e)
		if fault != "" {
			return fault
		}
	}
	return w.Finish(head)
}

func TestTheHashIsWhatTheDescriptionSays(t *testing.T) {
	t.Parallel()
	entries, _ := chain(t, 2)
	netstring := func(texts ...string) string {
		var b strings.Builder
		for _, text := range texts {
			fmt.Fprintf(&b, "%d:%s,", len(text), text)
		}
		return b.String()
	}
	// Written out by hand from the description, not with the code it describes.
	text := netstring("almoner.ledger.entry.v1", entries[0].Hash, "org-relief", "2", "2026-03-14",
		"1773480413000000", "1773480414000000", "charge:gross/acct_relief/ch_2", "gift", "1", "Gift", "event-2",
		"acct_relief", "3b1f6f0a-2f54-4b0e-9f7a-6e2a4b8c9d10", "4bf92f3577b34da6a3ce929d0e0e4736", "pi_1 ch_2", "3",
		"1100", "EUR", "1034", "general", "appeal-flood", "", "", "online", "",
		"4000", "EUR", "-1001", "general", "appeal-flood", "", "", "online", "",
		"4040", "EUR", "-33", "general", "appeal-flood", "", "", "online", "")
	sum := sha256.Sum256([]byte(text))
	if got, want := entries[1].Hash, hex.EncodeToString(sum[:]); got != want {
		t.Fatalf("hash %s, want %s", got, want)
	}
}

func TestAnUntouchedChainIsTrue(t *testing.T) {
	t.Parallel()
	for _, length := range []int{0, 1, 7} {
		entries, head := chain(t, length)
		if fault := walk(entries, head); fault != "" {
			t.Errorf("%d entries: %s", length, fault)
		}
	}
}

func TestEveryKindOfTamperingIsFound(t *testing.T) {
	t.Parallel()
	for name, tamper := range map[string]struct {
		do   func([]domain.Entry, *domain.Head) []domain.Entry
		want string
	}{
		"an amount changed": {func(e []domain.Entry, _ *domain.Head) []domain.Entry {
			e[2].Postings[0].Amount.Minor += 100
			e[2].Postings[1].Amount.Minor -= 100
			return e
		}, "entry 3 has been changed"},
		"a fund changed": {func(e []domain.Entry, _ *domain.Head) []domain.Entry {
			e[2].Postings[1].Fund = "winter"
			return e
		}, "entry 3 has been changed"},
		"an entry sealed again after a change": {func(e []domain.Entry, _ *domain.Head) []domain.Entry {
			e[1].Description = "Gift, really"
			e[1].Hash = e[1].ComputeHash()
			return e
		}, "entry 3 does not continue the chain"},
		"an entry taken out": {func(e []domain.Entry, _ *domain.Head) []domain.Entry {
			return append(e[:2], e[3:]...)
		}, "entry 4 follows entry 2"},
		"two swapped": {func(e []domain.Entry, _ *domain.Head) []domain.Entry {
			e[1], e[2] = e[2], e[1]
			e[1].Number, e[2].Number = 2, 3
			return e
		}, "entry 2 does not continue the chain"},
		"the newest cut off": {func(e []domain.Entry, _ *domain.Head) []domain.Entry {
			return e[:4]
		}, "the chain ends at entry 4, its head says 5"},
		"all cut off": {func([]domain.Entry, *domain.Head) []domain.Entry {
			return nil
		}, "the chain ends at entry 0, its head says 5"},
		"the head set back": {func(e []domain.Entry, h *domain.Head) []domain.Entry {
			*h = domain.Head{OrganizationID: "org-relief", Number: 3, Hash: e[2].Hash}
			return e
		}, "the chain goes on to entry 5, its head says 3"},
		"the newest sealed again": {func(e []domain.Entry, _ *domain.Head) []domain.Entry {
			e[4].Postings[1].Fund = "winter"
			e[4].Hash = e[4].ComputeHash()
			return e
		}, "the head's hash is not the hash of entry 5"},
		"sealed, but no entry": {func(e []domain.Entry, _ *domain.Head) []domain.Entry {
			e[0].Postings = e[0].Postings[:1]
			e[0].Hash = e[0].ComputeHash()
			return e
		}, "entry 1 is no entry"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entries, head := chain(t, 5)
			entries = tamper.do(entries, &head)
			fault := walk(entries, head)
			if !strings.HasPrefix(fault, tamper.want) {
				t.Fatalf("found %q, want %q", fault, tamper.want)
			}
		})
	}
}
