package apptest

import (
	"context"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

func journalIsAppendOnly(t *testing.T, b bench) {
	b.ready(t)
	b.post(t, gift(relief, 1, euros(20_00)))
	for _, statement := range []string{
		`UPDATE journal_entry SET description = 'Gift, later'`,
		`DELETE FROM journal_entry`,
		`UPDATE posting SET minor = minor * 2`,
		`DELETE FROM posting`,
		`UPDATE entry_reference SET reference = 'ch_9'`,
		`DELETE FROM entry_reference`,
	} {
		err := b.Exec(t.Context(), statement)
		if err == nil || !strings.Contains(err.Error(), "only added to") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	b.sound(t)
}

func tamperingIsFound(t *testing.T, b bench) {
	b.ready(t)
	var gifts []domain.Gift
	for i := range 6 {
		gifts = append(gifts, gift(relief, i, euros(int64(10_00+i))))
	}
	b.post(t, gifts...)
	b.post(t, gift(pacific, 100, dollars(40_00)))
	b.Unguard(t)
	// Each is done, found and undone, in one database.
	for name, tamper := range map[string]struct {
		do, undo []string
		want     string
	}{
		"an amount moved between accounts": {
			[]string{`UPDATE posting SET account = '4020' WHERE account = '4000' AND number = 3 AND organization_id = $1`},
			[]string{`UPDATE posting SET account = '4000' WHERE account = '4020' AND number = 3 AND organization_id = $1`},
			"entry 3 has been changed",
		},
		"another currency": {
			[]string{`UPDATE posting SET currency = 'USD' WHERE number = 2 AND organization_id = $1`},
			[]string{`UPDATE posting SET currency = 'EUR' WHERE number = 2 AND organization_id = $1`},
			"entry 2 has been changed",
		},
		"a currency that is none": {
			[]string{`UPDATE posting SET currency = 'eur' WHERE number = 2 AND organization_id = $1`},
			[]string{`UPDATE posting SET currency = 'EUR' WHERE number = 2 AND organization_id = $1`},
			"entry 2 has been changed",
		},
		"a description": {
			[]string{`UPDATE journal_entry SET description = 'Grant' WHERE number = 4 AND organization_id = $1`},
			[]string{`UPDATE journal_entry SET description = 'Gift' WHERE number = 4 AND organization_id = $1`},
			"entry 4 has been changed",
		},
		"an entry and its postings cut out": {
			[]string{
				`UPDATE journal_entry SET organization_id = 'away' WHERE number = 3 AND organization_id = $1`,
				`UPDATE posting SET organization_id = 'away' WHERE number = 3 AND organization_id = $1`,
			},
			[]string{
				`UPDATE journal_entry SET organization_id = $1 WHERE organization_id = 'away'`,
				`UPDATE posting SET organization_id = $1 WHERE organization_id = 'away'`,
			},
			"entry 4 follows entry 2",
		},
		"two entries in each other's place": {
			[]string{
				`UPDATE journal_entry SET number = -2 WHERE number = 2 AND organization_id = $1`,
				`UPDATE journal_entry SET number = 2 WHERE number = 5 AND organization_id = $1`,
				`UPDATE journal_entry SET number = 5 WHERE number = -2 AND organization_id = $1`,
			},
			[]string{
				`UPDATE journal_entry SET number = -2 WHERE number = 2 AND organization_id = $1`,
				`UPDATE journal_entry SET number = 2 WHERE number = 5 AND organization_id = $1`,
				`UPDATE journal_entry SET number = 5 WHERE number = -2 AND organization_id = $1`,
			},
			"entry 2 does not continue the chain",
		},
		"the newest cut off": {
			[]string{
				`UPDATE journal_entry SET organization_id = 'away' WHERE number > 4 AND organization_id = $1`,
				`UPDATE posting SET organization_id = 'away' WHERE number > 4 AND organization_id = $1`,
			},
			[]string{
				`UPDATE journal_entry SET organization_id = $1 WHERE organization_id = 'away'`,
				`UPDATE posting SET organization_id = $1 WHERE organization_id = 'away'`,
			},
			"the chain ends at entry 4, its head says 6",
		},
		"the head set back": {
			[]string{`UPDATE chain_head SET number = number - 1 WHERE organization_id = $1`},
			[]string{`UPDATE chain_head SET number = number + 1 WHERE organization_id = $1`},
			"the chain goes on to entry 6, its head says 5",
		},
		"the head gone": {
			[]string{`UPDATE chain_head SET organization_id = 'away' WHERE organization_id = $1`},
			[]string{`UPDATE chain_head SET organization_id = $1 WHERE organization_id = 'away'`},
			"the chain goes on to entry 6, its head says 0",
		},
		"postings without an entry": {
			[]string{`INSERT INTO posting (organization_id, number, line, account, currency, minor, booked_on, rule, account_id, fund, appeal_id, fundraiser_id, team_id, channel, item)
				VALUES ($1, 99, 1, '1100', 'EUR', -500, '2026-03-20', 'gift', '', '', '', '', '', '', ''), ($1, 99, 2, '4000', 'EUR', 500, '2026-03-20', 'gift', '', '', '', '', '', '', '')`},
			[]string{`DELETE FROM posting WHERE number = 99 AND organization_id = $1`},
			"postings numbered 99 do not belong",
		},
		"postings moved to another day": {
			[]string{`UPDATE posting SET booked_on = '2025-12-31' WHERE number = 4 AND organization_id = $1`},
			[]string{`UPDATE posting SET booked_on = '2026-03-20' WHERE number = 4 AND organization_id = $1`},
			"postings numbered 4 do not belong",
		},
		"postings counted under another rule": {
			[]string{`UPDATE posting SET rule = 'fee' WHERE number = 1 AND organization_id = $1`},
			[]string{`UPDATE posting SET rule = 'gift' WHERE number = 1 AND organization_id = $1`},
			"postings numbered 1 do not belong",
		},
		"postings counted at another Stripe account": {
			[]string{`UPDATE posting SET account_id = 'acct_mine' WHERE number = 2 AND organization_id = $1`},
			[]string{`UPDATE posting SET account_id = 'acct_relief' WHERE number = 2 AND organization_id = $1`},
			"postings numbered 2 do not belong",
		},
	} {
		for _, statement := range tamper.do {
			b.exec(t, statement, relief)
		}
		chains, err := b.books.VerifyChain(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, chain := range chains {
			switch chain.OrganizationID {
			case relief:
				if !strings.HasPrefix(chain.Fault, tamper.want) {
					t.Errorf("%s: found %q, want %q", name, chain.Fault, tamper.want)
				}
			case pacific:
				if chain.Fault != "" {
					t.Errorf("%s: the other organization's chain is said to be faulty: %s", name, chain.Fault)
				}
			default:
				if chain.Fault == "" {
					t.Errorf("%s: books of nobody (%s) are said to be true", name, chain.OrganizationID)
				}
			}
		}
		for _, statement := range tamper.undo {
			b.exec(t, statement, relief)
		}
		b.sound(t)
	}
	b.booksOfNobody(t)
}

// booksOfNobody adds postings of an organization that nothing else knows.
func (b bench) booksOfNobody(t *testing.T) {
	t.Helper()
	b.exec(t, `INSERT INTO posting (organization_id, number, line, account, currency, minor, booked_on, rule, account_id, fund, appeal_id, fundraiser_id, team_id, channel, item)
		VALUES ($1, 1, 1, '1100', 'EUR', 500, '2026-03-20', 'gift', '', '', '', '', '', '', '')`, "org-nobody")
	chains, err := b.books.VerifyChain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, chain := range chains {
		if chain.OrganizationID == "org-nobody" && chain.Fault != "" {
			return
		}
	}
	t.Fatalf("postings of an unknown organization were not found: %+v", chains)
}

func (b bench) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	err := b.Exec(t.Context(), statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// sums looks at what the audit compares, over gifts in two currencies, a
// conversion, a foreign charge and an unknown category.
func sums(t *testing.T, b bench) {
	b.ready(t)
	covered := gift(relief, 1, euros(100_00))
	covered.Cover = euros(3_30)
	restricted := gift(relief, 2, euros(50_00))
	restricted.Attribution.FundCode, restricted.Attribution.FundClass = "winter", domain.FundRestricted
	abroad := gift(pacific, 3, euros(100_00))
	b.post(t, covered, restricted, abroad, gift(relief, 4, dollars(20_00)))
	converted := settled(abroad, dollars(5_32))
	converted.Amount, converted.Net = dollars(108_50), dollars(103_18)
	unknown := foreign(6, euros(-2_00), euros(0))
	unknown.Category, unknown.SourceID = "transfer", ""
	b.settle(t, settled(covered, euros(3_30)), settled(restricted, euros(1_75)), converted, foreign(5, euros(15_00), euros(52)), unknown)

	got, err := b.books.SumBooks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "gifts", got.Gifts, []app.GiftSum{
		{OrganizationID: relief, Currency: eur, Gift: 150_00, Cover: 3_30},
		{OrganizationID: relief, Currency: usd, Gift: 20_00},
		{OrganizationID: pacific, Currency: eur, Gift: 100_00},
	})
	equal(t, "at Stripe", got.AtStripe, []app.StripeSum{
		{AccountID: "acct_relief", Currency: eur, Balance: 103_30 - 3_30 + 50_00 - 1_75 + 15_00 - 52 - 2_00},
		{AccountID: "acct_relief", Currency: usd, Balance: 20_00 + 103_18},
	})
	equal(t, "imbalance", got.Imbalance, zeroes(eur, usd))
	equal(t, "open items", got.OpenItems, []app.OpenItem{
		{OrganizationID: relief, AccountCurrency: suspense(eur), Item: "ch_5", Minor: -15_00 + 52},
		{OrganizationID: relief, AccountCurrency: suspense(eur), Item: "txn_ch_6", Minor: 2_00},
	})

	// The same for who watches: how many and since when, and what a stretch of the
	// journal comes to.
	err = b.Store.InReadTx(t.Context(), func(ctx context.Context, r app.Reader) error {
		open, err := r.OpenAges(ctx, []domain.Account{domain.RefundsPayable, domain.Suspense})
		equal(t, "open ages", open, []app.OpenAge{{Account: domain.Suspense, Items: 2, Oldest: noon}})
		if err != nil {
			return err
		}
		head, err := r.Head(ctx, relief)
		if err != nil {
			return err
		}
		sums, err := r.SumPostings(ctx, relief, 0, head.Number)
		equal(t, "sums of the journal", sums, zeroes(eur, usd))
		if err != nil {
			return err
		}
		sums, err = r.SumPostings(ctx, relief, head.Number, head.Number+1)
		equal(t, "sums of nothing", sums, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
