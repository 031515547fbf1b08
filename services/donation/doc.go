// Package donation takes gifts: it is the only service that speaks to Stripe, and
// the one that keeps donors' personal data.
//
// Publishes: DonationProcessing, DonationSucceeded, DonationFailed, DonationRefunded,
// DonationRefundFailed, DonationDisputed, DonationDisputeClosed,
// BalanceTransactionRecorded.
//
// Consumes: none.
//
// Asks: fundraiser, for what a gift is attributed to and on which terms it is
// taken, and for the organization that books what belongs to no gift.
//
// What it promises:
//
//   - One intent, one charge. The same form sent again, twenty times at once or
//     after a crash leads to the same checkout session; another input ends the
//     session before. What turns out to be paid already is said so.
//   - A webhook that was answered with 200 is on disk. It is applied once, in
//     whatever order it came, and what cannot be applied is parked with its
//     reason, listed, and can be tried again.
//   - A payment is found by four routes: webhook, return page, the resolver that
//     asks about open sessions, and the account's balance transactions.
//   - Every balance transaction of the Stripe account becomes one event: with
//     its gift, or marked foreign. What is marked foreign does not become a gift
//     as well: its payment is parked.
//   - Every payout to the bank is followed until it can no longer come back. What
//     Stripe lists as its contents adds up to it, or it is parked with the
//     difference.
//   - No event, log line, span or idempotency key carries personal data. Raw
//     webhook bodies are sealed, and forgotten 90 days after they came; one that is
//     parked is kept until it is applied.
//
// Stripe away means that no checkout can be begun (Unavailable, nothing lost);
// webhooks are still taken and the rest waits.
package donation
