// Package app holds the use cases of receipts, one a file, and the ports that
// they need.
//
// A gift goes through four hands. ReceiveGifts notes in the consumer's
// transaction that a receipt is due; nothing is asked of anyone there. IssueDue
// asks donation for the donor, and then numbers, writes and queues the mail in
// one transaction: that transaction alone touches the counter, so a series has
// no gaps, whatever fails and whenever. DrawDue draws the PDF once and for ever,
// or notes for which scripts a font is missing. SendDue then hands the letter over and notes
// that it did; should the process die between the two, the same letter goes out
// again under the same message id.
//
// What can succeed later stays due and is tried again after a growing pause.
// What cannot is parked with its reason, for staff, and holds up nothing else.
//
// An App is safe for concurrent use. Issuing may run in several processes on
// one database. Sending may too, but then a letter can go out twice.
package app
