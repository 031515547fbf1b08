package stripesim

import "strings"

// expansion is the tree of expand[] paths that a request asked for.
type expansion map[string]expansion

const maxExpandDepth = 4

func parseExpand(paths []string) (expansion, *apiError) {
	root := expansion{}
	for _, path := range paths {
		parts := strings.Split(path, ".")
		depth := len(parts)
		if parts[0] == "data" {
			depth--
		}
		if depth > maxExpandDepth {
			return nil, badRequest("", "expand", "You cannot expand more than %d levels of a property: %s", maxExpandDepth, shorten(path))
		}
		at := root
		for _, part := range parts {
			if at[part] == nil {
				at[part] = expansion{}
			}
			at = at[part]
		}
	}
	return root, nil
}

// expandable names, for each kind of object, the properties that Stripe expands.
// Those that are always null here are allowed all the same: clients ask for them.
func expandable(kind, property string) bool {
	names := map[string]string{
		"account":             " external_accounts ",
		"checkout.session":    " payment_intent line_items customer subscription setup_intent invoice payment_link ",
		"payment_intent":      " latest_charge payment_method customer invoice review application on_behalf_of ",
		"charge":              " balance_transaction payment_intent refunds customer invoice review application application_fee failure_balance_transaction on_behalf_of source_transfer transfer ",
		"balance_transaction": " source ",
	}
	return strings.Contains(names[kind]+billingExpandable(kind)+aftermathExpandable(kind), " "+property+" ")
}

// expand replaces ids in a rendered object by the objects they name.
func expand(v view, object map[string]any, tree expansion) *apiError {
	kind, _ := object["object"].(string)
	if kind == "list" {
		return expandList(tree)
	}
	return expandAs(v, object, kind, tree)
}

// expandAs expands an object, or a hash in one, whose kind is then a path such as
// "customer.invoice_settings".
func expandAs(v view, object map[string]any, kind string, tree expansion) *apiError {
	for property, below := range tree {
		inner, _ := object[property].(map[string]any)
		included := inner != nil && len(below) > 0 // a hash, or an object that is always in full
		if !included {
			if !expandable(kind, property) {
				return badRequest("", "expand", "This property cannot be expanded (%s).", shorten(property))
			}
			full := expandProperty(v, object, kind, property)
			if full != nil {
				object[property], inner = full, full
			}
		}
		failure := expandBelow(v, inner, kind+"."+property, below)
		if failure != nil {
			return failure
		}
	}
	return nil
}

// expandBelow goes on in an object, in the rows of a list, or in a plain hash.
func expandBelow(v view, inner map[string]any, kind string, below expansion) *apiError {
	switch {
	case inner == nil:
		return nil
	case inner["object"] == "list":
		failure := expandList(below)
		rows, _ := inner["data"].([]any)
		for _, row := range rows {
			object, isObject := row.(map[string]any)
			if failure == nil && isObject {
				failure = expand(v, object, below["data"])
			}
		}
		return failure
	case inner["object"] != nil:
		return expand(v, inner, below)
	}
	return expandAs(v, inner, kind, below)
}

// expandList refuses what is not below data; the rows were expanded one by one.
func expandList(tree expansion) *apiError {
	for property := range tree {
		if property != "data" {
			return badRequest("", "expand", "This property cannot be expanded (%s).", shorten(property))
		}
	}
	return nil
}

func expandProperty(v view, object map[string]any, kind, property string) map[string]any {
	id, _ := object[property].(string)
	self, _ := object["id"].(string)
	if object["deleted"] == true {
		return nil // nothing is left of it
	}
	switch kind + "." + property {
	case "checkout.session.line_items":
		return renderLineItems(v, v.session(self))
	case "charge.refunds":
		return renderRefundsOf(v, self)
	case "customer.sources", "customer.tax_ids":
		return emptyList("/v1/customers/" + self + "/" + property)
	}
	if id == "" {
		return nil
	}
	switch property {
	case "payment_intent":
		return renderIntent(v, v.intent(id))
	case "payment_method":
		return renderMethod(v.method(id))
	case "latest_charge":
		return renderCharge(v, v.charge(id))
	case "balance_transaction":
		return renderTransaction(v, v.transaction(id))
	}
	found := expandBilling(v, property, id)
	if found == nil {
		found = expandAftermath(v, property, id)
	}
	return found
}

func emptyList(url string) map[string]any {
	return map[string]any{"object": "list", "url": url, "has_more": false, "data": []any{}}
}
