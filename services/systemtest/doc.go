// Package systemtest runs the whole program and asks what its users would ask:
// is the gift counted, booked and receipted, once, whatever happened meanwhile?
//
// The stories are the same for one process and for five services. The one process
// is node.Run, or the built program where it must die; the five services are the
// built programs of package topology, on PostgreSQL and a cluster of NATS servers.
// Never is it a replica of either. What happened is checked by the audit, by
// Stripe's side of the story, and by looking into what is kept where something
// must not be.
package systemtest
