// Package payments is the one place that speaks to Stripe. It promises that a
// request which may have been carried out is only ever repeated with the same
// idempotency key and the same body, that a caller's deadline is kept, that
// answers are read by fields of our own (so that an unknown word from Stripe is
// no error), and that nothing Stripe says about people gets into an error or a
// log.
//
// Other parts of Stripe's API are not reachable through it.
package payments
