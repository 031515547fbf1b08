package app

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
)

// operatorID stands for whoever loaded a file: the server's own people sign in
// nowhere.
const operatorID = "operator"

// changesMost is how many lines of a list are read at once.
const changesMost = 100

// Subject is what kind of thing was changed.
type Subject string

// The subjects.
const (
	OrganizationSubject Subject = "organization"
	AppealSubject       Subject = "appeal"
	FundSubject         Subject = "fund"
	FundraiserSubject   Subject = "fundraiser"
)

// Change says who changed what. It is written in the transaction of the change
// and never changed itself. Nothing in it names a donor or a supporter.
type Change struct {
	ID          int64 // given by the store; grows
	At          time.Time
	PersonID    string
	Subject     Subject
	SubjectID   string
	SubjectName string // address or code, for people
	// Action is created, changed, published, closed, reopened, taken_down,
	// restored or logo.
	Action string
	Fields []FieldChange
}

// FieldChange is one field of a change; a new thing has no before.
type FieldChange struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// ListChanges returns changes before one, or the newest for 0, the newest
// first, and whether there are older ones.
func (a *App) ListChanges(ctx context.Context, before int64, limit int) (changes []Change, more bool, err error) {
	if limit <= 0 || limit > changesMost {
		limit = changesMost
	}
	err = a.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		changes, err = tx.Changes(ctx, before, limit+1)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("list changes: %w", err)
	}
	if len(changes) > limit {
		return changes[:limit], true, nil
	}
	return changes, false, nil
}

// said is one field of a thing, in words.
type said struct{ field, text string }

// difference is what of a thing was said otherwise before. A thing that was not
// there is described by nil.
func difference(before, after []said) []FieldChange {
	var fields []FieldChange
	for i, now := range after {
		was := ""
		if before != nil {
			was = before[i].text
		}
		if was != now.text {
			fields = append(fields, FieldChange{Field: now.field, Before: was, After: now.text})
		}
	}
	return fields
}

func sayOrganization(o domain.Organization) []said {
	return []said{
		{"slug", o.Slug},
		{"code", o.Code},
		{"name", o.Name},
		{"legal_name", o.LegalName},
		{"address", strings.Join(o.Address, "\n")},
		{"registration", o.Registration},
		{"country", o.Country},
		{"time_zone", o.TimeZone},
		{"base_currency", o.BaseCurrency},
		{"receipt_profile", o.ReceiptProfile},
		{"mission", o.Mission},
		{"contact_email", o.ContactEmail},
		{"home", strconv.FormatBool(o.Home)},
	}
}

func sayFund(f domain.Fund) []said {
	return []said{{"code", f.Code}, {"name", f.Name}, {"fund_class", string(f.Class)}}
}

func sayAppeal(a domain.Appeal, zone *time.Location) []said {
	amount := func(minor int64) string {
		if minor == 0 {
			return ""
		}
		return money.Amount{Minor: minor, Currency: a.Currency}.String()
	}
	var suggested []string
	for _, minor := range a.Suggested {
		suggested = append(suggested, amount(minor))
	}
	number := func(n int64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	return []said{
		{"slug", a.Slug},
		{"kind", string(a.Kind)},
		{"state", string(a.State)},
		{"title", a.Title},
		{"summary", a.Summary},
		{"story_markdown", a.Story},
		{"currency", a.Currency.Code()},
		{"suggested_minor", strings.Join(suggested, ", ")},
		{"minimum_minor", amount(a.Minimum)},
		{"goal_minor", amount(a.Goal)},
		{"goal_count", number(a.GoalCount)},
		{"goal_unit", a.GoalUnit},
		{"unit_cost_minor", amount(a.UnitCost)},
		{"fund_codes", strings.Join(a.FundCodes, ", ")},
		{"starts_on", domain.FirstDay(a.StartsAt, zone)},
		{"ends_on", domain.LastDay(a.EndsAt, zone)},
		{"cover_rate_ppm", percentage(a.CoverRatePPM)},
		{"cover_fixed_minor", amount(a.CoverFixed)},
	}
}

// percentage writes millionths as people do: 29,000 is 2.9%.
func percentage(ppm int64) string {
	if ppm == 0 {
		return ""
	}
	const percent = 10_000
	part := strings.TrimRight(strconv.FormatInt(ppm%percent+percent, 10)[1:], "0")
	return strings.TrimSuffix(strconv.FormatInt(ppm/percent, 10)+"."+part, ".") + "%"
}

// sayPage leaves out what its owner wrote: a name, and texts that may hold some.
func sayPage(p domain.Page, currency money.Currency) []said {
	return []said{
		{"state", string(p.State)},
		{"goal_minor", money.Amount{Minor: p.Goal, Currency: currency}.String()},
	}
}
