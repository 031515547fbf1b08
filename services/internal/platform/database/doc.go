// Package database opens a service's own database, SQLite or PostgreSQL, and
// runs its transactions. It promises:
//
//   - One writer per table: a marker row names the service that owns the
//     database, and another service's database is refused.
//   - One closure, one transaction: what InTx runs commits as a whole or leaves
//     no trace, and is run again when the engine asks for it (deadlock, failover,
//     unknown outcome of a commit). The closure must therefore be repeatable: no
//     network call inside, nothing outside of the database changed.
//   - Durable when committed: SQLite runs with WAL and synchronous=FULL.
//
// One SQL text serves both engines. It uses $n placeholders, RETURNING,
// ON CONFLICT and multi-row VALUES, and nothing else that only one engine knows:
//
//   - Batch updates are WITH v(id, n) AS (VALUES (CAST($1 AS TEXT), CAST($2 AS
//     BIGINT)), …) UPDATE t SET … FROM v WHERE …, because SQLite has no column
//     list on a VALUES alias and PostgreSQL needs the casts. Only TEXT and BIGINT
//     may be cast: SQLite reads any other type name as a number.
//   - Rows are locked with Tx.ForUpdate. SQLite knows no row locks and needs
//     none: a write transaction has the database for itself from its first line.
//   - Times are unix microseconds bound from a clock; there is no now().
//   - No LIKE on identifiers (SQLite ignores case there), and text that is ordered
//     is COLLATE "C" on PostgreSQL.
//   - DDL is written per engine, in migrations of the same name: BIGINT and BYTEA
//     on PostgreSQL, INTEGER and BLOB in STRICT tables on SQLite.
package database
