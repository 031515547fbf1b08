package feed

import (
	"crypto/sha256"
	"encoding/base64"
)

// mark is what a log was up to a position: the event there, and the chain, a hash
// over the ids of all events up to it. A database that was restored may give a
// position to the same event again and to others before it; the id alone would not
// tell that.
type mark struct{ id, chain string }

// same compares two marks of one position. What was written before there were
// chains, or by a process of that time, has none, and is known by its id alone.
func (m mark) same(other mark) bool {
	return m.id == other.id && (m.chain == "" || other.chain == "" || m.chain == other.chain)
}

// link is the chain up to an event, from the chain before it. Behind an event
// without one, as at the beginning, a new chain begins.
func link(before, id string) string {
	sum := sha256.Sum256([]byte(before + "\n" + id))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// follows tells whether an event can be the next one behind a mark.
func (m mark) follows(d delivery) bool {
	return d.prev == m.id && (m.chain == "" || d.chain == "" || d.chain == link(m.chain, d.ID))
}
