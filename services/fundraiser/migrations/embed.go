// Package migrations holds the schema of the fundraiser service, written per
// engine in files of the same name.
package migrations

import "embed"

// FS has sqlite/*.sql and postgres/*.sql.
//
//go:embed sqlite/*.sql postgres/*.sql
var FS embed.FS
