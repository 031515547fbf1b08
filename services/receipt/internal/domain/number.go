package domain

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Series is what is numbered without gaps: one organization's receipts of one
// year. The year is that of the issue, in the organization's time zone.
type Series struct {
	OrganizationID string
	Year           int
}

// SeriesOf returns the series in which the organization issues at that time.
func SeriesOf(o Organization, issuedAt time.Time) Series {
	return Series{OrganizationID: o.ID, Year: issuedAt.In(o.TimeZone).Year()}
}

// Number names a receipt. Code is the organization's, which never becomes
// another one's; Sequence counts from 1 in the series.
type Number struct {
	Code     string
	Year     int
	Sequence int64
}

// String writes the number as donors see it: REFUGE-2026-000123. The sequence
// grows beyond six digits when it must.
func (n Number) String() string {
	return fmt.Sprintf("%s-%04d-%06d", n.Code, n.Year, n.Sequence)
}

var numberForm = regexp.MustCompile(`^([A-Z0-9]{2,12})-([0-9]{4})-([0-9]{6,18})$`)

// ParseNumber reads a number as String writes it; ok is false for every other
// spelling, so that a receipt has exactly one address.
func ParseNumber(text string) (n Number, ok bool) {
	parts := numberForm.FindStringSubmatch(text)
	if parts == nil {
		return Number{}, false
	}
	year, yearErr := strconv.Atoi(parts[2])
	sequence, sequenceErr := strconv.ParseInt(parts[3], 10, 64)
	if yearErr != nil || sequenceErr != nil {
		return Number{}, false
	}
	n = Number{Code: parts[1], Year: year, Sequence: sequence}
	return n, n.String() == text
}
