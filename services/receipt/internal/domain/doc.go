// Package domain holds the rules of receipts: what a receipt says, what must be
// known before one may be issued, how its number is written, and how its link
// is signed.
//
// Everything here is a value or a pure function: no context, no clock, no
// database, no wire format. Times come in as arguments, and days and years are
// always those of the organization's time zone.
package domain
