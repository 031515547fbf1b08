package app_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
)

const staff = "staff-7"

// desk is the sample catalogue, loaded, and staff who edit it.
func desk(t *testing.T) bench {
	t.Helper()
	b := setup(t)
	b.load(t, sample(t))
	b.clock.Advance(time.Hour)
	return b
}

// newest is the latest change, in words.
func (b bench) newest(t *testing.T) string {
	t.Helper()
	changes, _, err := b.ListChanges(t.Context(), 0, 1)
	if err != nil || len(changes) != 1 {
		t.Fatalf("%+v, %v", changes, err)
	}
	c := changes[0]
	var fields []string
	for _, f := range c.Fields {
		fields = append(fields, fmt.Sprintf("%s: %q → %q", f.Field, f.Before, f.After))
	}
	return fmt.Sprintf("%s %s %s %s: %s", c.PersonID, c.Action, c.Subject, c.SubjectName, strings.Join(fields, ", "))
}

func (b bench) changes(t *testing.T) int {
	t.Helper()
	changes, _, err := b.ListChanges(t.Context(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return len(changes)
}

// refused is the code of an answer and its fields, "" for none.
func refused(err error) string {
	var answer *apperr.Error
	if !errors.As(err, &answer) {
		return fmt.Sprint(err)
	}
	words := []string{string(answer.Code)}
	for _, f := range answer.Fields {
		words = append(words, f.Name)
	}
	if len(answer.Fields) == 0 {
		words = append(words, answer.Reason)
	}
	return strings.Join(words, " ")
}

func (b bench) organization(t *testing.T) domain.Organization {
	t.Helper()
	all, err := b.ListOrganizations(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	return all[0]
}

func input(o domain.Organization) app.OrganizationInput {
	return app.OrganizationInput{
		Name: o.Name, LegalName: o.LegalName, Address: o.Address, Registration: o.Registration,
		TimeZone: o.TimeZone, Mission: o.Mission, ContactEmail: o.ContactEmail,
	}
}

func TestAnOrganizationIsChangedAndTold(t *testing.T) {
	t.Parallel()
	b := desk(t)
	o := b.organization(t)
	in := input(o)
	in.Name, in.Address = "  Wayhaven ", []string{"2 Example Quay", "", "1000 AA Amsterdam", "  "}
	changed, err := b.UpdateOrganization(t.Context(), staff, o.ID, o.Version, in)
	if err != nil || changed.Name != "Wayhaven" || changed.Version != 2 || !reflect.DeepEqual(changed, b.organization(t)) {
		t.Fatalf("%+v, %v", changed, err)
	}
	if want := `staff-7 changed organization WAYHAVEN: name: "Wayhaven Relief" → "Wayhaven", ` +
		`address: "1 Example Quay\n1000 AA Amsterdam" → "2 Example Quay\n1000 AA Amsterdam"`; b.newest(t) != want {
		t.Errorf("%s\nwant\n%s", b.newest(t), want)
	}
	events := b.events(t)
	var event fundraiserv1.OrganizationChanged
	err = proto.Unmarshal(events[len(events)-1].payload, &event)
	if err != nil || len(events) != 6 || event.GetName() != "Wayhaven" || event.GetVersion() != 2 || event.GetAddress()[0] != "2 Example Quay" {
		t.Errorf("told %v, %v", &event, err)
	}
	// Nothing said otherwise is no change.
	before := b.changes(t)
	same, err := b.UpdateOrganization(t.Context(), staff, o.ID, 2, in)
	if err != nil || same.Version != 2 || len(b.events(t)) != 6 || b.changes(t) != before {
		t.Errorf("%+v, %v", same, err)
	}
}

func TestWhatIsWrongWithAnOrganizationIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	b := desk(t)
	o := b.organization(t)
	_, err := b.UpdateOrganization(t.Context(), staff, o.ID, o.Version, app.OrganizationInput{
		Name: strings.Repeat("é", 121), Address: []string{strings.Repeat("x", 200)}, TimeZone: "Mars/Olympus", ContactEmail: "hello",
	})
	if got := refused(err); got != "INVALID_ARGUMENT name legal_name registration mission address time_zone contact_email" {
		t.Error(got)
	}
	var answer *apperr.Error
	if errors.As(err, &answer) && (answer.Fields[1].Reason != "LEGAL_NAME_MISSING" ||
		answer.Fields[1].Message != "The name in the register is missing." || answer.Fields[0].Reason != "NAME_INVALID") {
		t.Errorf("%+v", answer.Fields)
	}
	_, err = b.UpdateOrganization(t.Context(), staff, "none", 1, input(o))
	if refused(err) != "NOT_FOUND ORGANIZATION_UNKNOWN" {
		t.Error(err)
	}
	_, err = b.UpdateOrganization(t.Context(), staff, o.ID, 9, input(o))
	if refused(err) != "ABORTED CHANGED_MEANWHILE" {
		t.Error(err)
	}
	if b.organization(t).Version != 1 {
		t.Error("something of what was refused was kept")
	}
}

func (b bench) draft(t *testing.T) (app.EditedAppeal, app.AppealInput) {
	t.Helper()
	in := app.AppealInput{
		Slug: "winter-boots", OrganizationID: domain.OrganizationID("WAYHAVEN"), Kind: domain.Campaign,
		Title: "Winter boots", Summary: "Dry feet for four hundred children.", Story: "They walk to school.\n\nIt *snows*.",
		Currency: "EUR", Suggested: []int64{15_00, 30_00}, Minimum: 2_00, Goal: 12_000_00, GoalCount: 400, GoalUnit: "pairs",
		UnitCost: 30_00, FundCodes: []string{"SCHOOL", "GENERAL"}, StartsOn: "2026-03-01", EndsOn: "2026-03-31",
		CoverRatePPM: 15_000, CoverFixed: 25,
	}
	made, err := b.SaveAppeal(t.Context(), staff, "", 0, in)
	if err != nil {
		t.Fatal(err)
	}
	return made, in
}

func TestAnAppealIsWrittenPublishedClosedAndReopened(t *testing.T) {
	t.Parallel()
	b := desk(t)
	made, in := b.draft(t)
	if made.State != domain.Draft || made.Version != 1 || made.WasPublished || made.StartsOn != "2026-03-01" || made.EndsOn != "2026-03-31" ||
		made.ID != domain.AppealID("winter-boots") || !slices.Equal(made.FundCodes, in.FundCodes) {
		t.Fatalf("%+v", made)
	}
	// The last day is a whole day in Amsterdam, which has summer time by then.
	if want := time.Date(2026, 3, 31, 22, 0, 0, 0, time.UTC); !made.EndsAt.Equal(want) {
		t.Errorf("ends at %s, want %s", made.EndsAt, want)
	}
	if got := b.newest(t); !strings.HasPrefix(got, `staff-7 created appeal winter-boots: slug: "" → "winter-boots", kind: "" → "campaign", state: "" → "draft"`) ||
		!strings.Contains(got, `suggested_minor: "" → "15.00 EUR, 30.00 EUR"`) || !strings.Contains(got, `cover_rate_ppm: "" → "1.5%"`) || !strings.Contains(got, `ends_on: "" → "2026-03-31"`) {
		t.Error(got)
	}
	_, err := b.GetAppeal(t.Context(), "winter-boots")
	if refused(err) != "NOT_FOUND APPEAL_UNKNOWN" {
		t.Errorf("a draft is seen: %v", err)
	}

	step := func(action domain.AppealAction, state domain.State, version int64, change string) {
		t.Helper()
		for range 2 { // what is so already stays so
			got, err := b.ChangeAppealState(t.Context(), staff, made.ID, action)
			if err != nil || got.State != state || got.StateNow != state || got.Version != version || !got.WasPublished {
				t.Fatalf("%s: %+v, %v", action, got, err)
			}
		}
		if got := b.newest(t); got != "staff-7 "+change {
			t.Error(got)
		}
	}
	step(domain.PublishAppeal, domain.Live, 2, `published appeal winter-boots: state: "draft" → "live"`)
	step(domain.CloseAppeal, domain.Closed, 3, `closed appeal winter-boots: state: "live" → "closed"`)
	step(domain.ReopenAppeal, domain.Live, 4, `reopened appeal winter-boots: state: "closed" → "live"`)

	in.Title, in.Summary = "Winter boots for all", "Dry feet."
	saved, err := b.SaveAppeal(t.Context(), staff, made.ID, 4, in)
	if err != nil || saved.Version != 5 || saved.State != domain.Live || saved.Title != "Winter boots for all" {
		t.Fatalf("%+v, %v", saved, err)
	}
	if want := `staff-7 changed appeal winter-boots: title: "Winter boots" → "Winter boots for all", ` +
		`summary: "Dry feet for four hundred children." → "Dry feet."`; b.newest(t) != want {
		t.Error(b.newest(t))
	}
	again, err := b.SaveAppeal(t.Context(), staff, made.ID, 5, in)
	if err != nil || again.Version != 5 {
		t.Errorf("nothing said otherwise is a change: %+v, %v", again, err)
	}
	if len(b.events(t)) != 5 {
		t.Error("an appeal was told to somebody")
	}
}

func TestWhatIsWrongWithAnAppealIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	b := desk(t)
	_, good := b.draft(t)
	good.Slug = "summer-shoes"
	for name, c := range map[string]struct {
		spoil func(*app.AppealInput)
		want  string
	}{
		"nothing written": {func(in *app.AppealInput) { *in = app.AppealInput{} },
			"currency organization_id slug kind title summary fund_codes story_markdown cover_rate_ppm"},
		"address of another":    {func(in *app.AppealInput) { in.Slug = "winter-boots" }, "slug"},
		"word of the site":      {func(in *app.AppealInput) { in.Slug = "donate" }, "slug"},
		"campaign without goal": {func(in *app.AppealInput) { in.Goal, in.GoalCount, in.GoalUnit, in.UnitCost = 0, 0, "", 0 }, "kind"},
		"suggests too little":   {func(in *app.AppealInput) { in.Suggested = []int64{1_00, 15_00} }, "suggested_minor"},
		"below the charge":      {func(in *app.AppealInput) { in.Minimum = 1 }, "minimum_minor"},
		"negative goal":         {func(in *app.AppealInput) { in.Goal = -1 }, "goal_minor"},
		"ends before it starts": {func(in *app.AppealInput) { in.StartsOn, in.EndsOn = "2026-04-02", "2026-04-01" }, "ends_on"},
		"no such days":          {func(in *app.AppealInput) { in.StartsOn, in.EndsOn = "2026-02-30", "tomorrow" }, "starts_on ends_on"},
		"somebody else's fund":  {func(in *app.AppealInput) { in.FundCodes = []string{"BOATS"} }, "fund_codes"},
		"a fund twice":          {func(in *app.AppealInput) { in.FundCodes = []string{"SCHOOL", "SCHOOL"} }, "fund_codes"},
		"no fund":               {func(in *app.AppealInput) { in.FundCodes = nil }, "fund_codes"},
		"no such organization":  {func(in *app.AppealInput) { in.OrganizationID = "none" }, "organization_id"},
		"no such currency":      {func(in *app.AppealInput) { in.Currency = "EURO" }, "currency"},
		"a story of 1 MB":       {func(in *app.AppealInput) { in.Story = strings.Repeat("story ", 200_000) }, "story_markdown"},
		"no fee":                {func(in *app.AppealInput) { in.CoverRatePPM, in.CoverFixed = 0, 0 }, "cover_rate_ppm"},
		"all of it is fee":      {func(in *app.AppealInput) { in.CoverRatePPM = 1_000_000 }, "cover_rate_ppm"},
	} {
		in := good
		c.spoil(&in)
		_, err := b.SaveAppeal(t.Context(), staff, "", 0, in)
		if got := refused(err); got != "INVALID_ARGUMENT "+c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	all, err := b.ListAllAppeals(t.Context())
	if err != nil || len(all) != 4 || all[0].Kind != domain.Crisis {
		t.Errorf("%d appeals, %v", len(all), err)
	}
}

func TestWhatWasSharedStays(t *testing.T) {
	t.Parallel()
	b := desk(t)
	made, in := b.draft(t)
	// A draft may move, and takes its id along.
	in.Slug, in.Currency = "warm-feet", "USD"
	moved, err := b.SaveAppeal(t.Context(), staff, made.ID, 1, in)
	if err != nil || moved.Slug != "warm-feet" || moved.ID != made.ID {
		t.Fatalf("%+v, %v", moved, err)
	}
	in.Slug = "winter-boots"
	other, err := b.SaveAppeal(t.Context(), staff, "", 0, in)
	if err != nil || other.ID == made.ID || other.ID == "" {
		t.Fatalf("an appeal at the address that became free: %+v, %v", other, err)
	}
	_, err = b.ChangeAppealState(t.Context(), staff, made.ID, domain.PublishAppeal)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.ChangeAppealState(t.Context(), staff, made.ID, domain.CloseAppeal)
	if err != nil {
		t.Fatal(err)
	}
	in.Slug, in.Currency, in.OrganizationID = "cold-feet", "EUR", "another"
	_, err = b.SaveAppeal(t.Context(), staff, made.ID, 4, in)
	if got := refused(err); got != "INVALID_ARGUMENT organization_id slug currency" {
		t.Error(got)
	}
	// A file does not take the address of what was moved, nor the id of what moved away.
	for _, slug := range []string{"warm-feet", "winter-boots"} {
		text := strings.Replace(sample(t), "slug: beside-every-family", "slug: "+slug, 1)
		_, err := b.Load(t.Context(), strings.NewReader(text))
		var invalid *app.InvalidFileError
		if !errors.As(err, &invalid) {
			t.Errorf("%s: %v", slug, err)
		}
	}
}

func TestAnAppealThatIsOverIsNotOpened(t *testing.T) {
	t.Parallel()
	b := desk(t)
	made, in := b.draft(t)
	in.EndsOn = "2026-03-03" // yesterday
	saved, err := b.SaveAppeal(t.Context(), staff, made.ID, 1, in)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.ChangeAppealState(t.Context(), staff, made.ID, domain.PublishAppeal)
	if refused(err) != "FAILED_PRECONDITION APPEAL_ENDED" {
		t.Error(err)
	}
	in.EndsOn = "2026-03-04" // today
	_, err = b.SaveAppeal(t.Context(), staff, made.ID, saved.Version, in)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.ChangeAppealState(t.Context(), staff, made.ID, domain.PublishAppeal)
	if err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(24 * time.Hour)
	over, err := b.AppealForEdit(t.Context(), made.ID)
	if err != nil || over.State != domain.Live || over.StateNow != domain.Closed {
		t.Errorf("%+v, %v", over, err)
	}
	_, err = b.ChangeAppealState(t.Context(), staff, made.ID, domain.CloseAppeal)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.ChangeAppealState(t.Context(), staff, made.ID, domain.ReopenAppeal)
	if refused(err) != "FAILED_PRECONDITION APPEAL_ENDED" {
		t.Error(err)
	}
	for action, want := range map[domain.AppealAction]string{
		domain.PublishAppeal: "FAILED_PRECONDITION APPEAL_NOT_DRAFT", "": "INVALID_ARGUMENT action",
	} {
		_, err = b.ChangeAppealState(t.Context(), staff, made.ID, action)
		if refused(err) != want {
			t.Errorf("%q: %v", action, err)
		}
	}
	_, err = b.ChangeAppealState(t.Context(), staff, "none", domain.CloseAppeal)
	if refused(err) != "NOT_FOUND APPEAL_UNKNOWN" {
		t.Error(err)
	}
}

func TestDaysStayTheSameInAnotherTimeZone(t *testing.T) {
	t.Parallel()
	b := desk(t)
	made, _ := b.draft(t)
	o := b.organization(t)
	in := input(o)
	in.TimeZone = "America/New_York"
	_, err := b.UpdateOrganization(t.Context(), staff, o.ID, o.Version, in)
	if err != nil {
		t.Fatal(err)
	}
	moved, err := b.AppealForEdit(t.Context(), made.ID)
	if err != nil || moved.StartsOn != "2026-03-01" || moved.EndsOn != "2026-03-31" || moved.Version != 2 {
		t.Fatalf("%+v, %v", moved, err)
	}
	if want := time.Date(2026, 4, 1, 4, 0, 0, 0, time.UTC); !moved.EndsAt.Equal(want) {
		t.Errorf("ends at %s, want %s", moved.EndsAt, want)
	}
	// A file that moves it back keeps the days of what is not in the file, too.
	b.load(t, sample(t))
	back, err := b.AppealForEdit(t.Context(), made.ID)
	if err != nil || !back.EndsAt.Equal(made.EndsAt) || !back.StartsAt.Equal(made.StartsAt) {
		t.Errorf("%+v, %v", back, err)
	}
}

// Two windows: the second is told, and nothing of the first is lost.
func TestTwoWindowsDoNotUndoEachOther(t *testing.T) {
	t.Parallel()
	b := desk(t)
	made, in := b.draft(t)
	const windows = 8
	answers := make([]error, windows)
	var all sync.WaitGroup
	for i := range windows {
		all.Go(func() {
			mine := in
			mine.Title = fmt.Sprintf("Window %d", i)
			_, answers[i] = b.SaveAppeal(t.Context(), staff, made.ID, made.Version, mine)
		})
	}
	all.Wait()
	winner := slices.Index(answers, nil)
	for i, err := range answers {
		if i != winner && refused(err) != "ABORTED CHANGED_MEANWHILE" {
			t.Errorf("window %d: %v", i, err)
		}
	}
	kept, err := b.AppealForEdit(t.Context(), made.ID)
	if err != nil || kept.Version != 2 || kept.Title != fmt.Sprintf("Window %d", winner) {
		t.Errorf("%+v, %v", kept, err)
	}
	if want := fmt.Sprintf(`staff-7 changed appeal winter-boots: title: "Winter boots" → "Window %d"`, winner); b.newest(t) != want {
		t.Error(b.newest(t))
	}
}

func TestFunds(t *testing.T) {
	t.Parallel()
	b := desk(t)
	organization := domain.OrganizationID("WAYHAVEN")
	made, err := b.SaveFund(t.Context(), staff, domain.Fund{OrganizationID: organization, Code: "BOOTS", Name: " Winter boots ", Class: domain.Restricted})
	if err != nil || made.ID != domain.FundID(organization, "BOOTS") || made.Version != 1 || made.Name != "Winter boots" {
		t.Fatalf("%+v, %v", made, err)
	}
	if want := `staff-7 created fund BOOTS: code: "" → "BOOTS", name: "" → "Winter boots", fund_class: "" → "restricted"`; b.newest(t) != want {
		t.Error(b.newest(t))
	}
	renamed := made
	renamed.Name = "Boots and coats"
	renamed, err = b.SaveFund(t.Context(), staff, renamed)
	if err != nil || renamed.Version != 2 {
		t.Fatalf("%+v, %v", renamed, err)
	}
	events := b.events(t)
	var event fundraiserv1.FundChanged
	err = proto.Unmarshal(events[len(events)-1].payload, &event)
	if err != nil || len(events) != 7 || event.GetName() != "Boots and coats" || event.GetVersion() != 2 {
		t.Errorf("told %v, %v", &event, err)
	}
	same, err := b.SaveFund(t.Context(), staff, renamed)
	if err != nil || same != renamed || len(b.events(t)) != 7 {
		t.Errorf("%+v, %v", same, err)
	}
	for name, c := range map[string]struct {
		spoil func(*domain.Fund)
		want  string
	}{
		"older version":         {func(f *domain.Fund) { f.Version = 1 }, "ABORTED CHANGED_MEANWHILE"},
		"no such fund":          {func(f *domain.Fund) { f.ID = "none" }, "NOT_FOUND FUND_UNKNOWN"},
		"what books rest on":    {func(f *domain.Fund) { f.Code, f.Class, f.OrganizationID = "SHOES", domain.Unrestricted, "x" }, "INVALID_ARGUMENT organization_id code fund_class"},
		"no name":               {func(f *domain.Fund) { f.Name = "" }, "INVALID_ARGUMENT name"},
		"code of another":       {func(f *domain.Fund) { f.ID = "" }, "INVALID_ARGUMENT code"},
		"nothing":               {func(f *domain.Fund) { *f = domain.Fund{} }, "INVALID_ARGUMENT code name fund_class organization_id"},
		"somebody else's books": {func(f *domain.Fund) { f.ID, f.OrganizationID = "", "none" }, "INVALID_ARGUMENT organization_id"},
	} {
		fund := renamed
		c.spoil(&fund)
		_, err := b.SaveFund(t.Context(), staff, fund)
		if refused(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	funds, err := b.ListFunds(t.Context())
	if err != nil || len(funds) != 5 || funds[0].Code != "BOOTS" {
		t.Errorf("%+v, %v", funds, err)
	}
}

func TestAPageIsTakenDownAndRestored(t *testing.T) {
	t.Parallel()
	b := desk(t)
	id := domain.PageID("salma-walks-the-coast")
	_, err := b.TakeDown(t.Context(), staff, id, " \u200b ", false)
	if refused(err) != "INVALID_ARGUMENT reason" {
		t.Error(err)
	}
	_, err = b.TakeDown(t.Context(), staff, id, strings.Repeat("x", 501), false)
	if refused(err) != "INVALID_ARGUMENT reason" {
		t.Error(err)
	}
	down, err := b.TakeDown(t.Context(), staff, id, "Asks for gifts to a private account.", false)
	if err != nil || down.State != domain.TakenDown || !down.Closed || down.Version != 2 {
		t.Fatalf("%+v, %v", down, err)
	}
	// The record names no supporter and no reason that might.
	if want := `staff-7 taken_down fundraiser salma-walks-the-coast: state: "live" → "taken_down"`; b.newest(t) != want {
		t.Error(b.newest(t))
	}
	_, err = b.GetFundraiser(t.Context(), "salma-walks-the-coast")
	if refused(err) != "NOT_FOUND FUNDRAISER_UNKNOWN" {
		t.Errorf("it is still seen: %v", err)
	}
	listed, _, err := b.ListPages(t.Context(), "", 0)
	if err != nil || len(listed) != 2 || listed[0].Appeal.Slug == "" {
		t.Errorf("%+v, %v", listed, err)
	}
	up, err := b.TakeDown(t.Context(), staff, id, "", true)
	if err != nil || up.State != domain.Live || up.Closed || up.Reason != "" {
		t.Fatalf("%+v, %v", up, err)
	}
	if want := `staff-7 restored fundraiser salma-walks-the-coast: state: "taken_down" → "live"`; b.newest(t) != want {
		t.Error(b.newest(t))
	}
	before := b.changes(t)
	again, err := b.TakeDown(t.Context(), staff, id, "", true)
	if err != nil || again.Version != up.Version || b.changes(t) != before {
		t.Errorf("%+v, %v", again, err)
	}
	_, err = b.TakeDown(t.Context(), staff, "none", "Gone.", false)
	if refused(err) != "NOT_FOUND FUNDRAISER_UNKNOWN" {
		t.Error(err)
	}
}

func TestPagesAndChangesAreReadOn(t *testing.T) {
	t.Parallel()
	b := desk(t)
	first, next, err := b.ListPages(t.Context(), "", 1)
	if err != nil || len(first) != 1 || next == "" {
		t.Fatalf("%+v, %q, %v", first, next, err)
	}
	second, end, err := b.ListPages(t.Context(), next, 1)
	if err != nil || len(second) != 1 || end != "" || second[0].ID == first[0].ID {
		t.Fatalf("%+v, %q, %v", second, end, err)
	}
	for _, nonsense := range []string{"x", "1", "1.", ".x", "-1.x", "99999999999999999999.x"} {
		_, _, err := b.ListPages(t.Context(), nonsense, 1)
		if refused(err) != "INVALID_ARGUMENT after" {
			t.Errorf("%q: %v", nonsense, err)
		}
	}
	changes, more, err := b.ListChanges(t.Context(), 0, 9)
	if err != nil || len(changes) != 9 || !more {
		t.Fatalf("%d, %v, %v", len(changes), more, err)
	}
	rest, more, err := b.ListChanges(t.Context(), changes[8].ID, 9)
	if err != nil || len(rest) != 1 || more || rest[0].PersonID != "operator" || rest[0].Action != "created" {
		t.Errorf("%+v, %v, %v", rest, more, err)
	}
}

// A file goes before what staff made of the same thing, and the record says so.
func TestAFileGoesBeforeWhatStaffChanged(t *testing.T) {
	t.Parallel()
	b := desk(t)
	o := b.organization(t)
	in := input(o)
	in.Name = "Wayhaven"
	_, err := b.UpdateOrganization(t.Context(), staff, o.ID, o.Version, in)
	if err != nil {
		t.Fatal(err)
	}
	report := b.load(t, sample(t))
	if report.Organizations != (app.Count{Changed: 1}) || b.organization(t).Name != "Wayhaven Relief" || b.organization(t).Version != 3 {
		t.Errorf("%+v, %+v", report, b.organization(t))
	}
	if want := `operator changed organization WAYHAVEN: name: "Wayhaven" → "Wayhaven Relief"`; b.newest(t) != want {
		t.Error(b.newest(t))
	}
	before := b.changes(t)
	b.load(t, sample(t))
	if b.changes(t) != before {
		t.Error("the same file again changed something")
	}
	appeal, err := b.AppealForEdit(t.Context(), domain.AppealID("shelter-tonight"))
	if err != nil || appeal.Version != 1 || !appeal.WasPublished {
		t.Errorf("%+v, %v", appeal, err)
	}
}
