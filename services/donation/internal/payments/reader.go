package payments

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// deepest is how many objects and lists may be inside of each other. Stripe's
// have some eight; without a bound a text of brackets would be a stack of calls.
const deepest = 200

// reader reads a JSON text once, from the left to the right, and only what is
// asked for becomes a value. Stripe's objects are long and we need a dozen of their
// fields: reading them into structures took a tenth of a gift's whole way.
//
// Two things can be wrong. What is no JSON is a fault: it ends the reading, and
// everything read before is void. A value of another kind than was asked for is
// odd: it is passed over, and the rest can be read. Null is the zero of each kind.
type reader struct {
	text  []byte
	at    int
	depth int
	fault error
	odd   error
}

var errNoJSON = errors.New("it is no JSON")

// whole reads a text that is one object, and answers what was wrong with it.
func whole(text []byte, member func(r *reader, name []byte)) error {
	r := reader{text: text}
	r.object(member)
	if r.next() != 0 || r.at < len(r.text) {
		r.fail()
	}
	return errors.Join(r.fault, r.odd)
}

func (r *reader) fail() {
	if r.fault == nil {
		r.fault = fmt.Errorf("%w from byte %d on", errNoJSON, r.at)
	}
	r.at = len(r.text)
}

// next passes over blanks and answers the byte that follows, 0 at the end.
func (r *reader) next() byte {
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; c {
		case ' ', '\n', '\r', '\t':
		default:
			return c
		}
	}
	return 0
}

// expect passes over one byte that must follow.
func (r *reader) expect(c byte) {
	if r.next() != c || r.at == len(r.text) {
		r.fail()
		return
	}
	r.at++
}

// is reports whether what follows begins with c. If it does not and is not null
// either, it is odd. In both cases it has been passed over.
func (r *reader) is(c byte) bool {
	switch r.next() {
	case c:
		return true
	case 'n':
	default:
		if r.odd == nil {
			r.odd = fmt.Errorf("byte %d is not the kind of value that belongs there", r.at)
		}
	}
	r.skip()
	return false
}

// object calls member for each, and member must read its value with one call.
func (r *reader) object(member func(r *reader, name []byte)) {
	if r.is('{') {
		r.members('{', '}', member)
	}
}

// list calls element for each, and element must read it with one call.
func (r *reader) list(element func(r *reader)) {
	if r.is('[') {
		r.members('[', ']', func(r *reader, _ []byte) { element(r) })
	}
}

func (r *reader) members(begin, end byte, member func(r *reader, name []byte)) {
	r.expect(begin)
	r.depth++
	if r.depth > deepest {
		r.fail()
	}
	for first := true; ; first = false {
		if first && r.next() == end {
			break
		}
		var name []byte
		if end == '}' {
			name = r.name()
			r.expect(':')
		}
		if r.fault != nil {
			return
		}
		member(r, name)
		if r.next() != ',' {
			break
		}
		r.at++
	}
	r.expect(end)
	r.depth--
}

// string reads a string.
func (r *reader) string() string {
	if !r.is('"') {
		return ""
	}
	return string(r.name())
}

// number reads a whole number.
func (r *reader) number() int64 {
	if c := r.next(); c != '-' && (c < '0' || c > '9') {
		r.is('0')
		return 0
	}
	value, ok := whole64(r.digits())
	if !ok && r.odd == nil {
		r.odd = fmt.Errorf("before byte %d is no whole number", r.at)
	}
	return value
}

// whole64 answers false for what is no whole number of 64 bits.
func whole64(digits []byte) (int64, bool) {
	negative := len(digits) > 0 && digits[0] == '-'
	if negative {
		digits = digits[1:]
	}
	value := int64(0)
	for _, c := range digits {
		// Counted downwards: there is one more number below zero than above.
		if c < '0' || c > '9' || value < (math.MinInt64+int64(c-'0'))/10 {
			return 0, false
		}
		value = value*10 - int64(c-'0')
	}
	switch {
	case negative:
		return value, true
	case value == math.MinInt64:
		return 0, false
	}
	return -value, true
}

// flag reads true or false.
func (r *reader) flag() bool {
	if r.next() == 't' {
		r.word("true")
		return true
	}
	if r.is('f') {
		r.word("false")
	}
	return false
}

// raw answers a value as it is written, null as nothing.
func (r *reader) raw() string {
	begin := r.next()
	from := r.at
	r.skip()
	if begin == 'n' || r.fault != nil {
		return ""
	}
	return string(r.text[from:r.at])
}

// skip passes over a value, and still notices when it is no JSON.
func (r *reader) skip() {
	switch c := r.next(); c {
	case '{':
		r.members('{', '}', func(r *reader, _ []byte) { r.skip() })
	case '[':
		r.members('[', ']', func(r *reader, _ []byte) { r.skip() })
	case '"':
		r.quoted()
	case 't':
		r.word("true")
	case 'f':
		r.word("false")
	case 'n':
		r.word("null")
	default:
		r.digits()
	}
}

func (r *reader) word(word string) {
	if len(r.text)-r.at < len(word) || string(r.text[r.at:r.at+len(word)]) != word {
		r.fail()
		return
	}
	r.at += len(word)
}

// digits answers a number as it is written: no zero before another digit, and a
// digit on each side of a point and behind an exponent.
func (r *reader) digits() []byte {
	from := r.at
	if r.peek() == '-' {
		r.at++
	}
	if r.peek() == '0' {
		r.at++
	} else {
		r.run()
	}
	if r.peek() == '.' {
		r.at++
		r.run()
	}
	if c := r.peek(); c == 'e' || c == 'E' {
		r.at++
		if c := r.peek(); c == '+' || c == '-' {
			r.at++
		}
		r.run()
	}
	if r.fault != nil {
		return nil
	}
	return r.text[from:r.at]
}

// run passes over digits, at least one.
func (r *reader) run() {
	from := r.at
	for c := r.peek(); c >= '0' && c <= '9'; c = r.peek() {
		r.at++
	}
	if from == r.at {
		r.fail()
	}
}

func (r *reader) peek() byte {
	if r.at == len(r.text) {
		return 0
	}
	return r.text[r.at]
}

// name answers what a string means. One with escapes, or that is not all ASCII, is
// for the standard library to understand.
func (r *reader) name() []byte {
	if r.next() != '"' {
		r.fail()
	}
	text, plain := r.quoted()
	if r.fault != nil {
		return nil
	}
	if plain {
		return text[1 : len(text)-1]
	}
	var value string
	err := json.Unmarshal(text, &value)
	if err != nil {
		r.fail()
	}
	return []byte(value)
}

// quoted answers a string as it is written, and whether that is what it means.
func (r *reader) quoted() (text []byte, plain bool) {
	from := r.at
	r.expect('"')
	plain = true
	for r.at < len(r.text) {
		c := r.text[r.at]
		r.at++
		switch {
		case c == '"':
			return r.text[from:r.at], plain
		case c < ' ':
			r.fail()
			return nil, false
		case c == '\\':
			plain = false
			r.escape()
		case c >= 0x80:
			plain = false
		}
	}
	r.fail()
	return nil, false
}

// escape passes over what follows a backslash.
func (r *reader) escape() {
	switch r.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		r.at++
	case 'u':
		r.at++
		for range 4 {
			switch c := r.peek(); {
			case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
				r.at++
			default:
				r.fail()
				return
			}
		}
	default:
		r.fail()
	}
}
