// Package testkit gives tests the real things made small: SQLite files in a
// temporary folder, a throwaway PostgreSQL cluster from local binaries, NATS in
// the test's own process, and a clock that moves when told. Nothing it starts
// outlives the test binary, however that ends.
package testkit
