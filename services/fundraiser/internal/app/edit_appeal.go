package app

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

// AppealInput is what staff write. Amounts are minor units, days are written
// 2026-12-31 and are those of the organization's time zone.
type AppealInput struct {
	Slug           string
	OrganizationID string
	Kind           domain.Kind
	Title          string
	Summary        string
	Story          string // Markdown
	Currency       string
	Suggested      []int64
	Minimum        int64
	Goal           int64
	GoalCount      int64
	GoalUnit       string
	UnitCost       int64
	FundCodes      []string
	StartsOn       string // "" for already
	EndsOn         string // last day; "" for never
	CoverRatePPM   int64
	CoverFixed     int64
}

// EditedAppeal is an appeal as staff see it.
type EditedAppeal struct {
	Appeal
	StateNow domain.State // its dates counted in
	StartsOn string
	EndsOn   string
}

// ListAllAppeals returns appeals in every state, in the order of the site.
func (a *App) ListAllAppeals(ctx context.Context) ([]EditedAppeal, error) {
	var edited []EditedAppeal
	err := a.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		appeals, err := tx.Appeals(ctx)
		if err != nil {
			return err
		}
		organizations, err := tx.Organizations(ctx)
		if err != nil {
			return err
		}
		edited = nil
		for _, appeal := range appeals {
			at := slices.IndexFunc(organizations, func(o domain.Organization) bool { return o.ID == appeal.OrganizationID })
			one, err := a.edited(appeal, organizations[at])
			if err != nil {
				return err
			}
			edited = append(edited, one)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list all appeals: %w", err)
	}
	slices.SortStableFunc(edited, func(x, y EditedAppeal) int { return urgency(x.Kind) - urgency(y.Kind) })
	return edited, nil
}

// AppealForEdit returns one appeal, whatever its state.
func (a *App) AppealForEdit(ctx context.Context, id string) (EditedAppeal, error) {
	var edited EditedAppeal
	err := a.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		var err error
		edited, err = a.readEdited(ctx, tx, id)
		return err
	})
	if err != nil {
		return EditedAppeal{}, fmt.Errorf("get appeal for edit: %w", err)
	}
	return edited, nil
}

func (a *App) readEdited(ctx context.Context, tx Reader, id string) (EditedAppeal, error) {
	appeal, found, err := tx.AppealByID(ctx, id)
	if err != nil {
		return EditedAppeal{}, err
	}
	if !found {
		return EditedAppeal{}, errNoAppeal
	}
	organization, _, err := tx.Organization(ctx, appeal.OrganizationID)
	if err != nil {
		return EditedAppeal{}, err
	}
	return a.edited(appeal, organization)
}

func (a *App) edited(appeal Appeal, organization domain.Organization) (EditedAppeal, error) {
	zone, err := time.LoadLocation(organization.TimeZone)
	if err != nil {
		return EditedAppeal{}, fmt.Errorf("read time zone of organization %s: %w", organization.Code, err)
	}
	return EditedAppeal{
		Appeal:   appeal,
		StateNow: appeal.At(a.now()),
		StartsOn: domain.FirstDay(appeal.StartsAt, zone),
		EndsOn:   domain.LastDay(appeal.EndsAt, zone),
	}, nil
}

// SaveAppeal makes a draft when id is empty, or changes an appeal of that
// version. Everything that is wrong with the input is said at once.
func (a *App) SaveAppeal(ctx context.Context, personID, id string, version int64, input AppealInput) (EditedAppeal, error) {
	var edited EditedAppeal
	err := a.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		err := tx.LockCatalogue(ctx)
		if err != nil {
			return err
		}
		before := domain.Appeal{OrganizationID: input.OrganizationID, State: domain.Draft}
		if id != "" {
			kept, found, err := tx.AppealByID(ctx, id)
			if err != nil {
				return err
			}
			if !found {
				return errNoAppeal
			}
			if kept.Version != version {
				return errChanged
			}
			before = kept.Appeal
		}
		after, err := input.apply(ctx, tx, before)
		if err != nil {
			return err
		}
		if id == "" {
			after.ID, err = a.newAppealID(ctx, tx, after.Slug)
			if err != nil {
				return err
			}
		}
		if !reflect.DeepEqual(before, after) {
			action := "changed"
			if id == "" {
				action = "created"
			}
			err = a.putAppeal(ctx, tx, personID, action, before, after)
			if err != nil {
				return err
			}
		}
		edited, err = a.readEdited(ctx, tx, after.ID)
		return err
	})
	if err != nil {
		return EditedAppeal{}, fmt.Errorf("save appeal: %w", err)
	}
	return edited, nil
}

