// Package domain holds the rules of a gift and nothing else: which input is
// accepted, which states a donation goes through, and what Stripe's objects
// mean for it. It reads no clock, does no I/O and knows no wire format.
//
// Times are unix microseconds, 0 for "not yet". Amounts are money.Amount.
// Everything is a value; functions may be called from several goroutines.
package domain
