package view

import (
	"math"
	"math/bits"
)

// Started reports whether anything has been given.
func (p Progress) Started() bool { return p.Gifts > 0 }

// InThings reports whether the goal can be shown in what it counts: there is
// such a goal, and somebody said what one of them costs.
func (p Progress) InThings() bool {
	return p.Count != nil && p.Count.Wanted > 0 && p.Count.Cost.Minor > 0
}

// HasBar reports whether there is a goal that the gifts can be held against.
func (p Progress) HasBar() bool { return p.Max() > 0 }

// Max is the goal in minor units, 0 when there is none in money. A goal in
// things counts at what they cost, so that the bar moves between whole ones.
func (p Progress) Max() int64 {
	if !p.InThings() {
		return max(p.Goal.Minor, 0)
	}
	high, low := bits.Mul64(uint64(p.Count.Wanted), uint64(p.Count.Cost.Minor))
	if high != 0 || low > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(low)
}

// Value is how much of Max is reached; a goal can be passed, a bar cannot.
func (p Progress) Value() int64 {
	return min(max(p.Raised.Minor, 0), p.Max())
}

// Percent is the part of the goal that is reached, rounded down, so that
// nothing claims 100 before it is there. It may be above 100.
func (p Progress) Percent() int64 {
	raised, goal := max(p.Raised.Minor, 0), p.Max()
	if goal == 0 {
		return 0
	}
	high, low := bits.Mul64(uint64(raised), 100)
	if high >= uint64(goal) {
		return math.MaxInt64
	}
	quotient, _ := bits.Div64(high, low, uint64(goal))
	return int64(min(quotient, math.MaxInt64))
}
