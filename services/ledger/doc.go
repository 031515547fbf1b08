// Package ledger keeps the double-entry books of every organization. It turns
// facts about money into journal entries, by rules that finance staff can read,
// and hands the books out in formats that other programs check.
//
// Publishes: none.
//
// Consumes: DonationSucceeded, DonationRefunded, DonationRefundFailed,
// DonationDisputeClosed, BalanceTransactionRecorded, OrganizationChanged,
// FundChanged.
//
// What it promises:
//
//   - An entry that does not sum to zero in each currency cannot be made.
//   - A fact is booked once, in whatever order and however often it comes: each
//     entry has a business key that is unique in all books.
//   - With all transactions booked, account 1100 is what Stripe holds. What no
//     rule explains is in suspense (2900), item by item, and never missing.
//   - Entries of one organization are numbered 1, 2, 3, … without a gap, are
//     never changed (the database refuses, corrections are new entries), and are
//     chained by hashes that VerifyChain computes again.
//   - Every entry is found by each id that it names: event, donation, trace and
//     Stripe objects.
//   - A page costs what is on it, wherever it is and whatever it is filtered by;
//     what is exported is exactly what the filter shows.
//   - An overview, an account and the trial balance of one period say the same.
//   - A day is the organization's own day.
//   - No personal data: gifts are opaque ids.
//
// The books need no other service to be read, and no Stripe key at all.
package ledger
