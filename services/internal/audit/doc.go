// Package audit answers one question: does every service tell the same story
// about the money?
//
// Each service adds up its own database. Audit asks all of them, and Stripe,
// and lays the sums side by side; it holds no sums of its own and corrects
// nothing. A ledger that balances proves nothing about what never reached it,
// so the comparison with Stripe's own balance is part of every audit.
//
// An answer is given only about a moment at which everything had arrived: when
// a head moves while the sums are taken, they are taken again.
package audit
