package stripesim

import (
	"strconv"
)

// listing is one list endpoint: which rows there are and which of them match.
type listing[T any] struct {
	url   string
	kind  string
	table *table[T]
	// among restricts the search to these ids, in order of creation; nil means
	// all of the table.
	among []string
	// restricted says that among counts even when it is empty.
	restricted bool
	keep       func(*T) bool
	created    func(*T) int64
	render     func(*T) map[string]any
}

// pageParams are the parameters that every list has.
func pageParams(more schema) schema {
	out := schema{
		"limit":          {kind: isInteger},
		"starting_after": {kind: isString, max: 500},
		"ending_before":  {kind: isString, max: 500},
		"expand":         expandRule(),
	}
	for name, r := range more {
		out[name] = r
	}
	return out
}

// page answers newest first. starting_after goes on behind a row; ending_before
// takes the rows just before one, which are the next newer ones.
func (l listing[T]) page(c *call, v view) (map[string]any, *apiError) {
	n := c.params
	limit, given := n.integer("limit")
	if !given {
		limit = 10
	}
	if limit < 1 || limit > 100 {
		return nil, badRequest("parameter_invalid_integer", "limit", "Invalid integer: limit must be between 1 and 100.")
	}
	ids := l.table.order
	if l.restricted {
		ids = l.among
	}
	after, before := n.str("starting_after"), n.str("ending_before")
	if after != "" && before != "" {
		return nil, badRequest("parameters_exclusive", "ending_before",
			"You may only specify one of these parameters: starting_after, ending_before.")
	}
	rows, more, failure := l.rows(ids, after, before, int(limit), createdFilter(n.get("created")))
	if failure != nil {
		return nil, failure
	}
	data := make([]any, 0, len(rows))
	for _, row := range rows {
		rendered := l.render(row)
		failure := expand(v, rendered, c.expand["data"])
		if failure != nil {
			return nil, failure
		}
		data = append(data, rendered)
	}
	return map[string]any{"object": "list", "url": l.url, "has_more": more, "data": data}, nil
}

func (l listing[T]) rows(ids []string, after, before string, limit int, inRange func(int64) bool) ([]*T, bool, *apiError) {
	step, at := -1, len(ids)-1
	cursor, param := after, "starting_after"
	if before != "" {
		step, cursor, param = 1, before, "ending_before"
	}
	if cursor != "" {
		place, failure := l.find(ids, cursor, param)
		if failure != nil {
			return nil, false, failure
		}
		at = place + step
	}
	var out []*T
	for ; at >= 0 && at < len(ids); at += step {
		row := l.table.byID[ids[at]]
		if !inRange(l.created(row)) || (l.keep != nil && !l.keep(row)) {
			continue
		}
		if len(out) == limit {
			return ordered(out, step), true, nil
		}
		out = append(out, row)
	}
	return ordered(out, step), false, nil
}

func (l listing[T]) find(ids []string, cursor, param string) (int, *apiError) {
	if !l.restricted {
		place, ok := l.table.place[cursor]
		if ok {
			return place, nil
		}
	}
	for i, id := range ids {
		if l.restricted && id == cursor {
			return i, nil
		}
	}
	return 0, badRequest("resource_missing", param, "No such %s: '%s'", l.kind, shorten(cursor))
}

// ordered is newest first, whichever way the rows were walked.
func ordered[T any](rows []*T, step int) []*T {
	if step < 0 {
		return rows
	}
	for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
		rows[i], rows[j] = rows[j], rows[i]
	}
	return rows
}

func createdFilter(n *node) func(int64) bool {
	if n == nil {
		return func(int64) bool { return true }
	}
	if n.fields == nil {
		exact, _ := strconv.ParseInt(n.value, 10, 64)
		return func(at int64) bool { return at == exact }
	}
	gt, hasGT := n.integer("gt")
	gte, hasGTE := n.integer("gte")
	lt, hasLT := n.integer("lt")
	lte, hasLTE := n.integer("lte")
	return func(at int64) bool {
		return (!hasGT || at > gt) && (!hasGTE || at >= gte) && (!hasLT || at < lt) && (!hasLTE || at <= lte)
	}
}