// newAppealID is the id that a file would give the appeal at this address, so
// that one can take over from the other; unless an appeal has it that was
// moved away from there.
func (a *App) newAppealID(ctx context.Context, tx Reader, slug string) (string, error) {
	id := domain.AppealID(slug)
	_, taken, err := tx.AppealByID(ctx, id)
	if err != nil {
		return "", err
	}
	if taken {
		return envelope.NewID(a.now()), nil
	}
	return id, nil
}

// putAppeal writes an appeal and who changed it.
func (a *App) putAppeal(ctx context.Context, tx Tx, personID, action string, before, after domain.Appeal) error {
	organization, _, err := tx.Organization(ctx, after.OrganizationID)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(organization.TimeZone)
	if err != nil {
		return fmt.Errorf("read time zone of organization %s: %w", organization.Code, err)
	}
	fields := difference(nil, sayAppeal(after, zone))
	if before.Version > 0 {
		fields = difference(sayAppeal(before, zone), sayAppeal(after, zone))
	}
	after.Version = before.Version + 1
	after.WasPublished = before.WasPublished || after.State != domain.Draft
	err = tx.PutAppeal(ctx, after)
	if err != nil {
		return err
	}
	return tx.AddChanges(ctx, []Change{{
		At: a.moment(), PersonID: personID, Subject: AppealSubject, SubjectID: after.ID, SubjectName: after.Slug,
		Action: action, Fields: fields,
	}})
}

// apply is the appeal as it shall be, or everything that is wrong with it.
func (in AppealInput) apply(ctx context.Context, tx Reader, before domain.Appeal) (domain.Appeal, error) {
	after := before
	after.Slug, after.Kind = in.Slug, in.Kind
	after.Title, after.Summary, after.Story = domain.OneLine(in.Title), domain.OneLine(in.Summary), domain.Text(in.Story)
	after.Suggested, after.Minimum = in.Suggested, in.Minimum
	after.Goal, after.GoalCount, after.GoalUnit, after.UnitCost = in.Goal, in.GoalCount, domain.OneLine(in.GoalUnit), in.UnitCost
	after.FundCodes = in.FundCodes
	after.CoverRatePPM, after.CoverFixed = in.CoverRatePPM, in.CoverFixed

	var problems domain.Problems
	currency, problem := readCurrency(in.Currency)
	problems.Add("currency", problem)
	after.Currency = currency
	organization, found, err := tx.Organization(ctx, in.OrganizationID)
	if err != nil {
		return domain.Appeal{}, err
	}
	switch {
	case !found:
		problems.Add("organization_id", "is none that there is")
	case in.OrganizationID != before.OrganizationID:
		problems.Add("organization_id", "cannot change: make a new appeal")
	default:
		zone, problem := readZone(organization.TimeZone)
		if problem != "" {
			return domain.Appeal{}, fmt.Errorf("time zone of organization %s: %s", organization.Code, problem)
		}
		after.StartsAt, after.EndsAt = days(in.StartsOn, in.EndsOn, zone, "", &problems)
		err = checkFunds(ctx, tx, organization, in.FundCodes, &problems)
		if err != nil {
			return domain.Appeal{}, err
		}
	}
	err = checkFixed(ctx, tx, before, after, &problems)
	if err != nil {
		return domain.Appeal{}, err
	}
	domain.CheckAppeal("", after, &problems)
	problems.Add("story", domain.CheckStory(after.Story))
	if in.CoverRatePPM == 0 && in.CoverFixed == 0 {
		problems.Add("cover_rate", "is missing: donors who add it would add nothing")
	}
	return after, inForm(problems)
}

