// Package money holds amounts exactly: a count of minor units (int64) and the
// currency they are counted in. Nothing here is ever a float, nothing rounds
// what a person typed, and two currencies are never added.
//
// How many minor units make a major one follows Stripe and not ISO 4217,
// because the amounts are what Stripe is asked to charge and what its balance
// transactions say. The differences (ISK and UGX are sent with two decimals
// that must be zero, HUF and TWD with two that count) live in one table here.
//
// Everything is a value: safe to copy, to compare and to use from several
// goroutines.
package money
