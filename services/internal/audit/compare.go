package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
)

// Readings are what the services and Stripe said.
type Readings struct {
	Gifts    *donationv1.SumGiftsResponse
	Balance  *donationv1.GetStripeBalanceResponse
	Totals   *fundraiserv1.SumTotalsResponse
	Books    *ledgerv1.SumBooksResponse
	Receipts *receiptv1.SumReceiptsResponse
	// Parked is what each service has parked, by the service's name.
	Parked map[string][]*feedv1.ParkedItem
}

type book struct{ organization, currency string }

type clearing struct{ account, currency string }

// Compare lays the readings side by side. It is pure: equal readings give an
// equal report.
func Compare(r Readings) Report {
	report := Report{
		// Empty lists, not null: scripts iterate over them.
		Rows: []Row{}, Stripe: []StripeRow{}, Feeds: []Feed{}, Parked: []Parked{},
		Open: []OpenItem{}, Behind: []string{}, Faults: []string{},
	}
	slugs := map[string]string{}
	for _, sum := range r.Totals.GetSums() {
		slugs[sum.GetOrganizationId()] = sum.GetOrganizationSlug()
	}
	name := func(id string) string { return cmp.Or(slugs[id], id) }

	report.Rows, report.Faults = compareGifts(r, name)
	report.Stripe = compareStripe(r)
	report.Feeds = feeds(r)
	report.Behind = behind(r, report.Feeds)

	for _, sum := range r.Books.GetImbalance() {
		if sum.GetMinor() != 0 {
			report.Faults = append(report.Faults,
				fmt.Sprintf("the ledger's postings in %s sum to %d, not to zero", sum.GetCurrency(), sum.GetMinor()))
		}
	}
	report.Faults = append(report.Faults, r.Receipts.GetSeriesFaults()...)
	for _, item := range r.Books.GetOpenItems() {
		report.Open = append(report.Open, OpenItem{
			Organization: name(item.GetOrganizationId()), Account: item.GetAccountCode(),
			Currency: item.GetCurrency(), Balance: item.GetBalanceMinor(), StripeID: item.GetStripeId(),
		})
		if item.GetStripeId() == "" {
			report.Faults = append(report.Faults, fmt.Sprintf("%d %s on account %s of %s is explained by nothing",
				item.GetBalanceMinor(), item.GetCurrency(), item.GetAccountCode(), name(item.GetOrganizationId())))
		}
	}
	for _, service := range sortedKeys(r.Parked) {
		for _, item := range r.Parked[service] {
			report.Parked = append(report.Parked, Parked{
				Service: service, ID: item.GetId(), Type: item.GetType(), Aggregate: item.GetAggregateId(),
				Reason: item.GetReason(), Waiting: item.GetWaiting(), Courtesy: item.GetCourtesy(),
			})
		}
	}

	report.Faults = append(report.Faults, forks(report.Feeds)...)
	report.CaughtUp = len(report.Behind) == 0
	report.OK = report.CaughtUp && len(report.Faults) == 0 &&
		// News of a gift that its owner's mailbox refuses says nothing of the money,
		// and would keep the sums from ever agreeing again.
		!slices.ContainsFunc(report.Parked, func(item Parked) bool { return !item.Courtesy }) &&
		!slices.ContainsFunc(report.Rows, func(row Row) bool { return row.Difference != 0 }) &&
		!slices.ContainsFunc(report.Stripe, func(row StripeRow) bool { return row.Difference != 0 })
	return report
}

