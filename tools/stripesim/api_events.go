package stripesim

import (
	"slices"
	"strings"
)

func (s *Server) getEvent(c *call, v reader) (map[string]any, *apiError) {
	id := c.r.PathValue("id")
	event := v.events.byID[id]
	if event == nil || event.Created < eventHorizon(v) {
		return nil, missing("event", "id", shorten(id))
	}
	return renderEvent(v, event, APIVersion), nil
}

// eventHorizon is how far back Stripe shows events: 30 days.
func eventHorizon(v reader) int64 { return v.at.Unix() - 30*86_400 }

func eventFilters() schema {
	return pageParams(schema{
		"created": {kind: isRange}, "delivery_success": {kind: isBoolean}, "type": {kind: isString},
		"types": {kind: isList, max: 20, elem: &rule{kind: isString}},
	})
}

// listEvents renders in the account's version: Stripe, too, ignores the
// Stripe-Version header here.
func (s *Server) listEvents(c *call, v reader) (map[string]any, *apiError) {
	p := c.params
	types := p.strings("types")
	if one := p.str("type"); one != "" {
		if len(types) > 0 {
			return nil, badRequest("parameters_exclusive", "types", "You may only specify one of these parameters: type, types.")
		}
		types = []string{one}
	}
	horizon := eventHorizon(v)
	return listing[Event]{
		url: "/v1/events", kind: "event", table: &v.events,
		created: func(row *Event) int64 { return row.Created },
		keep: func(row *Event) bool {
			delivered := "true"
			if row.pending() > 0 {
				delivered = "false"
			}
			asked := p.str("delivery_success")
			return row.Created >= horizon && (asked == "" || asked == delivered) &&
				(len(types) == 0 || slices.ContainsFunc(types, func(t string) bool { return typeMatches(t, row.Type) }))
		},
		render: func(row *Event) map[string]any { return renderEvent(v, row, APIVersion) },
	}.page(c, v)
}

// typeMatches also takes a group such as charge.*.
func typeMatches(wanted, have string) bool {
	group, isGroup := strings.CutSuffix(wanted, "*")
	if isGroup {
		return strings.HasPrefix(have, group)
	}
	return wanted == have
}
