package app

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
)

// file is what an operator writes. Amounts are strings in major units, so that
// no float ever holds one; dates are days of the organization's time zone.
type file struct {
	FeeCover      map[string]feeEntry `yaml:"fee_cover"`
	Organizations []organizationEntry `yaml:"organizations"`
	Appeals       []appealEntry       `yaml:"appeals"`
	Fundraisers   []pageEntry         `yaml:"fundraisers"`
}

// feeEntry estimates what the processor keeps, for donors who want to cover it.
type feeEntry struct {
	Rate  string `yaml:"rate"`  // "2.9%"
	Fixed string `yaml:"fixed"` // "0.30"
}

type organizationEntry struct {
	Code           string      `yaml:"code"`
	Slug           string      `yaml:"slug"`
	Home           bool        `yaml:"home"`
	Name           string      `yaml:"name"`
	LegalName      string      `yaml:"legal_name"`
	Address        []string    `yaml:"address"`
	Registration   string      `yaml:"registration"`
	Country        string      `yaml:"country"`
	TimeZone       string      `yaml:"time_zone"`
	BaseCurrency   string      `yaml:"base_currency"`
	ReceiptProfile string      `yaml:"receipt_profile"`
	Mission        string      `yaml:"mission"`
	ContactEmail   string      `yaml:"contact_email"`
	Funds          []fundEntry `yaml:"funds"`
}

type fundEntry struct {
	Code  string `yaml:"code"`
	Name  string `yaml:"name"`
	Class string `yaml:"class"`
}

type appealEntry struct {
	Slug         string   `yaml:"slug"`
	Organization string   `yaml:"organization"` // code
	Kind         string   `yaml:"kind"`
	State        string   `yaml:"state"` // absent means live
	Title        string   `yaml:"title"`
	Summary      string   `yaml:"summary"`
	Story        []string `yaml:"story"`
	Currency     string   `yaml:"currency"`
	Suggested    []string `yaml:"suggested"`
	Minimum      string   `yaml:"minimum"` // absent means the smallest charge
	Goal         string   `yaml:"goal"`
	GoalCount    int64    `yaml:"goal_count"`
	GoalUnit     string   `yaml:"goal_unit"`
	UnitCost     string   `yaml:"unit_cost"`
	Funds        []string `yaml:"funds"`  // codes, the first is the default
	Starts       string   `yaml:"starts"` // first day
	Ends         string   `yaml:"ends"`   // last day
}

type pageEntry struct {
	Slug   string   `yaml:"slug"`
	Appeal string   `yaml:"appeal"` // slug
	State  string   `yaml:"state"`  // absent means live
	Title  string   `yaml:"title"`
	Owner  string   `yaml:"owner"`
	Story  []string `yaml:"story"`
	Goal   string   `yaml:"goal"`
}

// fileLargest bounds what is read; the largest charities' catalogues are a
// hundredth of it.
const fileLargest = 4 << 20

// document is a file read: the catalogue, and where in the file each thing is.
type document struct {
	domain.Catalogue
	source     source
	at         map[string]string         // id → path
	zones      map[string]*time.Location // id of organization → its time zone
	currencies map[string]money.Currency // id of appeal → its currency
}

// readFile reads and checks a file without looking at the database. What is
// wrong with it comes back as one InvalidFileError that names every line.
func readFile(r io.Reader) (document, error) {
	text, err := io.ReadAll(io.LimitReader(r, fileLargest+1))
	if err != nil {
		return document{}, fmt.Errorf("read file: %w", err)
	}
	if len(text) > fileLargest {
		return document{}, &InvalidFileError{Problems: []FileProblem{{Message: "the file is larger than 4 MiB"}}}
	}
	var entries file
	src, err := decodeStrict(bytes.NewReader(text), &entries)
	if err != nil {
		return document{}, err
	}
	reader := fileReader{
		doc: document{
			source: src, at: map[string]string{}, zones: map[string]*time.Location{}, currencies: map[string]money.Currency{},
		},
		organizations: map[string]domain.Organization{},
		funds:         map[string]bool{},
		covers:        map[string]cover{},
		appeals:       map[string]domain.Appeal{},
		names:         map[string]string{},
	}
	if len(entries.Organizations) == 0 {
		reader.problems.Add("organizations", "is missing: a file names the organization that its appeals belong to")
	}
	reader.readCovers(entries.FeeCover)
	for i, entry := range entries.Organizations {
		reader.readOrganization(fmt.Sprintf("organizations[%d]", i), entry)
	}
	for i, entry := range entries.Appeals {
		reader.readAppeal(fmt.Sprintf("appeals[%d]", i), entry)
	}
	for i, entry := range entries.Fundraisers {
		reader.readPage(fmt.Sprintf("fundraisers[%d]", i), entry)
	}
	if len(reader.problems) > 0 {
		return document{}, src.invalid(reader.problems)
	}
	return reader.doc, nil
}

