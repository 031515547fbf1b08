package stripesim

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// node is one parameter of a form-encoded request: a value, or a hash of more
// parameters. A list is a hash whose names are 0, 1, 2….
type node struct {
	value  string
	fields map[string]*node
}

const (
	maxFormPairs = 2000
	maxFormDepth = 8
	maxFormName  = 500
)

// parseForm reads Stripe's nested form encoding: a[b][0][c]=v, and a[]=v for
// the next element of a list. A scalar that is given twice keeps the last value.
func parseForm(raw string) (*node, *apiError) {
	root := &node{fields: map[string]*node{}}
	pairs := 0
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		if pair == "" {
			continue
		}
		pairs++
		if pairs > maxFormPairs {
			return nil, badRequest("", "", "Too many parameters: at most %d are read.", maxFormPairs)
		}
		key, value, _ := strings.Cut(pair, "=")
		name, keyErr := url.QueryUnescape(key)
		text, valueErr := url.QueryUnescape(value)
		if keyErr != nil || valueErr != nil {
			return nil, badRequest("", "", "Invalid request: a parameter is not properly URL-encoded.")
		}
		failure := root.insert(name, text)
		if failure != nil {
			return nil, failure
		}
	}
	return root, nil
}

func (n *node) insert(name, value string) *apiError {
	path, ok := splitName(name)
	if !ok {
		return badRequest("", "", "Invalid request: malformed parameter name.")
	}
	at := n
	for i, part := range path {
		if at.fields == nil {
			return badRequest("", "", "Invalid request: %s is given both as a value and as a hash.", joinName(path[:i]))
		}
		if part == "" {
			part = at.nextIndex(path[i+1:])
		}
		child := at.fields[part]
		last := i == len(path)-1
		switch {
		case child == nil && last:
			at.fields[part] = &node{value: value}
		case child == nil:
			child = &node{fields: map[string]*node{}}
			at.fields[part] = child
		case last && child.fields != nil:
			return badRequest("", "", "Invalid request: %s is given both as a value and as a hash.", joinName(path))
		case last:
			child.value = value
		}
		at = child
	}
	return nil
}

// nextIndex is the element that a[] means: a new one, or for a[][b] the last one
// as long as it has no b yet.
func (n *node) nextIndex(rest []string) string {
	count := len(n.fields)
	if count > 0 && len(rest) > 0 {
		last := n.fields[strconv.Itoa(count-1)]
		if last != nil && last.fields != nil && last.fields[rest[0]] == nil {
			return strconv.Itoa(count - 1)
		}
	}
	return strconv.Itoa(count)
}

// splitName turns a[b][] into a, b and "".
func splitName(name string) ([]string, bool) {
	if name == "" || len(name) > maxFormName {
		return nil, false
	}
	head, rest, nested := strings.Cut(name, "[")
	if head == "" || strings.Contains(head, "]") {
		return nil, false
	}
	path := []string{head}
	for nested {
		part, after, closed := strings.Cut(rest, "]")
		if !closed || strings.Contains(part, "[") {
			return nil, false
		}
		path = append(path, part)
		if after == "" {
			break
		}
		if after[0] != '[' {
			return nil, false
		}
		rest = after[1:]
	}
	return path, len(path) <= maxFormDepth
}

func joinName(path []string) string {
	if len(path) == 0 {
		return ""
	}
	out := path[0]
	for _, part := range path[1:] {
		out += "[" + part + "]"
	}
	return out
}

func childName(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "[" + name + "]"
}

// get walks down; nil when something on the way is not there.
func (n *node) get(path ...string) *node {
	for _, part := range path {
		if n == nil || n.fields == nil {
			return nil
		}
		n = n.fields[part]
	}
	return n
}

// str is the value at a path, empty when there is none.
func (n *node) str(path ...string) string {
	at := n.get(path...)
	if at == nil {
		return ""
	}
	return at.value
}

// integer is the number at a path that the schema has checked.
func (n *node) integer(path ...string) (int64, bool) {
	at := n.get(path...)
	if at == nil || at.value == "" {
		return 0, false
	}
	v, err := strconv.ParseInt(at.value, 10, 64)
	return v, err == nil
}

// names are the parameters of a hash in a fixed order, lists by number.
func (n *node) names() []string {
	if n == nil {
		return nil
	}
	out := make([]string, 0, len(n.fields))
	for name := range n.fields {
		out = append(out, name)
	}
	sort.Slice(out, func(i, j int) bool {
		a, errA := strconv.Atoi(out[i])
		b, errB := strconv.Atoi(out[j])
		if errA == nil && errB == nil && a != b {
			return a < b
		}
		return out[i] < out[j]
	})
	return out
}

// list are the elements of a list parameter.
func (n *node) list(path ...string) []*node {
	at := n.get(path...)
	var out []*node
	for _, name := range at.names() {
		out = append(out, at.fields[name])
	}
	return out
}

func (n *node) strings(path ...string) []string {
	var out []string
	for _, element := range n.list(path...) {
		out = append(out, element.value)
	}
	return out
}

// pairs are the entries of a hash of plain values; nil when it is not there.
func (n *node) pairs(path ...string) map[string]string {
	at := n.get(path...)
	if at == nil || at.fields == nil {
		return nil
	}
	out := make(map[string]string, len(at.fields))
	for name, value := range at.fields {
		// An empty value unsets a key, as at Stripe.
		if value.value != "" {
			out[name] = value.value
		}
	}
	return out
}

// fingerprint is equal for equal parameters, in whatever order they came.
func (n *node) fingerprint() string {
	var b strings.Builder
	n.describe(&b)
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

func (n *node) describe(b *strings.Builder) {
	if n.fields == nil {
		b.WriteString(strconv.Quote(n.value))
		return
	}
	b.WriteByte('{')
	for _, name := range n.names() {
		b.WriteString(strconv.Quote(name))
		b.WriteByte(':')
		n.fields[name].describe(b)
		b.WriteByte(',')
	}
	b.WriteByte('}')
}
