package database

import (
	"strconv"
	"strings"
)

// text is the query as the engine takes it best. To SQLite $1 is a name, and it
// searches all names seen so far at each one, in parsing and again in binding:
// a statement of some thousand values, a batch of gifts, spends nine tenths of
// its time on that. Question marks have no names.
func (tx *Tx) text(query string) string {
	if tx.engine != SQLite {
		return query
	}
	return positional(query)
}

// positional writes $1, $2, … as question marks. These are counted in the order
// in which they stand, so a query whose numbers do not stand in order, each
// once, is returned as it is: it is short, or it could not be written otherwise.
func positional(query string) string {
	var b strings.Builder
	b.Grow(len(query))
	quote := byte(0) // inside of 'text' or "name", where a dollar is a dollar
	next := 1
	for i := 0; i < len(query); i++ {
		c := query[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '?', strings.HasPrefix(query[i:], "--"), strings.HasPrefix(query[i:], "/*"):
			return query
		case c == '$':
			number := strconv.Itoa(next)
			after := i + 1 + len(number)
			if !strings.HasPrefix(query[i+1:], number) || after < len(query) && wordByte(query[after]) {
				return query
			}
			b.WriteByte('?')
			i = after - 1
			next++
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// wordByte tells whether c would go on a number or a name.
func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$'
}
