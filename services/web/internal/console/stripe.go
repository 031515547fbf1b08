package console

import (
	"net/url"
	"strings"
)

// simulatorPage is where the simulator shows all its objects, each with its id as
// the anchor.
const simulatorPage = "/_sim"

// stripeFolders are where Stripe's own pages of an object are, by what its id
// begins with. Of what has no page of its own, Stripe's search shows the one that
// it is on.
var stripeFolders = []struct{ prefix, folder string }{
	{"pi_", "payments/"}, {"ch_", "payments/"}, {"py_", "payments/"},
	{"po_", "payouts/"}, {"dp_", "disputes/"}, {"du_", "disputes/"},
	{"sub_", "subscriptions/"}, {"in_", "invoices/"}, {"cus_", "customers/"}, {"evt_", "events/"}, {"re_", "search?query="}, {"pyr_", "search?query="}, {"txn_", "search?query="}, {"cs_", "search?query="},
}

// stripeLink is where an object is looked at at Stripe; empty for what is none.
func (c *Console) stripeLink(id string) string {
	if c.dashboard == "" {
		return ""
	}
	for _, known := range stripeFolders {
		if !strings.HasPrefix(id, known.prefix) {
			continue
		}
		if strings.HasSuffix(c.dashboard, simulatorPage) {
			return c.dashboard + "#" + url.PathEscape(id)
		}
		return c.dashboard + "/" + known.folder + url.QueryEscape(id)
	}
	return ""
}

// tie is an id, with the way to everything here that it is part of and to the
// object at Stripe.
func (c *Console) tie(v *visit, id string) Tie {
	if id == "" {
		return Tie{}
	}
	return Tie{ID: id, URL: v.link(journalPath, "reference", id), Stripe: c.stripeLink(id)}
}

func (c *Console) ties(v *visit, ids ...string) []Tie {
	var found []Tie
	for _, id := range ids {
		if id != "" {
			found = append(found, c.tie(v, id))
		}
	}
	return found
}
