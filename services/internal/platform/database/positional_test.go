package database

import (
	"strings"
	"testing"
)

func TestNumbersInOrderBecomeQuestionMarks(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		`SELECT 1`: `SELECT 1`,
		`INSERT INTO gift VALUES ($1,$2),($3,$4)`:        `INSERT INTO gift VALUES (?,?),(?,?)`,
		`VALUES (CAST($1 AS TEXT),CAST($2 AS BIGINT))`:   `VALUES (CAST(? AS TEXT),CAST(? AS BIGINT))`,
		`SELECT '$2 don''t', "$3", $1 FROM t WHERE a=$2`: `SELECT '$2 don''t', "$3", ? FROM t WHERE a=?`,
		in(12):                              strings.Repeat("?,", 12),
		`UPDATE t SET a = $2 WHERE id = $1`: `UPDATE t SET a = $2 WHERE id = $1`, // another order
		`SELECT $1 WHERE a = $1`:            `SELECT $1 WHERE a = $1`,            // once more
		`SELECT $1, $10`:                    `SELECT $1, $10`,
		`SELECT $1 -- $2 is the currency`:   `SELECT $1 -- $2 is the currency`,
		`SELECT $1 /* and */, $2`:           `SELECT $1 /* and */, $2`,
		`SELECT $1, ?`:                      `SELECT $1, ?`,
		`SELECT $1x`:                        `SELECT $1x`,
		`SELECT $name`:                      `SELECT $name`,
		`SELECT $`:                          `SELECT $`,
	} {
		got := positional(query)
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", query, got, want)
		}
	}
}

// in is $1,$2,…,$n, — beyond nine, one number begins with another.
func in(n int) string {
	text := Placeholders(1, n)
	return strings.NewReplacer("(", "", ")", ",").Replace(text)
}

func TestValuesArriveWhereTheyBelong(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), Config{URL: "sqlite:" + t.TempDir() + "/order.db", Service: "order"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	tx, err := db.writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	bound := &Tx{tx: tx, engine: SQLite}
	for _, query := range []string{`SELECT $1 || $2 || $3`, `SELECT $1 || ($2 || $3) WHERE $1 <> $3`, `SELECT CAST($1 AS TEXT) || '$' || $3 WHERE $2 <> $1`} {
		var got string
		err := bound.QueryRowContext(t.Context(), query, "a", "b", "c").Scan(&got)
		if err != nil || strings.Trim(got, "$") == "" || got[0] != 'a' || got[len(got)-1] != 'c' {
			t.Errorf("%s gave %q, %v", query, got, err)
		}
	}
}