// fileReader turns entries into the catalogue and resolves what they refer to.
type fileReader struct {
	doc           document
	problems      domain.Problems
	organizations map[string]domain.Organization // by code
	funds         map[string]bool                // by id
	covers        map[string]cover               // by currency
	appeals       map[string]domain.Appeal       // by slug
	names         map[string]string              // what must be unique → where it was first
}

type cover struct {
	ratePPM, fixed int64
}

// unique notes a problem when a name was used before, with where.
func (r *fileReader) unique(path, kind, name string) {
	if name == "" {
		return // missing, and said so elsewhere
	}
	first, taken := r.names[kind+" "+name]
	if taken {
		r.problems.Add(path, fmt.Sprintf("%q is used already, by %s", name, r.doc.source.where(first)))
		return
	}
	r.names[kind+" "+name] = path
}

func (r *fileReader) readCovers(entries map[string]feeEntry) {
	for code, entry := range entries {
		path := "fee_cover." + code
		currency, err := money.ParseCurrency(code)
		if err != nil || currency.Code() != code {
			r.problems.Add(path, "is not a currency that can be charged (three capital letters)")
			continue
		}
		rate, problem := readRate(entry.Rate)
		r.problems.Add(path+".rate", problem)
		fixed, problem := readAmount(entry.Fixed, currency)
		r.problems.Add(path+".fixed", problem)
		r.covers[code] = cover{ratePPM: rate, fixed: fixed}
	}
}

func (r *fileReader) readOrganization(path string, entry organizationEntry) {
	o := domain.Organization{
		ID:             domain.OrganizationID(entry.Code),
		Code:           entry.Code,
		Slug:           entry.Slug,
		Name:           oneLine(entry.Name),
		LegalName:      oneLine(entry.LegalName),
		Address:        lines(entry.Address),
		Registration:   oneLine(entry.Registration),
		Country:        entry.Country,
		TimeZone:       entry.TimeZone,
		BaseCurrency:   entry.BaseCurrency,
		ReceiptProfile: entry.ReceiptProfile,
		Mission:        oneLine(entry.Mission),
		ContactEmail:   entry.ContactEmail,
		Home:           entry.Home,
	}
	domain.CheckOrganization(path, o, &r.problems)
	r.unique(path+".code", "organization code", o.Code)
	r.unique(path+".slug", "organization", o.Slug)
	r.problems.Add(path+".country", checkCountry(o.Country))
	r.problems.Add(path+".contact_email", checkEmail(o.ContactEmail))
	zone, problem := readZone(o.TimeZone)
	r.problems.Add(path+".time_zone", problem)
	_, problem = readCurrency(o.BaseCurrency)
	r.problems.Add(path+".base_currency", problem)

	r.doc.Organizations = append(r.doc.Organizations, o)
	r.doc.at[o.ID] = path
	r.organizations[o.Code] = o
	r.doc.zones[o.ID] = zone
	for i, fund := range entry.Funds {
		r.readFund(fmt.Sprintf("%s.funds[%d]", path, i), o, fund)
	}
}

func (r *fileReader) readFund(path string, o domain.Organization, entry fundEntry) {
	f := domain.Fund{
		ID:             domain.FundID(o.ID, entry.Code),
		OrganizationID: o.ID,
		Code:           entry.Code,
		Name:           oneLine(entry.Name),
		Class:          domain.FundClass(entry.Class),
	}
	domain.CheckFund(path, f, &r.problems)
	r.unique(path+".code", "fund of "+o.Code, f.Code)
	r.doc.Funds = append(r.doc.Funds, f)
	r.doc.at[f.ID] = path
	r.funds[f.ID] = true
}

