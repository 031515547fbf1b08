package stripesim

import (
	"strconv"
	"time"
)

// boundary is where the nth period after the anchor begins, in unix seconds. A
// month or year without that day has its last day instead, and the next one
// that has it returns to it.
func (r Recurring) boundary(anchor, n int64) int64 {
	at := time.Unix(anchor, 0).UTC()
	steps := int(r.Count * n)
	switch r.Interval {
	case "day":
		return at.AddDate(0, 0, steps).Unix()
	case "week":
		return at.AddDate(0, 0, 7*steps).Unix()
	case "year":
		steps *= 12
	}
	first := time.Date(at.Year(), at.Month()+time.Month(steps), 1, at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(at.Day(), last)-1).Unix()
}

// words are the interval as an invoice line has it.
func (r Recurring) words() string {
	if r.Count == 1 {
		return r.Interval
	}
	return "every " + strconv.FormatInt(r.Count, 10) + " " + r.Interval + "s"
}
