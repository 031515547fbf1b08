// Package migrations holds the tables of web, once per engine under the same file
// names.
package migrations

import "embed"

// FS has sqlite/*.sql and postgres/*.sql.
//
//go:embed sqlite/*.sql postgres/*.sql
var FS embed.FS
