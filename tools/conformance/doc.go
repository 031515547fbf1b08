// Package conformance holds the Stripe simulator, and what the program sends to
// Stripe, against Stripe's own description of its API, without Stripe.
//
// Three judges come from Stripe: the OpenAPI description of API version
// 2023-10-16 with its examples, the request checks of stripe-mock that read the
// same description, and Stripe's own client libraries for Go and Node. The
// package has tests only, because it is one: what they promise is in README.md.
//
// It imports nothing of the product but the simulator. The product is built and
// run as a process of its own, used over HTTP, and overheard.
package conformance
