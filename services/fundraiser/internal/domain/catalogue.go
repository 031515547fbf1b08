package domain

import (
	"fmt"
	"slices"

	"github.com/almoner/almoner/services/internal/money"
)

// Catalogue is what an operator wants to exist. It stands alone: what an
// appeal or a page refers to is in the same catalogue.
type Catalogue struct {
	Organizations []Organization
	Funds         []Fund
	Appeals       []Appeal
	Pages         []Page
}

// Problem is one thing wrong with a catalogue. Path says where, in the words
// of the file: "appeals[2].minimum".
type Problem struct {
	Path    string
	Message string
}

// Missing tells whether it is that nothing is there.
func (p Problem) Missing() bool { return p.Message == isMissing }

// Problems collects what is wrong, so that an operator mends a file once and
// not once per mistake.
type Problems []Problem

// Add notes a problem unless the message is empty.
func (p *Problems) Add(path, message string) {
	if message != "" {
		*p = append(*p, Problem{Path: path, Message: message})
	}
}

// Bounds of texts, in characters: generous for an author, small enough that
// no page breaks.
const (
	nameLongest      = 120
	summaryLongest   = 300
	paragraphLongest = 3000
	paragraphsMost   = 30
	suggestedMost    = 8
	// wholePPM is all of an amount, in millionths.
	wholePPM = 1_000_000
	// LargestGoal in minor units keeps totals and goals far from overflow and
	// within what a browser can count exactly.
	LargestGoal = 1_000_000_000_000_000
)

// CheckOrganization says what is wrong with an organization's own fields.
func CheckOrganization(path string, o Organization, problems *Problems) {
	problems.Add(path+".code", CheckCode(o.Code))
	problems.Add(path+".slug", CheckSlug(o.Slug))
	problems.Add(path+".name", checkLine(o.Name, nameLongest))
	problems.Add(path+".legal_name", checkLine(o.LegalName, nameLongest))
	problems.Add(path+".registration", checkLine(o.Registration, summaryLongest))
	problems.Add(path+".mission", checkLine(o.Mission, paragraphLongest))
	if len(o.Address) == 0 || len(o.Address) > 8 {
		problems.Add(path+".address", "must have 1 to 8 lines")
	}
	for i, line := range o.Address {
		problems.Add(fmt.Sprintf("%s.address[%d]", path, i), checkLine(line, nameLongest))
	}
	if o.ReceiptProfile != GenericReceipt {
		problems.Add(path+".receipt_profile", "must be "+GenericReceipt)
	}
}

// CheckFund says what is wrong with a fund's own fields.
func CheckFund(path string, f Fund, problems *Problems) {
	problems.Add(path+".code", CheckCode(f.Code))
	problems.Add(path+".name", checkLine(f.Name, nameLongest))
	if f.Class != Unrestricted && f.Class != Restricted {
		problems.Add(path+".class", "must be unrestricted or restricted")
	}
}

// CheckAppeal says what is wrong with an appeal's own fields. Amounts are
// looked at only once the currency is known.
func CheckAppeal(path string, a Appeal, problems *Problems) {
	problems.Add(path+".slug", CheckSlug(a.Slug))
	if a.Kind != Standing && a.Kind != Crisis && a.Kind != Campaign {
		problems.Add(path+".kind", "must be standing, crisis or campaign")
	}
	problems.Add(path+".state", checkState(a.State))
	problems.Add(path+".title", checkLine(a.Title, nameLongest))
	problems.Add(path+".summary", checkLine(a.Summary, summaryLongest))
	if len(a.FundCodes) == 0 {
		problems.Add(path+".funds", "must name at least one fund; the first is the default")
	}
	if !a.EndsAt.IsZero() && !a.EndsAt.After(a.StartsAt) {
		problems.Add(path+".ends", "is before it starts")
	}
	if a.Kind == Campaign && a.Goal == 0 && a.GoalCount == 0 {
		problems.Add(path+".kind", "a campaign needs a goal, in money or in things")
	}
	if a.GoalCount < 0 || a.GoalCount > LargestGoal {
		problems.Add(path+".goal_count", "must be a positive number")
	}
	if a.GoalCount > 0 {
		problems.Add(path+".goal_unit", checkLine(a.GoalUnit, nameLongest))
	}
	if a.GoalCount == 0 && (a.GoalUnit != "" || a.UnitCost != 0) {
		problems.Add(path+".goal_count", "is missing, but what it counts is said")
	}
	if !a.Currency.IsZero() {
		checkAmounts(path, a, problems)
	}
}

