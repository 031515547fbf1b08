// Package anyorder proves that it does not matter in which order Stripe tells what
// happened, how often, or whether it tells at all.
//
// Donation, fundraiser, ledger and receipt are put together as a node does it, each
// on its own database, with the simulator in place of Stripe and no broker: feeds are
// pulled. The bodies of webhooks are caught as they were signed, and then handed to
// the endpoint in every order. What became of each gift is read from the services'
// own answers, and the audit adds it all up.
//
// The tests tell a quick share of it; -orders, -losses and -random say how much. With
// -wrong, mistakes are built into the services, each of which has to be caught.
package anyorder
