package money

import (
	"math"
	"strings"
)

// split finds which separator starts the decimals, if any does, and returns
// the digits on both sides. number holds ASCII digits and separators only,
// with a digit somewhere.
func split(number string, cur Currency, lang string) (whole, decimals string, err error) {
	groups, marks := pieces(number)
	if len(marks) == 0 {
		return groups[0], "", nil
	}
	last := marks[len(marks)-1]
	earlier := marks[:len(marks)-1]
	tail := groups[len(groups)-1]

	if len(earlier) == 0 {
		decimal, err := lone(groups[0], last, tail, cur, lang)
		if err != nil {
			return "", "", err
		}
		if decimal {
			return groups[0], tail, nil
		}
		return join(groups)
	}

	// With several separators the earlier ones group, so they are all the
	// same; a last one that differs starts the decimals.
	for _, mark := range earlier {
		if mark != earlier[0] || mark == kindPoint {
			return "", "", ErrNotANumber
		}
	}
	if last == earlier[0] {
		return join(groups)
	}
	if last == kindGroup || last == kindApostrophe || last == kindSpace {
		return "", "", ErrNotANumber
	}
	if tail == "" {
		return "", "", ErrNotANumber
	}
	whole, _, err = join(groups[:len(groups)-1])
	return whole, tail, err
}

// lone decides whether a number's only separator starts its decimals.
func lone(head, mark, tail string, cur Currency, lang string) (decimal bool, err error) {
	if tail == "" {
		return false, ErrNotANumber
	}
	grouping := mark == kindGroup || mark == kindApostrophe || mark == kindSpace
	if len(tail) != 3 {
		return !grouping, nil
	}
	// Three digits after it is where 1.500 may be one and a half dinars or
	// fifteen hundred. Nobody loses by the refusal: the third decimal of these
	// currencies is always 0, so two say everything.
	if cur.Exponent() == 3 && mark != kindApostrophe && mark != kindSpace {
		return false, ErrAmbiguous
	}
	if grouping {
		return false, nil
	}
	if len(head) > 3 || mark == kindPoint {
		return true, nil // no group is that long, and this mark never groups
	}
	_, ours := separators(lang)
	if mark == ours && head != "" && head[0] != '0' {
		return false, nil
	}
	return false, ErrAmbiguous
}

// join checks that digits are grouped as somebody would group them, by three
// or the Indian way (12,34,567), and returns them without separators.
func join(groups []string) (whole, decimals string, err error) {
	first, rest := groups[0], groups[1:]
	if first == "" || len(first) > 3 || len(rest) > 0 && first[0] == '0' {
		return "", "", ErrNotANumber
	}
	western, indian := true, len(first) <= 2
	for i, group := range rest {
		western = western && len(group) == 3
		if i == len(rest)-1 {
			indian = indian && len(group) == 3
		} else {
			indian = indian && len(group) == 2
		}
	}
	if len(rest) > 0 && !western && !indian {
		return "", "", ErrNotANumber
	}
	return strings.Join(groups, ""), "", nil
}

// pieces cuts a number at its separators.
func pieces(number string) (groups, marks []string) {
	start := 0
	for i, r := range number {
		if r >= '0' && r <= '9' {
			continue
		}
		groups = append(groups, number[start:i])
		marks = append(marks, string(r))
		start = i + len(string(r))
	}
	return append(groups, number[start:]), marks
}

// count turns the digits before and after the point into at most limit minor
// units, without rounding and without overflow however many digits there are.
func count(whole, decimals string, cur Currency, limit int64) (int64, error) {
	exponent := cur.Exponent()
	if len(decimals) > exponent {
		return 0, ErrTooManyDecimals
	}
	text := strings.TrimLeft(whole+decimals+strings.Repeat("0", exponent-len(decimals)), "0")
	minor := int64(0)
	for i := range len(text) {
		digit := int64(text[i] - '0')
		if minor > (math.MaxInt64-digit)/10 {
			return 0, ErrTooLarge
		}
		minor = minor*10 + digit
	}
	switch {
	case minor == 0:
		return 0, ErrZero
	case minor%cur.Step() != 0:
		return 0, ErrTooManyDecimals
	case minor > limit:
		return 0, ErrTooLarge
	}
	return minor, nil
}