func (r *fileReader) readAppeal(path string, entry appealEntry) {
	organization, known := r.organizations[entry.Organization]
	if !known {
		r.problems.Add(path+".organization", fmt.Sprintf("no organization in this file has the code %q", entry.Organization))
	}
	currency, problem := readCurrency(entry.Currency)
	r.problems.Add(path+".currency", problem)
	a := domain.Appeal{
		ID:             domain.AppealID(entry.Slug),
		OrganizationID: organization.ID,
		Slug:           entry.Slug,
		Kind:           domain.Kind(entry.Kind),
		State:          stateOr(entry.State, domain.Live),
		Title:          oneLine(entry.Title),
		Summary:        oneLine(entry.Summary),
		Story:          paragraphs(entry.Story),
		Currency:       currency,
		GoalCount:      entry.GoalCount,
		GoalUnit:       oneLine(entry.GoalUnit),
		FundCodes:      entry.Funds,
	}
	if !currency.IsZero() {
		r.readTerms(path, entry, &a)
	}
	if known {
		r.readDays(path, entry, r.doc.zones[organization.ID], &a)
		for i, code := range entry.Funds {
			at := fmt.Sprintf("%s.funds[%d]", path, i)
			if !r.funds[domain.FundID(organization.ID, code)] {
				r.problems.Add(at, fmt.Sprintf("organization %s has no fund %q", organization.Code, code))
			}
			r.unique(at, "fund of appeal "+path, code)
		}
	}
	domain.CheckAppeal(path, a, &r.problems)
	domain.CheckParagraphs(path+".story", lines(entry.Story), &r.problems)
	r.unique(path+".slug", "appeal", a.Slug)
	r.doc.Appeals = append(r.doc.Appeals, a)
	r.doc.at[a.ID] = path
	r.doc.currencies[a.ID] = a.Currency
	r.appeals[a.Slug] = a
}

// readTerms reads everything that is counted in the appeal's currency.
func (r *fileReader) readTerms(path string, entry appealEntry, a *domain.Appeal) {
	amount := func(key, text string, absent int64) int64 {
		if text == "" {
			return absent
		}
		minor, problem := readAmount(text, a.Currency)
		r.problems.Add(path+"."+key, problem)
		if problem != "" {
			return absent
		}
		return minor
	}
	a.Minimum = amount("minimum", entry.Minimum, money.Minimum(a.Currency).Minor)
	a.Goal = amount("goal", entry.Goal, 0)
	a.UnitCost = amount("unit_cost", entry.UnitCost, 0)
	for i, text := range entry.Suggested {
		minor, problem := readAmount(text, a.Currency)
		r.problems.Add(fmt.Sprintf("%s.suggested[%d]", path, i), problem)
		if problem == "" {
			a.Suggested = append(a.Suggested, minor)
		}
	}
	estimate, known := r.covers[a.Currency.Code()]
	if !known {
		// Without an estimate the form would promise that a cover of nothing
		// covers the fee.
		r.problems.Add(path+".currency", fmt.Sprintf("fee_cover has no entry for %s", a.Currency))
	}
	a.CoverRatePPM, a.CoverFixed = estimate.ratePPM, estimate.fixed
}

func (r *fileReader) readDays(path string, entry appealEntry, zone *time.Location, a *domain.Appeal) {
	if zone == nil {
		return // said at the organization
	}
	a.StartsAt, a.EndsAt = days(entry.Starts, entry.Ends, zone, path, &r.problems)
}

func (r *fileReader) readPage(path string, entry pageEntry) {
	appeal, known := r.appeals[entry.Appeal]
	if !known {
		r.problems.Add(path+".appeal", fmt.Sprintf("no appeal in this file has the slug %q", entry.Appeal))
	}
	p := domain.Page{
		ID:       domain.PageID(entry.Slug),
		AppealID: appeal.ID,
		Slug:     entry.Slug,
		Title:    oneLine(entry.Title),
		Owner:    oneLine(entry.Owner),
		Story:    paragraphs(entry.Story),
		State:    stateOr(entry.State, domain.Live),
	}
	if known && entry.Goal != "" && !appeal.Currency.IsZero() {
		goal, problem := readAmount(entry.Goal, appeal.Currency)
		r.problems.Add(path+".goal", problem)
		p.Goal = goal
	}
	domain.CheckPage(path, p, &r.problems)
	domain.CheckParagraphs(path+".story", lines(entry.Story), &r.problems)
	r.unique(path+".slug", "fundraiser", p.Slug)
	r.doc.Pages = append(r.doc.Pages, p)
	r.doc.at[p.ID] = path
}
