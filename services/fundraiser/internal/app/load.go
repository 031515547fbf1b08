package app

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

// Count says what loading did to one kind of thing.
type Count struct {
	Added     int
	Changed   int
	Unchanged int
}

// Report says what loading a file did.
type Report struct {
	Organizations Count
	Funds         Count
	Appeals       Count
	Fundraisers   Count
}

// String is what the operator who loaded the file is told.
func (r Report) String() string {
	kinds := []struct {
		name string
		Count
	}{{"organizations", r.Organizations}, {"funds", r.Funds}, {"appeals", r.Appeals}, {"fundraisers", r.Fundraisers}}
	var lines []string
	for _, k := range kinds {
		lines = append(lines, fmt.Sprintf("%-14s %d added, %d changed, %d unchanged", k.name, k.Added, k.Changed, k.Unchanged))
	}
	return strings.Join(lines, "\n")
}

// Load reads organizations, funds, appeals and supporters' pages from YAML and
// makes them so, in one transaction. A file with anything wrong in it loads
// nothing and is answered with an *InvalidFileError that names every line. The
// same file again changes nothing and tells nobody. What is in the database but
// not in the file stays: gifts refer to it.
func (a *App) Load(ctx context.Context, r io.Reader) (Report, error) {
	doc, err := readFile(r)
	if err != nil {
		return Report{}, fmt.Errorf("load: %w", err)
	}
	var report Report
	err = a.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		err := tx.LockCatalogue(ctx)
		if err != nil {
			return err
		}
		report, err = a.put(ctx, tx, doc)
		return err
	})
	if err != nil {
		return Report{}, fmt.Errorf("load: %w", err)
	}
	return report, nil
}

// LoadIfEmpty is Load for a database without any organization; otherwise it
// changes nothing and answers false.
func (a *App) LoadIfEmpty(ctx context.Context, r io.Reader) (bool, error) {
	doc, err := readFile(r)
	if err != nil {
		return false, fmt.Errorf("load into an empty database: %w", err)
	}
	var loaded bool
	err = a.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		loaded = false
		err := tx.LockCatalogue(ctx)
		if err != nil {
			return err
		}
		there, err := tx.Organizations(ctx)
		if err != nil || len(there) > 0 {
			return err
		}
		_, err = a.put(ctx, tx, doc)
		loaded = err == nil
		return err
	})
	if err != nil {
		return false, fmt.Errorf("load into an empty database: %w", err)
	}
	return loaded, nil
}

// put compares the file with what is there, refuses what must not change, and
// writes the difference.
func (a *App) put(ctx context.Context, tx Tx, doc document) (Report, error) {
	there, err := readKept(ctx, tx)
	if err != nil {
		return Report{}, err
	}
	problems := there.conflicts(doc)
	if len(problems) > 0 {
		return Report{}, doc.source.invalid(problems)
	}

	l := loading{tx: tx, at: a.now()}
	// The home organization last: the database allows one at a time, and the
	// one that was home may be losing that in this file.
	for _, home := range []bool{false, true} {
		for _, o := range doc.Organizations {
			if o.Home == home {
				err = l.organization(ctx, o, there)
				if err != nil {
					return Report{}, err
				}
			}
		}
	}
	for _, f := range doc.Funds {
		err = l.fund(ctx, f, there)
		if err != nil {
			return Report{}, err
		}
	}
	for _, appeal := range doc.Appeals {
		err = l.appeal(ctx, appeal, there, doc)
		if err != nil {
			return Report{}, err
		}
	}
	for _, page := range doc.Pages {
		err = l.page(ctx, page, there, doc)
		if err != nil {
			return Report{}, err
		}
	}
	err = tx.AddChanges(ctx, l.changes)
	if err != nil {
		return Report{}, err
	}
	if len(l.events) > 0 {
		err = tx.Append(ctx, l.events...)
		if err != nil {
			return Report{}, fmt.Errorf("tell what changed: %w", err)
		}
	}
	return l.report, nil
}

