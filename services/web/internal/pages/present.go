package pages

import (
	"fmt"
	"html/template"
	"strings"
	"time"
	// Dates are shown in the organization's time zone also where the machine
	// has no time zone database.

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/web/internal/view"
)

func appealPath(slug string) string     { return "/appeals/" + slug }
func fundraiserPath(slug string) string { return "/f/" + slug }

// amount reads an amount from the wire; an absent one is none at all.
func amount(m *moneyv1.Money) (money.Amount, error) {
	if m == nil {
		return money.Amount{}, nil
	}
	cur, err := money.ParseCurrency(m.GetCurrency())
	if err != nil {
		return money.Amount{}, fmt.Errorf("currency %q: %w", m.GetCurrency(), err)
	}
	return money.Amount{Minor: m.GetMinor(), Currency: cur}, nil
}

func site(o *fundraiserv1.Organization) view.Site {
	return view.Site{
		Name:         o.GetName(),
		LegalName:    o.GetLegalName(),
		Registration: o.GetRegistration(),
		Contact:      o.GetContactEmail(),
		Logo:         photo(o.GetLogo()),
	}
}

// photo is a picture with the addresses of its sizes, nil for none.
func photo(image *fundraiserv1.Image) *view.Photo {
	if image == nil || len(image.GetWidths()) == 0 || !isWord(image.GetImageId(), 64, lower+upper+digits+"-_") {
		return nil
	}
	at := func(width int32) string { return fmt.Sprintf("/photos/%s/%d", image.GetImageId(), width) }
	sources := make([]string, len(image.GetWidths()))
	for i, width := range image.GetWidths() {
		sources[i] = fmt.Sprintf("%s %dw", at(width), width)
	}
	return &view.Photo{
		URL:     at(image.GetWidths()[0]),
		Sources: template.Srcset(strings.Join(sources, ", ")), //nolint:gosec // paths of ours: an id of letters and digits, and numbers
		Alt:     image.GetAlt(),
		Width:   image.GetWidth(),
		Height:  image.GetHeight(),
	}
}

// homeSite is the home organization, which is the first of the list.
func homeSite(all *fundraiserv1.ListAppealsResponse) view.Site {
	if len(all.GetOrganizations()) == 0 {
		return view.Site{}
	}
	return site(all.GetOrganizations()[0])
}

// card is an appeal in a list.
func card(appeal *fundraiserv1.Appeal, organization string) (view.Card, error) {
	progress, err := appealProgress(appeal, appeal.GetTotals())
	if err != nil {
		return view.Card{}, err
	}
	path := appealPath(appeal.GetSlug())
	return view.Card{
		Title:        appeal.GetTitle(),
		Summary:      appeal.GetSummary(),
		URL:          path,
		DonateURL:    path + "/donate",
		Organization: organization,
		Progress:     progress,
	}, nil
}

func appealProgress(appeal *fundraiserv1.Appeal, totals *fundraiserv1.Totals) (view.Progress, error) {
	progress, err := progress(appeal.GetCurrency(), totals, appeal.GetGoalMinor())
	if err != nil {
		return view.Progress{}, fmt.Errorf("appeal %s: %w", appeal.GetSlug(), err)
	}
	if appeal.GetGoalCount() <= 0 {
		return progress, nil
	}
	cost := max(appeal.GetUnitCostMinor(), 0)
	progress.Count = &view.CountGoal{
		Unit:   appeal.GetGoalUnit(),
		Wanted: appeal.GetGoalCount(),
		Cost:   money.Amount{Minor: cost, Currency: progress.Raised.Currency},
	}
	if cost > 0 {
		// Only whole ones: half a resettled person is none.
		progress.Count.Funded = max(progress.Raised.Minor, 0) / cost
	}
	return progress, nil
}

func progress(currency string, totals *fundraiserv1.Totals, goal int64) (view.Progress, error) {
	cur, err := money.ParseCurrency(currency)
	if err != nil {
		return view.Progress{}, fmt.Errorf("currency %q: %w", currency, err)
	}
	return view.Progress{
		Raised:     money.Amount{Minor: totals.GetSettledMinor(), Currency: cur},
		Gifts:      totals.GetGifts(),
		Goal:       money.Amount{Minor: goal, Currency: cur},
		Processing: money.Amount{Minor: totals.GetProcessingMinor(), Currency: cur},
	}, nil
}

// zone is the organization's time zone; one that is not known is shown as UTC
// and called so, which is at least true.
func zone(o *fundraiserv1.Organization) *time.Location {
	location, err := time.LoadLocation(o.GetTimeZone())
	if err != nil {
		return time.UTC
	}
	return location
}

// kicker says what sort of appeal it is where that matters to a donor.
func kicker(kind fundraiserv1.AppealKind, spoken *texts.Texts) string {
	switch kind {
	case fundraiserv1.AppealKind_APPEAL_KIND_CRISIS:
		return spoken.Say("appeal.kind.crisis")
	case fundraiserv1.AppealKind_APPEAL_KIND_CAMPAIGN:
		return spoken.Say("appeal.kind.campaign")
	default:
		return ""
	}
}
