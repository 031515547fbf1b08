package audit

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is the conservation table. Its JSON form is an interface that scripts
// rely on. All amounts are minor units.
type Report struct {
	// OK is true when nothing differs, nothing but a courtesy is parked and nothing is at fault.
	OK bool `json:"ok"`
	// CaughtUp is false while something is still on its way; differences then
	// mean nothing.
	CaughtUp bool        `json:"caught_up"`
	Rows     []Row       `json:"rows"`
	Stripe   []StripeRow `json:"stripe"`
	Feeds    []Feed      `json:"feeds"`
	Parked   []Parked    `json:"parked"`
	// Open explains what stands on the accounts that must clear, item by item.
	Open []OpenItem `json:"open"`
	// Behind says in words what is still on its way.
	Behind []string `json:"behind"`
	// Faults are broken rules that no difference of sums would show.
	Faults []string `json:"faults"`
}

// Row compares one organization in one currency.
type Row struct {
	Organization string   `json:"organization"`
	Currency     string   `json:"currency"`
	Gift         GiftSums `json:"gift"`
	Total        AllSums  `json:"total"`
	// Difference is the sum of all distances from what donation says; zero only
	// when all sums are equal.
	Difference int64 `json:"difference"`
}

// GiftSums are the gift parts, without what donors added for fees.
type GiftSums struct {
	Donation   int64 `json:"donation"`
	Fundraiser int64 `json:"fundraiser"`
	Ledger     int64 `json:"ledger"`
}

// AllSums are gift and cover together.
type AllSums struct {
	Donation       int64 `json:"donation"`
	Ledger         int64 `json:"ledger"`
	Receipt        int64 `json:"receipt"`
	NotReceiptable int64 `json:"not_receiptable"`
}

// StripeRow compares the books with Stripe's own word for one account and currency.
type StripeRow struct {
	Account    string `json:"account"`
	Currency   string `json:"currency"`
	Ledger     int64  `json:"ledger"`
	Stripe     int64  `json:"stripe"`
	Difference int64  `json:"difference"`
}

// Feed shows how far each consumer has applied a feed.
type Feed struct {
	Feed      string           `json:"feed"`
	Head      int64            `json:"head"`
	Consumers map[string]int64 `json:"consumers"`
}

// Parked is something that a service could not apply.
type Parked struct {
	Service   string `json:"service"`
	ID        string `json:"id"`
	Type      string `json:"type"`
	Aggregate string `json:"aggregate"`
	Reason    string `json:"reason"`
	Waiting   bool   `json:"waiting"`
	// Courtesy is news that could not be delivered, which is no difference.
	Courtesy bool `json:"courtesy"`
}

// OpenItem is a balance on an account that must clear, with what it rests on.
type OpenItem struct {
	Organization string `json:"organization"`
	Account      string `json:"account"`
	Currency     string `json:"currency"`
	Balance      int64  `json:"balance"`
	StripeID     string `json:"stripe_id"`
}

// ExitCode is 0 when all is equal, 1 on a difference, 2 when not caught up.
func (r Report) ExitCode() int {
	switch {
	case !r.CaughtUp:
		return 2
	case !r.OK:
		return 1
	default:
		return 0
	}
}

// WriteJSON writes the document that scripts read.
func (r Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// WriteMetrics writes what Prometheus alarms on, as its node exporter reads it from
// a file: one process alone does not see all databases, a command does.
func (r Report) WriteMetrics(w io.Writer, now time.Time) error {
	caughtUp := 0
	if r.CaughtUp {
		caughtUp = 1
	}
	_, err := fmt.Fprintf(w, `# HELP almoner_audit_violations Sums that differ, what is parked, and other faults of the newest audit.
# TYPE almoner_audit_violations gauge
almoner_audit_violations %d
# HELP almoner_audit_caught_up Whether everything had arrived; if not, differences say nothing.
# TYPE almoner_audit_caught_up gauge
almoner_audit_caught_up %d
# HELP almoner_audit_timestamp_seconds When the newest audit ended.
# TYPE almoner_audit_timestamp_seconds gauge
almoner_audit_timestamp_seconds %d
`, r.violations(), caughtUp, now.Unix())
	return err
}

// violations counts what makes the audit fail.
func (r Report) violations() (count int) {
	for _, row := range r.Rows {
		if row.Difference != 0 {
			count++
		}
	}
	for _, account := range r.Stripe {
		if account.Difference != 0 {
			count++
		}
	}
	for _, parked := range r.Parked {
		if !parked.Courtesy {
			count++
		}
	}
	count += len(r.Faults)
	if count == 0 && r.CaughtUp && !r.OK {
		return 1 // whatever it is, it is not nothing
	}
	return count
}

// WriteTable writes the table that people read. Amounts stay in minor units, so
// that what is printed is exactly what was compared.
func (r Report) WriteTable(w io.Writer) error {
	var err error
	print := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(w, format, args...)
		}
	}
	table := func(header string, rows [][]string) {
		if err != nil {
			return
		}
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(tw, header)
		for _, row := range rows {
			fmt.Fprintln(tw, strings.Join(row, "\t")+"\t")
		}
		err = tw.Flush()
	}

	print("Gifts and totals (minor units)\n")
	var rows [][]string
	for _, row := range r.Rows {
		rows = append(rows, []string{
			row.Organization, row.Currency,
			minor(row.Gift.Donation), minor(row.Gift.Fundraiser), minor(row.Gift.Ledger),
			minor(row.Total.Donation), minor(row.Total.Ledger), minor(row.Total.Receipt), minor(row.Total.NotReceiptable),
			minor(row.Difference),
		})
	}
	table("organization\tcurrency\tgift: donation\tfundraiser\tledger\ttotal: donation\tledger\treceipt\tnot receiptable\tdifference\t", rows)

	print("\nStripe's balance (minor units)\n")
	rows = nil
	for _, row := range r.Stripe {
		rows = append(rows, []string{row.Account, row.Currency, minor(row.Ledger), minor(row.Stripe), minor(row.Difference)})
	}
	table("account\tcurrency\tledger\tstripe\tdifference\t", rows)

	print("\nFeeds\n")
	rows = nil
	for _, feed := range r.Feeds {
		for _, consumer := range sortedKeys(feed.Consumers) {
			rows = append(rows, []string{feed.Feed, minor(feed.Head), consumer, minor(feed.Consumers[consumer])})
		}
	}
	table("feed\thead\tconsumer\tposition\t", rows)

	for _, item := range r.Open {
		print("\nopen: %s %s %s %d %s", item.Organization, item.Account, item.Currency, item.Balance, item.StripeID)
	}
	for _, parked := range r.Parked {
		what := "parked"
		if parked.Courtesy {
			what = "parked, and no difference"
		}
		print("\n%s: %s %s %s %s: %s", what, parked.Service, parked.ID, parked.Type, parked.Aggregate, parked.Reason)
	}
	for _, behind := range r.Behind {
		print("\non its way: %s", behind)
	}
	for _, fault := range r.Faults {
		print("\nfault: %s", fault)
	}
	switch r.ExitCode() {
	case 0:
		print("\nAll sums agree.\n")
	case 1:
		print("\nThe sums DIFFER.\n")
	default:
		print("\nNot caught up: the sums say nothing yet.\n")
	}
	return err
}

func minor(n int64) string { return strconv.FormatInt(n, 10) }
