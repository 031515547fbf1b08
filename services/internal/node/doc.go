// Package node is the composition root: the one place that knows which services
// there are, how they are configured and what they stand on.
//
// Open builds everything and starts nothing; Run runs it until it is told to
// stop. The program and the system tests use the same two calls, so what is
// tested is what runs. Everything is put together by plain calls in wire.go, in
// the order in which it is needed, and closed in the opposite order.
//
// OpenOperator builds the same services without their workers, for commands
// that an operator runs beside a running instance or without one.
package node
