// Package systemtest runs the whole program and asks what its users would ask:
// is the gift counted, booked and receipted, once, whatever happened meanwhile?
//
// It starts node.Run, or the built program where a process must die, and never a
// replica of either. What happened is checked by the audit, by Stripe's side of
// the story, and by looking into files where something must not be.
package systemtest