// loaded is a page of the file as it shall be kept. What a file does not say
// stays; what an owner or staff decided since is not undone by loading the file
// again.
func loaded(page, known domain.Page, at time.Time) domain.Page {
	if known.SupporterID != "" {
		return known
	}
	page.Version, page.Photo = known.Version, known.Photo
	page.CreatedAt, page.PublishedAt = known.CreatedAt, known.PublishedAt
	if known.ID == "" {
		page.CreatedAt = instant(at.Truncate(time.Microsecond))
	}
	if page.State != domain.Draft && known.State != page.State && page.PublishedAt.IsZero() {
		page.PublishedAt = instant(at.Truncate(time.Microsecond))
	}
	if known.State == domain.TakenDown {
		page.State, page.StateBefore, page.Reason = domain.TakenDown, page.State, known.Reason
	}
	return page
}

// note counts one thing and reports whether it must be written.
func (c *Count) note(exists, same bool) bool {
	switch {
	case !exists:
		c.Added++
	case same:
		c.Unchanged++
		return false
	default:
		c.Changed++
	}
	return true
}

// loading is one run of put.
type loading struct {
	tx     Tx
	at     time.Time
	report Report
	events []envelope.Event
	// changes say that the operator did it: a file goes before what staff made
	// of the same thing since, and they can see that it did.
	changes []Change
}

func (l *loading) changed(subject Subject, id, name string, before, after []said) {
	action := "changed"
	if before == nil {
		action = "created"
	}
	l.changes = append(l.changes, Change{
		At: instant(l.at.Truncate(time.Microsecond)), PersonID: operatorID, Subject: subject, SubjectID: id, SubjectName: name,
		Action: action, Fields: difference(before, after),
	})
}

// described is what a thing said before, nil for one that was not there.
func described(exists bool, say func() []said) []said {
	if !exists {
		return nil
	}
	return say()
}

func (l *loading) appeal(ctx context.Context, appeal domain.Appeal, there kept, doc document) error {
	known, exists := there.appeals[appeal.ID]
	appeal.Version = known.Version
	appeal.WasPublished = known.WasPublished || appeal.State != domain.Draft
	if !l.report.Appeals.note(exists, reflect.DeepEqual(known, appeal)) {
		return nil
	}
	appeal.Version++
	err := l.tx.PutAppeal(ctx, appeal)
	if err != nil {
		return fmt.Errorf("appeal %s: %w", appeal.Slug, err)
	}
	zone := doc.zones[appeal.OrganizationID]
	l.changed(AppealSubject, appeal.ID, appeal.Slug,
		described(exists, func() []said { return sayAppeal(known, zone) }), sayAppeal(appeal, zone))
	return nil
}

func (l *loading) page(ctx context.Context, page domain.Page, there kept, doc document) error {
	known, exists := there.pages[page.ID]
	page = loaded(page, known, l.at)
	if !l.report.Fundraisers.note(exists, reflect.DeepEqual(known, page)) {
		return nil
	}
	page.Version++
	err := l.tx.PutPage(ctx, page)
	if err != nil {
		return fmt.Errorf("fundraiser %s: %w", page.Slug, err)
	}
	currency := doc.currencies[page.AppealID]
	l.changed(FundraiserSubject, page.ID, page.Slug,
		described(exists, func() []said { return sayPage(known, currency) }), sayPage(page, currency))
	return nil
}

func (l *loading) organization(ctx context.Context, o domain.Organization, there kept) error {
	known, exists := there.organizations[o.ID]
	o.Version, o.Logo = known.Version, known.Logo
	if !l.report.Organizations.note(exists, reflect.DeepEqual(known, o)) {
		return nil
	}
	o.Version++
	err := l.tx.PutOrganization(ctx, o)
	if err != nil {
		return fmt.Errorf("organization %s: %w", o.Code, err)
	}
	if exists && known.TimeZone != o.TimeZone {
		// Those of the file are written after this, with the days it says.
		err = moveDays(ctx, l.tx, known, o)
		if err != nil {
			return err
		}
	}
	l.changed(OrganizationSubject, o.ID, o.Code,
		described(exists, func() []said { return sayOrganization(known) }), sayOrganization(o))
	event, err := organizationChanged(ctx, o, l.at)
	if err != nil {
		return err
	}
	l.events = append(l.events, event)
	return nil
}

