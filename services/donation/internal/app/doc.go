// Package app is what the donation service does: it takes a form to a checkout
// session, a webhook to a fact, a fact to an event, and every balance
// transaction of the Stripe account to the ledger's door.
//
// It promises that one intent makes at most one charge, that a webhook which was
// answered is never lost, that what Stripe says is applied once in whatever
// order it comes, and that what does not fit is parked with its reason. No
// transaction is open while Stripe or another service is asked.
//
// Everything on App may be called from several goroutines.
package app