func checkAmounts(path string, a Appeal, problems *Problems) {
	least, most := money.Minimum(a.Currency), money.Maximum(a.Currency)
	if a.Minimum < least.Minor {
		problems.Add(path+".minimum", fmt.Sprintf("is below the smallest charge, %s", least))
	}
	if a.Minimum > most.Minor {
		problems.Add(path+".minimum", fmt.Sprintf("is above the largest charge, %s", most))
	}
	if len(a.Suggested) > suggestedMost {
		problems.Add(path+".suggested", fmt.Sprintf("has more than %d amounts", suggestedMost))
	}
	for i, minor := range a.Suggested {
		at := fmt.Sprintf("%s.suggested[%d]", path, i)
		amount := money.Amount{Minor: minor, Currency: a.Currency}
		switch {
		case minor < a.Minimum:
			problems.Add(at, fmt.Sprintf("%s is below the appeal's minimum", amount))
		case minor > most.Minor:
			problems.Add(at, fmt.Sprintf("%s is above the largest charge, %s", amount, most))
		case slices.Contains(a.Suggested[:i], minor):
			problems.Add(at, fmt.Sprintf("%s is suggested twice", amount))
		}
	}
	problems.Add(path+".goal", checkGoal(a.Goal))
	problems.Add(path+".unit_cost", checkGoal(a.UnitCost))
	if a.CoverRatePPM < 0 || a.CoverRatePPM >= wholePPM {
		problems.Add(path+".cover_rate", "must be a percentage below 100")
	}
	if a.CoverFixed < 0 || a.CoverFixed > most.Minor {
		problems.Add(path+".cover_fixed", "is not an amount that can be charged")
	}
	for _, part := range []struct {
		name  string
		minor int64
	}{{".minimum", a.Minimum}, {".goal", a.Goal}, {".unit_cost", a.UnitCost}, {".cover_fixed", a.CoverFixed}} {
		problems.Add(path+part.name, checkStep(part.minor, a.Currency))
	}
	for i, minor := range a.Suggested {
		problems.Add(fmt.Sprintf("%s.suggested[%d]", path, i), checkStep(minor, a.Currency))
	}
}

// checkStep refuses decimals that a currency is written with and not charged in.
func checkStep(minor int64, currency money.Currency) string {
	if minor%currency.Step() != 0 {
		return fmt.Sprintf("%s has decimals that cannot be charged", money.Amount{Minor: minor, Currency: currency})
	}
	return ""
}

// CheckPage says what is wrong with a page's own fields.
func CheckPage(path string, p Page, problems *Problems) {
	problems.Add(path+".slug", CheckSlug(p.Slug))
	problems.Add(path+".state", checkState(p.State))
	problems.Add(path+".title", checkLine(p.Title, nameLongest))
	problems.Add(path+".owner", checkLine(p.Owner, nameLongest))
	problems.Add(path+".goal", checkGoal(p.Goal))
}

func checkState(s State) string {
	if s != Draft && s != Live && s != Closed {
		return "must be draft, live or closed"
	}
	return ""
}

func checkGoal(minor int64) string {
	if minor < 0 || minor > LargestGoal {
		return "is not a goal that can be counted"
	}
	return ""
}

// CheckParagraphs says what is wrong with a story that is written as a list of
// paragraphs.
func CheckParagraphs(path string, story []string, problems *Problems) {
	if len(story) == 0 || len(story) > paragraphsMost {
		problems.Add(path, fmt.Sprintf("must have 1 to %d paragraphs", paragraphsMost))
	}
	for i, paragraph := range story {
		problems.Add(fmt.Sprintf("%s[%d]", path, i), checkLine(paragraph, paragraphLongest))
	}
}
