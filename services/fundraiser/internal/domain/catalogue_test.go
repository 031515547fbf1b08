package domain_test

import (
	"strings"
	"testing"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
)

var eur = money.MustCurrency("EUR")

func goodAppeal() domain.Appeal {
	return domain.Appeal{
		Slug: "shelter-tonight", Kind: domain.Crisis, State: domain.Live,
		Title: "Shelter tonight", Summary: "Help through the first nights.", Story: "They came on foot.",
		Currency: eur, Suggested: []int64{20_00, 50_00}, Minimum: 1_00, Goal: 750_000_00, FundCodes: []string{"GENERAL"},
	}
}

func TestAGoodAppealHasNoProblems(t *testing.T) {
	t.Parallel()
	var problems domain.Problems
	domain.CheckAppeal("appeals[0]", goodAppeal(), &problems)
	if len(problems) > 0 {
		t.Errorf("%+v", problems)
	}
}

func TestEachRuleOfAnAppealSaysWhere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil      func(*domain.Appeal)
		path, says string
	}{
		"kind":                  {func(a *domain.Appeal) { a.Kind = "urgent" }, ".kind", "standing, crisis or campaign"},
		"state":                 {func(a *domain.Appeal) { a.State = "open" }, ".state", "draft, live or closed"},
		"no title":              {func(a *domain.Appeal) { a.Title = "  " }, ".title", "missing"},
		"long title":            {func(a *domain.Appeal) { a.Title = strings.Repeat("é", 121) }, ".title", "120"},
		"title that steers":     {func(a *domain.Appeal) { a.Title = "Shelter \u202etonight" }, ".title", "control"},
		"not UTF-8":             {func(a *domain.Appeal) { a.Title = "\xff" }, ".title", "UTF-8"},
		"no fund":               {func(a *domain.Appeal) { a.FundCodes = nil }, ".funds", "at least one"},
		"minimum below charge":  {func(a *domain.Appeal) { a.Minimum = 49 }, ".minimum", "0.50 EUR"},
		"minimum above charge":  {func(a *domain.Appeal) { a.Minimum = 1_000_000_00; a.Suggested = nil }, ".minimum", "999999.99 EUR"},
		"suggestion too small":  {func(a *domain.Appeal) { a.Suggested = []int64{50} }, ".suggested[0]", "0.50 EUR is below"},
		"suggestion too large":  {func(a *domain.Appeal) { a.Suggested = []int64{1_000_000_00} }, ".suggested[0]", "above"},
		"suggested twice":       {func(a *domain.Appeal) { a.Suggested = []int64{20_00, 30_00, 20_00} }, ".suggested[2]", "twice"},
		"nine suggestions":      {func(a *domain.Appeal) { a.Suggested = []int64{1e3, 2e3, 3e3, 4e3, 5e3, 6e3, 7e3, 8e3, 9e3} }, ".suggested", "more than 8"},
		"ends before it starts": {func(a *domain.Appeal) { a.StartsAt = time.Unix(200, 0); a.EndsAt = time.Unix(100, 0) }, ".ends", "before"},
		"campaign without goal": {func(a *domain.Appeal) { a.Kind = domain.Campaign; a.Goal = 0 }, ".kind", "needs a goal"},
		"goal beyond counting":  {func(a *domain.Appeal) { a.Goal = domain.LargestGoal + 1 }, ".goal", "counted"},
		"count without unit":    {func(a *domain.Appeal) { a.GoalCount = 60000 }, ".goal_unit", "missing"},
		"unit without count":    {func(a *domain.Appeal) { a.GoalUnit = "people" }, ".goal_count", "missing"},
		"negative count":        {func(a *domain.Appeal) { a.GoalCount = -1 }, ".goal_count", "positive"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			appeal := goodAppeal()
			c.spoil(&appeal)
			var problems domain.Problems
			domain.CheckAppeal("appeals[0]", appeal, &problems)
			for _, p := range problems {
				if p.Path == "appeals[0]"+c.path && strings.Contains(p.Message, c.says) {
					return
				}
			}
			t.Errorf("want %s … %s, got %+v", c.path, c.says, problems)
		})
	}
}

func TestArabicAndFrenchTextsAreTexts(t *testing.T) {
	t.Parallel()
	var problems domain.Problems
	appeal := goodAppeal()
	appeal.Title = "مأوى الليلة"
	appeal.Summary = "Un toit ce soir : aidez-les."
	domain.CheckAppeal("appeals[0]", appeal, &problems)
	if len(problems) > 0 {
		t.Errorf("%+v", problems)
	}
}

func TestAnOrganizationCanBePrintedOnAReceipt(t *testing.T) {
	t.Parallel()
	var problems domain.Problems
	domain.CheckOrganization("organizations[0]", domain.Organization{Code: "way", Slug: "staff", ReceiptProfile: "deluxe"}, &problems)
	for _, field := range []string{"code", "slug", "name", "legal_name", "registration", "mission", "address", "receipt_profile"} {
		found := false
		for _, p := range problems {
			found = found || p.Path == "organizations[0]."+field
		}
		if !found {
			t.Errorf("nothing is said about %s", field)
		}
	}
	problems = nil
	domain.CheckFund("funds[0]", domain.Fund{Code: "SCHOOL", Name: "Schooling", Class: "semi"}, &problems)
	if len(problems) != 1 || problems[0].Path != "funds[0].class" {
		t.Errorf("%+v", problems)
	}
}
