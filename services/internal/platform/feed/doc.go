// Package feed makes "the state changed" and "the world was told" one fact. An
// event is appended in the transaction that changes the state (Log), and gets
// its position without gaps: with that commit as a rule, and after it when another
// transaction was appending just then (the producer's sequencer). The producer's
// relay lays events into the stream so that stream sequence and position are the
// same number; whatever the broker forgets is laid again. Consumers keep their
// position beside their effect, so a second delivery finds its work done and a
// missing one is noticed at the next.
//
// What is promised:
//
//   - Every event of a feed is applied by every consumer, once in effect, in the
//     order of positions, which is the order of each aggregate's versions.
//   - The database is the truth, the broker a cache. NATS may be down, wiped,
//     rolled back or written to by others: consumers pull what is missing from
//     the producer (FeedService), and the stream is made again.
//   - An event that cannot be applied is parked with its aggregate, in order;
//     everything else flows. One that lacks a fact not yet seen
//     (envelope.ErrNotYet) is parked as waiting and tried again by itself.
//   - A consumer may be older than its producer. What was told in words that it was
//     built without is parked as waiting, and applied by the newer program that
//     takes its place.
//   - A producer restored to an older state (a feed fork) is noticed by its relay
//     and by its consumers, which stop and say so, also when the newest event is the
//     same again (a hash over all ids tells): going on would take new events
//     for old ones.
//
// Not promised is delivery exactly once: a handler may run again for an event
// whose transaction did not commit, and must change nothing but its database.
package feed
