package domain

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Organization is this service's copy of what fundraiser says about the
// organization that issues: the letterhead, and how it numbers and dates.
type Organization struct {
	ID           string
	Code         string
	LegalName    string
	Address      []string // a line each
	Registration string
	Contact      string
	TimeZone     *time.Location
	Profile      string
	Version      int64
}

// codeForm keeps a number readable aloud and safe in an address.
var codeForm = regexp.MustCompile(`^[A-Z0-9]{2,12}$`)

// Validate reports everything without which no receipt could be numbered or
// dated. What the document itself must say is the profile's business: an
// organization may be known before its letterhead is complete.
func (o Organization) Validate() error {
	var wrong []error
	if o.ID == "" {
		wrong = append(wrong, errors.New("organization has no id"))
	}
	if !codeForm.MatchString(o.Code) {
		wrong = append(wrong, fmt.Errorf("organization's code %.20q is not 2 to 12 capital letters and digits", o.Code))
	}
	if o.TimeZone == nil {
		wrong = append(wrong, errors.New("organization has no time zone"))
	}
	if o.Version < 1 {
		wrong = append(wrong, fmt.Errorf("organization's version %d is below 1", o.Version))
	}
	return errors.Join(wrong...)
}

// FundKey names a fund the way gifts do.
type FundKey struct {
	OrganizationID string
	Code           string
}

// Fund is this service's copy of a fund: the name that the receipt shows.
type Fund struct {
	FundKey
	Name    string
	Version int64
}

// Validate reports what a fund cannot be kept without.
func (f Fund) Validate() error {
	if f.OrganizationID == "" || f.Code == "" || f.Version < 1 {
		return fmt.Errorf("fund %.40q of organization %.40q at version %d is incomplete", f.Code, f.OrganizationID, f.Version)
	}
	return nil
}