// days reads the first and the last day of an appeal in a time zone.
func days(first, last string, zone *time.Location, path string, problems *domain.Problems) (starts, ends time.Time) {
	starts, problem := readDay(first, zone)
	problems.Add(path+".starts", problem)
	ends, problem = readDay(last, zone)
	problems.Add(path+".ends", problem)
	if !ends.IsZero() {
		// The last day is a whole day, also where it has 23 or 25 hours.
		ends = ends.AddDate(0, 0, 1)
	}
	return instant(starts), instant(ends)
}

func checkFunds(ctx context.Context, tx Reader, organization domain.Organization, codes []string, problems *domain.Problems) error {
	funds, err := tx.Funds(ctx)
	if err != nil {
		return err
	}
	for i, code := range codes {
		known := slices.ContainsFunc(funds, func(f domain.Fund) bool { return f.OrganizationID == organization.ID && f.Code == code })
		switch {
		case !known:
			problems.Add("funds", fmt.Sprintf("%q is none of organization %s", code, organization.Code))
		case slices.Contains(codes[:i], code):
			problems.Add("funds", fmt.Sprintf("%q is named twice", code))
		}
	}
	return nil
}

// checkFixed refuses another address or currency for what was published, and an
// address that another appeal has.
func checkFixed(ctx context.Context, tx Reader, before, after domain.Appeal, problems *domain.Problems) error {
	if before.WasPublished && after.Slug != before.Slug {
		problems.Add("slug", "cannot change: it was published and shared")
	}
	if before.WasPublished && after.Currency != before.Currency && after.Currency != (money.Currency{}) {
		problems.Add("currency", fmt.Sprintf("cannot change: its gifts are in %s; make a new appeal", before.Currency))
	}
	other, taken, err := tx.AppealBySlug(ctx, after.Slug)
	if err != nil {
		return err
	}
	if taken && other.ID != before.ID {
		problems.Add("slug", fmt.Sprintf("is that of the appeal %q", other.Title))
	}
	return nil
}

// ChangeAppealState publishes, closes or reopens an appeal. What is so already
// stays so.
func (a *App) ChangeAppealState(ctx context.Context, personID, id string, action domain.AppealAction) (EditedAppeal, error) {
	var edited EditedAppeal
	err := a.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		err := tx.LockCatalogue(ctx)
		if err != nil {
			return err
		}
		appeal, found, err := tx.AppealByID(ctx, id)
		if err != nil {
			return err
		}
		if !found {
			return errNoAppeal
		}
		state, can := appeal.After(action)
		switch {
		case !can:
			return cannotAppeal(action)
		case state == domain.Live && state != appeal.State && appeal.Ended(a.now()):
			return apperr.New(apperr.FailedPrecondition, "APPEAL_ENDED",
				"The last day of this appeal has passed. Give it a later last day, or none, and try again.")
		case state != appeal.State:
			after := appeal.Appeal
			after.State = state
			err = a.putAppeal(ctx, tx, personID, done[action], appeal.Appeal, after)
			if err != nil {
				return err
			}
		}
		edited, err = a.readEdited(ctx, tx, id)
		return err
	})
	if err != nil {
		return EditedAppeal{}, fmt.Errorf("change state of appeal: %w", err)
	}
	return edited, nil
}

// done says in the record of changes what an action did.
var done = map[domain.AppealAction]string{
	domain.PublishAppeal: "published",
	domain.CloseAppeal:   "closed",
	domain.ReopenAppeal:  "reopened",
}

func cannotAppeal(action domain.AppealAction) error {
	switch action {
	case domain.PublishAppeal:
		return apperr.New(apperr.FailedPrecondition, "APPEAL_NOT_DRAFT", "This appeal was closed. Reopen it instead.")
	case domain.CloseAppeal:
		return apperr.New(apperr.FailedPrecondition, "APPEAL_NOT_LIVE", "This appeal is a draft: there is nothing to close.")
	case domain.ReopenAppeal:
		return apperr.New(apperr.FailedPrecondition, "APPEAL_NOT_CLOSED", "This appeal is a draft. Publish it instead.")
	}
	return apperr.Invalid(apperr.Field{Name: "action", Reason: "ACTION_UNKNOWN", Message: "Say what to do with the appeal."})
}
