package grpcapi

import (
	attributionv1 "github.com/almoner/almoner/proto/gen/almoner/attribution/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

func editableOrganization(o domain.Organization) *fundraiserv1.EditableOrganization {
	return &fundraiserv1.EditableOrganization{Organization: app.OrganizationMessage(o), Mission: o.Mission, Logo: image(o.Logo)}
}

func editableFund(f domain.Fund) *fundraiserv1.FundChanged { return app.FundMessage(f) }

func editableAppeal(a app.EditedAppeal) *fundraiserv1.EditableAppeal {
	return &fundraiserv1.EditableAppeal{
		AppealId: a.ID,
		Version:  a.Version,
		State:    appealState(a.State),
		StateNow: appealState(a.StateNow),
		Input: &fundraiserv1.AppealInput{
			Slug:            a.Slug,
			OrganizationId:  a.OrganizationID,
			Kind:            kind(a.Kind),
			Title:           a.Title,
			Summary:         a.Summary,
			StoryMarkdown:   a.Story,
			Currency:        a.Currency.Code(),
			SuggestedMinor:  a.Suggested,
			MinimumMinor:    a.Minimum,
			GoalMinor:       a.Goal,
			GoalCount:       a.GoalCount,
			GoalUnit:        a.GoalUnit,
			UnitCostMinor:   a.UnitCost,
			FundCodes:       a.FundCodes,
			StartsOn:        a.StartsOn,
			EndsOn:          a.EndsOn,
			CoverRatePpm:    a.CoverRatePPM,
			CoverFixedMinor: a.CoverFixed,
		},
		Totals:       totals(a.Total),
		WasPublished: a.WasPublished,
	}
}

func appealInput(m *fundraiserv1.AppealInput) app.AppealInput {
	return app.AppealInput{
		Slug:           m.GetSlug(),
		OrganizationID: m.GetOrganizationId(),
		Kind:           appealKind(m.GetKind()),
		Title:          m.GetTitle(),
		Summary:        m.GetSummary(),
		Story:          m.GetStoryMarkdown(),
		Currency:       m.GetCurrency(),
		Suggested:      m.GetSuggestedMinor(),
		Minimum:        m.GetMinimumMinor(),
		Goal:           m.GetGoalMinor(),
		GoalCount:      m.GetGoalCount(),
		GoalUnit:       m.GetGoalUnit(),
		UnitCost:       m.GetUnitCostMinor(),
		FundCodes:      m.GetFundCodes(),
		StartsOn:       m.GetStartsOn(),
		EndsOn:         m.GetEndsOn(),
		CoverRatePPM:   m.GetCoverRatePpm(),
		CoverFixed:     m.GetCoverFixedMinor(),
	}
}

// What is not said, or said in words of a newer contract, is none of the
// domain's, and refused there beside its field.

func appealKind(k fundraiserv1.AppealKind) domain.Kind {
	switch k {
	case fundraiserv1.AppealKind_APPEAL_KIND_STANDING:
		return domain.Standing
	case fundraiserv1.AppealKind_APPEAL_KIND_CRISIS:
		return domain.Crisis
	case fundraiserv1.AppealKind_APPEAL_KIND_CAMPAIGN:
		return domain.Campaign
	default:
		return ""
	}
}

func appealAction(a fundraiserv1.AppealAction) domain.AppealAction {
	switch a {
	case fundraiserv1.AppealAction_APPEAL_ACTION_PUBLISH:
		return domain.PublishAppeal
	case fundraiserv1.AppealAction_APPEAL_ACTION_CLOSE:
		return domain.CloseAppeal
	case fundraiserv1.AppealAction_APPEAL_ACTION_REOPEN:
		return domain.ReopenAppeal
	default:
		return ""
	}
}

func fundClass(c attributionv1.FundClass) domain.FundClass {
	switch c {
	case attributionv1.FundClass_FUND_CLASS_UNRESTRICTED:
		return domain.Unrestricted
	case attributionv1.FundClass_FUND_CLASS_RESTRICTED:
		return domain.Restricted
	default:
		return ""
	}
}

func appealState(s domain.State) fundraiserv1.AppealState {
	switch s {
	case domain.Draft:
		return fundraiserv1.AppealState_APPEAL_STATE_DRAFT
	case domain.Live:
		return fundraiserv1.AppealState_APPEAL_STATE_LIVE
	case domain.Closed:
		return fundraiserv1.AppealState_APPEAL_STATE_CLOSED
	case domain.Paused, domain.TakenDown: // of pages alone
	}
	return fundraiserv1.AppealState_APPEAL_STATE_UNSPECIFIED
}

func change(c app.Change) *fundraiserv1.Change {
	message := &fundraiserv1.Change{
		ChangeId:    c.ID,
		ChangedAt:   c.At.UnixMicro(),
		PersonId:    c.PersonID,
		Subject:     string(c.Subject),
		SubjectId:   c.SubjectID,
		SubjectName: c.SubjectName,
		Action:      c.Action,
	}
	for _, f := range c.Fields {
		message.Fields = append(message.Fields, &fundraiserv1.FieldChange{Field: f.Field, Before: f.Before, After: f.After})
	}
	return message
}
