// Package receipt turns succeeded gifts into receipts: numbered without gaps,
// never changed, drawn as PDF, and mailed.
//
// Publishes: none.
//
// Consumes: DonationSucceeded, DonationRefunded, DonationRefundFailed,
// DonationDisputed, DonationDisputeClosed, OrganizationChanged, FundChanged.
//
// Asks: donation, for the donor's name and address, when a receipt is issued.
//
// What it promises:
//
//   - Every succeeded gift gets exactly one receipt, over gift and cover
//     together. A gift that cannot have one yet is due (and tried again) or
//     parked with its reason (and shown to staff); it never blocks another.
//   - The numbers of one organization and one year of its time zone are 1, 2,
//     3, … without a gap and without a repeat, whatever crashes and however many
//     processes issue. SumReceipts checks it on every reading.
//   - A receipt is never changed. The database itself refuses.
//   - Its PDF is drawn once and kept; the same bytes are served for ever. Where
//     no font covers a name, page and mail go out without it, and it is drawn
//     within an hour of a font being installed, or at the next start.
//   - Whoever holds a receipt can ask whether it is in force, with the code on
//     it, and learns nothing personal.
//   - A receipt is mailed once. If the process dies in the instant between the
//     hand-over and its note, the same letter goes out again under the same
//     message id.
//   - A receipt is shown to whoever has its link. Without the token, a number
//     that exists and one that does not are the same.
//
// It is also the service to copy for a new one: the fewest parts, and each in
// the place where every service has it.
package receipt
