package domain

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The hash chain
//
// Each organization's entries are a chain: an entry's hash covers the hash of
// the entry before it, so changing, adding, removing or reordering anything
// changes every hash after it, and the head, which is kept apart, shows when
// the newest entries are cut off. (Whoever can write the whole database can
// compute a new chain from start to end; against that, keep a head hash
// somewhere else; a journal in plain text ends with it.)
//
// The hash is SHA-256, in lower-case hex, of a sequence of netstrings. A
// netstring is the length of a text in bytes as decimal digits, a colon, the
// text in UTF-8, and a comma: "4:gift,". Numbers are decimal, times are unix
// microseconds. The sequence is:
//
//	"almoner.ledger.entry.v1", previous hash (empty for the first), organization
//	id, number, booking date (YYYY-MM-DD), occurred at, posted at, business key,
//	rule, rule version, description, event id, Stripe account, donation id, trace
//	id, Stripe ids with single spaces between them, count of postings;
//	and for each posting: account, currency, minor units, fund, appeal,
//	fundraiser, team, channel, item.
const chainFormat = "almoner.ledger.entry.v1"

// Provenance is what an entry knows about its own coming into the books.
type Provenance struct {
	EventID  string
	TraceID  string // 32 hex digits, or empty
	PostedAt time.Time
	BookedOn string // YYYY-MM-DD in the organization's time zone
}

// Entry is a journal entry: numbered, and sealed by a hash.
type Entry struct {
	Header
	Provenance
	Number       int64
	Postings     []Posting
	PreviousHash string
	Hash         string
}

// References are the ids that the entry can be found by, each once: of its
// event, donation and trace, and of the Stripe objects that it rests on. The
// Stripe account is none of them, for it is behind every entry.
func (e Entry) References() []string {
	ids := append([]string{e.EventID, e.DonationID, e.TraceID}, e.StripeIDs...)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	return slices.DeleteFunc(ids, func(id string) bool { return id == "" })
}

// Head is the newest entry of an organization's chain: number 0 and no hash
// before the first.
type Head struct {
	OrganizationID string
	Number         int64
	Hash           string
}

// Seal gives a draft the number after the head and the hash that ties it to
// everything before. It returns the entry and the head that follows.
func (h Head) Seal(d Draft, p Provenance) (Entry, Head) {
	entry := Entry{
		Header: d.header, Provenance: p, Number: h.Number + 1, Postings: d.postings, PreviousHash: h.Hash,
	}
	entry.Hash = entry.ComputeHash()
	return entry, Head{OrganizationID: h.OrganizationID, Number: entry.Number, Hash: entry.Hash}
}

// ComputeHash computes the entry's hash from its content and PreviousHash,
// without looking at Hash.
func (e Entry) ComputeHash() string {
	// One buffer for the whole text: this runs for every entry booked.
	text := make(netstrings, 0, 640+160*len(e.Postings))
	text.add(chainFormat, e.PreviousHash, e.OrganizationID)
	text.number(e.Number)
	text.add(e.BookedOn)
	text.number(e.OccurredAt.UnixMicro())
	text.number(e.PostedAt.UnixMicro())
	text.add(e.Key, e.Rule.Name)
	text.number(int64(e.Rule.Version))
	text.add(e.Description, e.EventID, e.AccountID, e.DonationID, e.TraceID, strings.Join(e.StripeIDs, " "))
	text.number(int64(len(e.Postings)))
	for _, p := range e.Postings {
		text.add(string(p.Account), p.Amount.Currency.Code())
		text.number(p.Amount.Minor)
		text.add(p.Fund, p.Appeal, p.Fundraiser, p.Team, p.Channel, p.Item)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// netstrings is an encoding in which no two sequences of texts look alike.
type netstrings []byte

func (n *netstrings) add(texts ...string) {
	for _, text := range texts {
		*n = strconv.AppendInt(*n, int64(len(text)), 10)
		*n = append(*n, ':')
		*n = append(*n, text...)
		*n = append(*n, ',')
	}
}

func (n *netstrings) number(value int64) {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], value, 10)
	*n = strconv.AppendInt(*n, int64(len(text)), 10)
	*n = append(*n, ':')
	*n = append(*n, text...)
	*n = append(*n, ',')
}
