// Package topology runs Almoner as its services run at a charity that outgrew one
// machine: five processes with a database and an identity each, PostgreSQL, a
// cluster of three NATS servers, and a Stripe that is its own process. Everything
// is thrown away afterwards.
//
// What it starts are the programs themselves, configured as deploy/ says and by
// the program's own commands (keys, migrate). Nothing is replaced: connections
// between services are mutual TLS, the broker knows each service by its key and
// the database by its role. Each part can be stopped, killed and started again
// while the others run, because that is what the tests are about.
//
// Nothing outlives the process that started it, however that ends: on Linux the
// kernel takes the children down with it.
package topology
