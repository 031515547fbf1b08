package staff

import (
	"errors"
	"strconv"
	"strings"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/money"
)

// appealFields are the fields of an appeal's form.
func appealFields() []string {
	return []string{
		"version", "organization", "slug", "kind", "title", "summary", "story", "currency", "suggested", "minimum", "goal",
		"goal_count", "goal_unit", "unit_cost", "funds", "starts_on", "ends_on", "fee_rate", "fee_fixed",
	}
}

// percentPPM is a percent of an amount, in millionths.
const (
	percentPPM = 10_000
	decimals   = 4 // of a percentage
)

func kindName(k fundraiserv1.AppealKind) string {
	switch k {
	case fundraiserv1.AppealKind_APPEAL_KIND_STANDING:
		return "standing"
	case fundraiserv1.AppealKind_APPEAL_KIND_CRISIS:
		return "crisis"
	case fundraiserv1.AppealKind_APPEAL_KIND_CAMPAIGN:
		return "campaign"
	default:
		return ""
	}
}

func kindOf(name string) fundraiserv1.AppealKind {
	switch name {
	case "standing":
		return fundraiserv1.AppealKind_APPEAL_KIND_STANDING
	case "crisis":
		return fundraiserv1.AppealKind_APPEAL_KIND_CRISIS
	case "campaign":
		return fundraiserv1.AppealKind_APPEAL_KIND_CAMPAIGN
	default:
		return fundraiserv1.AppealKind_APPEAL_KIND_UNSPECIFIED
	}
}

// typedAppeal is an appeal as its form says it.
func (v *visit) typedAppeal(a *fundraiserv1.EditableAppeal) map[string]string {
	in := a.GetInput()
	typed := map[string]string{
		"version": number(a.GetVersion()), "organization": in.GetOrganizationId(), "slug": in.GetSlug(), "kind": kindName(in.GetKind()),
		"title": in.GetTitle(), "summary": in.GetSummary(), "story": in.GetStoryMarkdown(), "currency": in.GetCurrency(),
		"goal_unit": in.GetGoalUnit(), "funds": strings.Join(in.GetFundCodes(), ", "), "starts_on": in.GetStartsOn(), "ends_on": in.GetEndsOn(),
		"fee_rate": typedRate(in.GetCoverRatePpm()),
	}
	if in.GetGoalCount() > 0 {
		typed["goal_count"] = number(in.GetGoalCount())
	}
	currency, err := money.ParseCurrency(in.GetCurrency())
	if err != nil {
		return typed
	}
	amount := func(minor int64) string {
		if minor == 0 {
			return ""
		}
		return v.spoken.Typed(money.Amount{Minor: minor, Currency: currency})
	}
	typed["minimum"], typed["goal"], typed["unit_cost"] = amount(in.GetMinimumMinor()), amount(in.GetGoalMinor()), amount(in.GetUnitCostMinor())
	typed["fee_fixed"] = amount(in.GetCoverFixedMinor())
	var suggested []string
	for _, minor := range in.GetSuggestedMinor() {
		suggested = append(suggested, amount(minor))
	}
	typed["suggested"] = strings.Join(suggested, "\n")
	return typed
}

// readAppeal reads a form. What cannot be read as a number is said at its field;
// everything else is for the service to judge.
func (v *visit) readAppeal(typed map[string]string) (*fundraiserv1.AppealInput, map[string][]string) {
	faults := map[string][]string{}
	in := &fundraiserv1.AppealInput{
		Slug: strings.TrimSpace(typed["slug"]), OrganizationId: typed["organization"], Kind: kindOf(typed["kind"]), Title: typed["title"],
		Summary: typed["summary"], StoryMarkdown: typed["story"], Currency: strings.ToUpper(strings.TrimSpace(typed["currency"])),
		GoalUnit: typed["goal_unit"], StartsOn: strings.TrimSpace(typed["starts_on"]), EndsOn: strings.TrimSpace(typed["ends_on"]),
		FundCodes: strings.FieldsFunc(strings.ToUpper(typed["funds"]), func(r rune) bool {
			return r == ',' || r == ';' || r == '،' || r == ' ' || r == '\n' || r == '\r' || r == '\t'
		}),
	}
	if text := strings.TrimSpace(typed["goal_count"]); text != "" {
		count, err := strconv.ParseInt(text, 10, 64)
		if err != nil || count <= 0 {
			faults["goal_count"] = []string{v.say("number")}
		}
		in.GoalCount = count
	}
	if text := strings.TrimSpace(typed["fee_rate"]); text != "" {
		rate, ok := readRate(text)
		if !ok {
			faults["fee_rate"] = []string{v.say("rate")}
		}
		in.CoverRatePpm = rate
	}
	currency, err := money.ParseCurrency(in.GetCurrency())
	if err != nil {
		// Without one no amount means anything; the field itself is what to mend.
		faults["currency"] = []string{v.say("currency")}
		return in, faults
	}
	read := func(name, text string, parse func(string, money.Currency, string) (money.Amount, error)) int64 {
		if strings.TrimSpace(text) == "" {
			return 0
		}
		amount, err := parse(text, currency, v.spoken.Tag)
		free := name == "fee_fixed" && errors.Is(err, money.ErrZero)
		if err != nil && !free && len(faults[name]) == 0 {
			faults[name] = []string{v.say("amount", "Amount", text, "Currency", currency.Code())}
		}
		return amount.Minor
	}
	in.MinimumMinor = read("minimum", typed["minimum"], money.Parse)
	in.GoalMinor = read("goal", typed["goal"], money.ParseGoal)
	in.UnitCostMinor = read("unit_cost", typed["unit_cost"], money.ParseGoal)
	in.CoverFixedMinor = read("fee_fixed", typed["fee_fixed"], money.Parse)
	for _, line := range strings.Split(typed["suggested"], "\n") {
		if strings.TrimSpace(line) != "" {
			in.SuggestedMinor = append(in.SuggestedMinor, read("suggested", line, money.Parse))
		}
	}
	return in, faults
}

// readRate reads "2.9" or "2,9 %" as 29,000 millionths, without a float.
func readRate(text string) (int64, bool) {
	text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "%"))
	whole, part, _ := strings.Cut(strings.ReplaceAll(text, ",", "."), ".")
	if whole == "" || len(whole) > 2 || len(part) > decimals {
		return 0, false
	}
	ppm, err := strconv.ParseUint(whole+part+strings.Repeat("0", decimals-len(part)), 10, 32)
	return int64(ppm), err == nil
}

// typedRate writes 29,000 millionths as "2.9".
func typedRate(ppm int64) string {
	if ppm == 0 {
		return ""
	}
	part := strings.TrimRight(strconv.FormatInt(ppm%percentPPM+percentPPM, 10)[1:], "0")
	return strings.TrimSuffix(strconv.FormatInt(ppm/percentPPM, 10)+"."+part, ".")
}
