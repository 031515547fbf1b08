package database

import (
	"strconv"
	"strings"
)

// Placeholders returns ($1,$2),($3,$4) for a multi-row VALUES of so many rows
// and columns. PostgreSQL takes 65,535 values in one statement, SQLite 32,766.
func Placeholders(rows, columns int) string {
	return values(rows, columns, func(b *strings.Builder, number, _ int) {
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(number))
	})
}

// CastPlaceholders returns (CAST($1 AS TEXT),CAST($2 AS BIGINT)),… for
// WITH v(…) AS (VALUES …), where PostgreSQL cannot infer the types. The types
// may be TEXT and BIGINT; other names mean other things on SQLite.
func CastPlaceholders(rows int, types ...string) string {
	return values(rows, len(types), func(b *strings.Builder, number, column int) {
		b.WriteString("CAST($")
		b.WriteString(strconv.Itoa(number))
		b.WriteString(" AS ")
		b.WriteString(types[column])
		b.WriteByte(')')
	})
}

func values(rows, columns int, write func(b *strings.Builder, number, column int)) string {
	var b strings.Builder
	number := 1
	for row := range rows {
		if row > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for column := range columns {
			if column > 0 {
				b.WriteByte(',')
			}
			write(&b, number, column)
			number++
		}
		b.WriteByte(')')
	}
	return b.String()
}
