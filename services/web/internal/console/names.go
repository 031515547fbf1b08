package console

import (
	"cmp"
	"slices"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
)

// names are what people call the appeals and funds of the visit's organization.
type names struct {
	appeals map[string]string // by id
	funds   map[string]string // by code
}

// names asks what things are called. The books have only ids; without an answer
// the page is as true with those, so that no figure waits for a name.
func (c *Console) names(v *visit) names {
	known := names{appeals: map[string]string{}, funds: map[string]string{}}
	appeals, err := c.catalogue.ListAllAppeals(v.ctx, &fundraiserv1.ListAllAppealsRequest{})
	if err != nil {
		c.front.Logger().WarnContext(v.ctx, "names of appeals", "error", err)
	}
	for _, appeal := range appeals.GetAppeals() {
		if appeal.GetInput().GetOrganizationId() == v.book.GetOrganizationId() {
			known.appeals[appeal.GetAppealId()] = appeal.GetInput().GetTitle()
		}
	}
	funds, err := c.catalogue.ListFunds(v.ctx, &fundraiserv1.ListFundsRequest{})
	if err != nil {
		c.front.Logger().WarnContext(v.ctx, "names of funds", "error", err)
	}
	for _, fund := range funds.GetFunds() {
		if fund.GetOrganizationId() == v.book.GetOrganizationId() {
			known.funds[fund.GetCode()] = fund.GetName()
		}
	}
	return known
}

func (n names) appeal(id string) string { return cmp.Or(n.appeals[id], id) }
func (n names) fund(code string) string { return cmp.Or(n.funds[code], code) }

// options offer names in their order, and none of them first. Without names there
// is nothing to choose in, and ids are typed.
func options(known map[string]string, all string) []Option {
	if len(known) == 0 {
		return nil
	}
	list := make([]Option, 0, len(known)+1)
	for value, label := range known {
		list = append(list, Option{Value: value, Label: cmp.Or(label, value)})
	}
	slices.SortFunc(list, func(a, b Option) int {
		return cmp.Or(cmp.Compare(a.Label, b.Label), cmp.Compare(a.Value, b.Value))
	})
	return append([]Option{{Label: all}}, list...)
}
