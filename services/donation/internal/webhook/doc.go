// Package webhook is the door that Stripe knocks on. It promises that a 200 is
// given only for an event that is durably stored, that nothing unsigned, stale,
// from the future or too large leaves a trace, and that Stripe is never asked
// anything while it waits.
package webhook
