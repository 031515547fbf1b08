// Package demo gives through a running instance as donors do, and then shows
// where each gift ended.
//
// It opens pages, fills in forms and follows redirects over HTTP, knows nothing
// of the services' insides, and pays with Stripe's published test cards on the
// simulator's page. Each webhook is delivered twice and out of order meanwhile.
// What became of a gift it asks the services, as an operator. Then it has happen to
// more gifts what happens to gifts: refunds, disputes, months, payouts. No clock is
// moved for that. It ends with the audit; a gift that is missing anywhere is an
// error, and so is one that should not be there.
package demo