func (l *loading) fund(ctx context.Context, f domain.Fund, there kept) error {
	known, exists := there.funds[f.ID]
	f.Version = known.Version
	if !l.report.Funds.note(exists, known == f) {
		return nil
	}
	f.Version++
	err := l.tx.PutFund(ctx, f)
	if err != nil {
		return fmt.Errorf("fund %s: %w", f.Code, err)
	}
	l.changed(FundSubject, f.ID, f.Code, described(exists, func() []said { return sayFund(known) }), sayFund(f))
	event, err := fundChanged(ctx, f, l.at)
	if err != nil {
		return err
	}
	l.events = append(l.events, event)
	return nil
}

// kept is the catalogue in the database, by id.
type kept struct {
	organizations map[string]domain.Organization
	funds         map[string]domain.Fund
	appeals       map[string]domain.Appeal
	pages         map[string]domain.Page
}

func readKept(ctx context.Context, tx Reader) (kept, error) {
	organizations, err := tx.Organizations(ctx)
	if err != nil {
		return kept{}, err
	}
	funds, err := tx.Funds(ctx)
	if err != nil {
		return kept{}, err
	}
	appeals, err := tx.Appeals(ctx)
	if err != nil {
		return kept{}, err
	}
	pages, err := tx.Pages(ctx)
	if err != nil {
		return kept{}, err
	}
	k := kept{
		organizations: map[string]domain.Organization{},
		funds:         map[string]domain.Fund{},
		appeals:       map[string]domain.Appeal{},
		pages:         map[string]domain.Page{},
	}
	for _, o := range organizations {
		k.organizations[o.ID] = o
	}
	for _, f := range funds {
		k.funds[f.ID] = f
	}
	for _, a := range appeals {
		k.appeals[a.ID] = a.Appeal
	}
	for _, p := range pages {
		k.pages[p.ID] = p
	}
	return k, nil
}

// conflicts are what the file may not change about what gifts refer to.
func (k kept) conflicts(doc document) domain.Problems {
	var problems domain.Problems
	slugs := map[string]domain.Organization{}
	homes := map[string]string{}
	for _, o := range k.organizations {
		slugs[o.Slug] = o
		if o.Home {
			homes[o.ID] = o.Code
		}
	}
	home := "organizations"
	for _, o := range doc.Organizations {
		path := doc.at[o.ID]
		owner, taken := slugs[o.Slug]
		if taken && owner.ID != o.ID {
			problems.Add(path+".slug", fmt.Sprintf("%q is the address of organization %s", o.Slug, owner.Code))
		}
		delete(homes, o.ID)
		if o.Home {
			homes[o.ID] = o.Code
			home = path + ".home"
		}
	}
	if len(homes) != 1 {
		problems.Add(home, fmt.Sprintf("exactly one organization must be the home of what belongs to no gift, not %d", len(homes)))
	}
	appealAt := map[string]domain.Appeal{}
	for _, a := range k.appeals {
		appealAt[a.Slug] = a
	}
	for _, a := range doc.Appeals {
		path := doc.at[a.ID]
		known, exists := k.appeals[a.ID]
		if other, taken := appealAt[a.Slug]; taken && other.ID != a.ID {
			problems.Add(path+".slug", fmt.Sprintf("%q is the address of an appeal that was moved there", a.Slug))
		}
		if exists && known.Slug != a.Slug {
			problems.Add(path+".slug", fmt.Sprintf("cannot be used: the appeal that it named is at %q now", known.Slug))
		}
		if exists && known.OrganizationID != a.OrganizationID {
			problems.Add(path+".organization", "cannot change: gifts were given to the other one; make a new appeal")
		}
		if exists && known.Currency != a.Currency {
			problems.Add(path+".currency", fmt.Sprintf("cannot change: its gifts are in %s; make a new appeal", known.Currency))
		}
	}
	addresses := map[string]string{}
	for _, p := range k.pages {
		addresses[p.Slug] = p.ID
	}
	for _, p := range doc.Pages {
		known, exists := k.pages[p.ID]
		if id, taken := addresses[p.Slug]; taken && id != p.ID {
			problems.Add(doc.at[p.ID]+".slug", fmt.Sprintf("%q is the address of a supporter's page", p.Slug))
		}
		if exists && known.AppealID != p.AppealID {
			problems.Add(doc.at[p.ID]+".appeal", "cannot change: its gifts were given to the other one; make a new page")
		}
	}
	return problems
}