func compareGifts(r Readings, name func(string) string) ([]Row, []string) {
	sums := map[book]*Row{}
	row := func(organization, currency string) *Row {
		key := book{organization, currency}
		if sums[key] == nil {
			sums[key] = &Row{Organization: name(organization), Currency: currency}
		}
		return sums[key]
	}
	faults := []string{}
	for _, sum := range r.Gifts.GetSums() {
		at := row(sum.GetOrganizationId(), sum.GetCurrency())
		at.Gift.Donation = sum.GetGiftMinor()
		at.Total.Donation = sum.GetGiftMinor() + sum.GetCoverMinor()
	}
	for _, sum := range r.Totals.GetSums() {
		row(sum.GetOrganizationId(), sum.GetCurrency()).Gift.Fundraiser = sum.GetAppealsMinor()
		if sum.GetPagesMinor()+sum.GetDirectMinor() != sum.GetAppealsMinor() {
			faults = append(faults, fmt.Sprintf("%s %s: pages %d and direct gifts %d do not make the appeals' %d",
				name(sum.GetOrganizationId()), sum.GetCurrency(), sum.GetPagesMinor(), sum.GetDirectMinor(), sum.GetAppealsMinor()))
		}
	}
	for _, sum := range r.Books.GetSums() {
		at := row(sum.GetOrganizationId(), sum.GetCurrency())
		at.Gift.Ledger = sum.GetGiftMinor()
		at.Total.Ledger = sum.GetGiftMinor() + sum.GetCoverMinor()
	}
	for _, sum := range r.Receipts.GetSums() {
		at := row(sum.GetOrganizationId(), sum.GetCurrency())
		at.Total.Receipt = sum.GetReceiptedMinor()
		at.Total.NotReceiptable = sum.GetNotReceiptableMinor()
	}
	rows := make([]Row, 0, len(sums))
	for _, row := range sums {
		row.Difference = distance(row.Gift.Donation, row.Gift.Fundraiser) +
			distance(row.Gift.Donation, row.Gift.Ledger) +
			distance(row.Total.Donation, row.Total.Ledger) +
			distance(row.Total.Donation, row.Total.Receipt+row.Total.NotReceiptable)
		rows = append(rows, *row)
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Organization, b.Organization), cmp.Compare(a.Currency, b.Currency))
	})
	return rows, faults
}

func compareStripe(r Readings) []StripeRow {
	sums := map[clearing]*StripeRow{}
	row := func(account, currency string) *StripeRow {
		key := clearing{account, currency}
		if sums[key] == nil {
			sums[key] = &StripeRow{Account: account, Currency: currency}
		}
		return sums[key]
	}
	reserved := map[clearing]int64{}
	for _, sum := range r.Books.GetClearing() {
		row(sum.GetAccountId(), sum.GetCurrency()).Ledger = sum.GetBalanceMinor()
		reserved[clearing{sum.GetAccountId(), sum.GetCurrency()}] += sum.GetReservedMinor()
	}
	for _, balance := range r.Balance.GetBalances() {
		row(balance.GetAccountId(), balance.GetCurrency()).Stripe = balance.GetBalanceMinor()
		reserved[clearing{balance.GetAccountId(), balance.GetCurrency()}] -= balance.GetReservedMinor()
	}
	rows := make([]StripeRow, 0, len(sums))
	for key, row := range sums {
		row.Difference = distance(row.Ledger, row.Stripe) + distance(reserved[key], 0)
		rows = append(rows, *row)
	}
	slices.SortFunc(rows, func(a, b StripeRow) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Currency, b.Currency))
	})
	return rows
}

func feeds(r Readings) []Feed {
	donation := Feed{Feed: "donation", Head: r.Gifts.GetHead(), Consumers: map[string]int64{}}
	fundraiser := Feed{Feed: "fundraiser", Head: r.Totals.GetHead(), Consumers: map[string]int64{}}
	place := func(service string, checkpoints []*feedv1.Checkpoint) {
		for _, checkpoint := range checkpoints {
			switch checkpoint.GetFeed() {
			case donation.Feed:
				donation.Consumers[service] = checkpoint.GetPos()
			case fundraiser.Feed:
				fundraiser.Consumers[service] = checkpoint.GetPos()
			}
		}
	}
	// A consumer that has never applied anything has no checkpoint: it stands at
	// 0, and must be listed, or a feed that nobody reads would look caught up.
	for _, service := range []string{"fundraiser", "ledger", "receipt"} {
		donation.Consumers[service] = 0
	}
	for _, service := range []string{"ledger", "receipt"} {
		fundraiser.Consumers[service] = 0
	}
	place("fundraiser", r.Totals.GetCheckpoints())
	place("ledger", r.Books.GetCheckpoints())
	place("receipt", r.Receipts.GetCheckpoints())
	return []Feed{donation, fundraiser}
}

