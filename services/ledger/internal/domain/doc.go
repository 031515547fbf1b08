// Package domain holds the bookkeeping rules of the ledger and nothing else: no
// clock, no storage, no wire format.
//
// It promises three things. A journal entry that does not sum to zero in each
// currency cannot be made. What a fact books depends on that fact alone, so
// facts may arrive in any order and more than once: every entry carries a
// business key, and the books keep one entry per key. And an entry, once
// sealed, is tied to all entries before it by a hash that anybody can compute
// again from the description in chain.go.
package domain
