package console

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/almoner/almoner/services/internal/audit"
)

// glance is how long the overview waits for the sums of all services, Stripe's
// balance among them: it is a look at what needs attention, and the figures do
// not wait for it.
const glance = 4 * time.Second

// attention sums up the audit: what differs, what is in suspense, what could not
// be applied, how far the feeds are.
func (c *Console) attention(v *visit) Attention {
	ctx, cancel := context.WithTimeout(v.ctx, glance)
	defer cancel()
	found := Attention{URL: v.link(auditPath)}
	var asked bool
	found.Duties, asked = c.duties(ctx, v)
	found.Unasked = !asked
	report, err := c.auditor.Run(ctx, 0)
	if err != nil {
		c.front.Logger().WarnContext(ctx, "sums of the overview", "error", err)
		found.Unknown = true
		return found
	}
	found.AllGood, found.Behind, found.Faults = report.OK, report.Behind, report.Faults
	found.Parked = int64(len(report.Parked))
	found.Feeds = feedLines(report.Feeds)
	found.Suspense = c.openLines(v, report.Open)
	if len(found.Suspense) > 0 || len(found.Duties) > 0 || found.Unasked {
		// Explained is not the same as done: money that nobody has claimed yet is
		// no difference, and still somebody's work.
		found.AllGood = false
	}
	if !report.CaughtUp {
		// Differences mean nothing yet.
		return found
	}
	for _, row := range report.Rows {
		if row.Difference != 0 {
			found.Differ = append(found.Differ, DifferLine{Where: row.Organization, Amount: amount(row.Difference, row.Currency)})
		}
	}
	for _, row := range report.Stripe {
		if row.Difference != 0 {
			found.Differ = append(found.Differ, DifferLine{Where: row.Account, Amount: amount(row.Difference, row.Currency)})
		}
	}
	return found
}

func feedLines(feeds []audit.Feed) []FeedLine {
	var lines []FeedLine
	for _, feed := range feeds {
		for _, consumer := range slices.Sorted(maps.Keys(feed.Consumers)) {
			lines = append(lines, FeedLine{Feed: feed.Feed, Consumer: consumer, Head: feed.Head, At: feed.Consumers[consumer]})
		}
	}
	return lines
}

func (c *Console) openLines(v *visit, items []audit.OpenItem) []OpenLine {
	var lines []OpenLine
	for _, item := range items {
		line := OpenLine{
			Organization: item.Organization, Account: item.Account, Amount: amount(item.Balance, item.Currency),
			Item: Tie{ID: item.StripeID, Stripe: c.stripeLink(item.StripeID)},
		}
		if item.Organization == v.book.GetSlug() {
			line.URL = v.accountLink(item.Account, item.Currency, "", "")
			line.Item.URL = v.link(journalPath, "reference", item.StripeID)
		}
		lines = append(lines, line)
	}
	return lines
}
