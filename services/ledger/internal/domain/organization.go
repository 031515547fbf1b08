package domain

import (
	"errors"
	"fmt"
	"time"
)

// Organization is the copy of an organization that the books need.
type Organization struct {
	ID       string
	Slug     string
	Code     string
	Name     string
	TimeZone string // IANA name
	Version  int64
}

// Check refuses an organization whose days cannot be told: nothing of it could
// be booked later.
func (o Organization) Check() error {
	if o.ID == "" || o.Version < 1 {
		return errors.New("organization without id or version")
	}
	_, err := o.Calendar()
	return err
}

// Calendar returns the organization's own days.
func (o Organization) Calendar() (Calendar, error) {
	// The empty name would mean UTC, and "Local" the machine's zone: an entry's
	// day must not depend on where the ledger runs.
	if o.TimeZone == "" || o.TimeZone == "Local" {
		return Calendar{}, fmt.Errorf("organization %s: time zone %q", o.ID, o.TimeZone)
	}
	zone, err := time.LoadLocation(o.TimeZone)
	if err != nil {
		return Calendar{}, fmt.Errorf("organization %s: time zone %q: %w", o.ID, o.TimeZone, err)
	}
	return Calendar{zone: zone}, nil
}

// Calendar tells the day of a moment where an organization is. The zero value
// is not ready; it comes from Organization.Calendar.
type Calendar struct{ zone *time.Location }

// Day is the date of the moment, YYYY-MM-DD. Days as text sort as days.
func (c Calendar) Day(moment time.Time) string { return moment.In(c.zone).Format(time.DateOnly) }

// Fund is the copy of a fund that the books need.
type Fund struct {
	ID             string
	OrganizationID string
	Code           string
	Version        int64
}

// Check refuses a fund that cannot have an account.
func (f Fund) Check() error {
	if f.ID == "" || f.OrganizationID == "" || f.Version < 1 {
		return errors.New("fund without id, organization or version")
	}
	return CheckFundCode(f.Code)
}

// FundKey names a fund as a gift's attribution does.
type FundKey struct {
	OrganizationID string
	Code           string
}