// behind lists what is still on its way. What waits for a fact not yet seen, or for
// a program that knows its type, is retried by itself; what is parked otherwise moves only when a person says so,
// and is no delay but a difference.
func behind(r Readings, feeds []Feed) []string {
	reasons := []string{}
	count := func(n int64, what string) {
		if n != 0 {
			reasons = append(reasons, fmt.Sprintf("%d %s", n, what))
		}
	}
	count(r.Gifts.GetStripeEventsUndone(), "Stripe events stored and not processed")
	count(r.Gifts.GetGiftsWithoutFee(), "gifts without a fee")
	count(r.Gifts.GetUnsequenced(), "donation events without a position")
	count(r.Totals.GetUnsequenced(), "fundraiser events without a position")
	count(r.Receipts.GetReceiptsDue(), "receipts due")
	count(r.Receipts.GetMailsDue(), "receipt mails due")
	count(halfKnown(r.Books.GetOpenItems()), "refunds, disputes or debits of which one half is known and not the other")
	if r.Balance.GetTransactionsMissing() {
		reasons = append(reasons, "Stripe has balance transactions that are not imported")
	}
	for _, service := range sortedKeys(r.Parked) {
		waiting := int64(0)
		for _, item := range r.Parked[service] {
			if item.GetWaiting() {
				waiting++
			}
		}
		count(waiting, "events of "+service+" wait for a fact not yet seen, or for a newer program")
	}
	for _, feed := range feeds {
		for _, consumer := range sortedKeys(feed.Consumers) {
			if pos := feed.Consumers[consumer]; pos < feed.Head {
				reasons = append(reasons, fmt.Sprintf("%s has applied %d of %d events of %s", consumer, pos, feed.Head, feed.Feed))
			}
		}
	}
	return reasons
}

// halfKnown counts items that stand on the wrong side of their account. A refund
// is owed before it is paid, a dispute's money is taken before it is lost, and a
// debit's is on the balance when it succeeds at the latest, so when both halves are
// heard of, nothing is on that side; until then totals and receipts do not know yet
// what Stripe's balance does, or it not what they do, though all sums agree. (The
// money of a debit that the bank has not paid stands on the right side: it is an open
// item for days, and nothing is behind.)
func halfKnown(items []*ledgerv1.OpenItem) int64 {
	var found int64
	for _, item := range items {
		paidUnowed := item.GetAccountCode() == "2100" && item.GetBalanceMinor() > 0
		lostUntaken := item.GetAccountCode() == "1170" && item.GetBalanceMinor() < 0
		givenUnpaid := item.GetAccountCode() == "2200" && item.GetBalanceMinor() > 0
		if paidUnowed || lostUntaken || givenUnpaid {
			found++
		}
	}
	return found
}

// forks lists consumers that have applied more than their producer has. It will
// never catch up with them: its database was restored to an older state.
func forks(feeds []Feed) []string {
	var found []string
	for _, feed := range feeds {
		for _, consumer := range sortedKeys(feed.Consumers) {
			if pos := feed.Consumers[consumer]; pos > feed.Head {
				found = append(found, fmt.Sprintf("feed fork: %s has applied %d events of %s, which has only %d", consumer, pos, feed.Feed, feed.Head))
			}
		}
	}
	return found
}

func distance(a, b int64) int64 {
	if a < b {
		return b - a
	}
	return a - b
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
