package demo

import (
	"bytes"
	"strings"
	"testing"
)

// What is left of a gift and what went back make the whole, also when it cannot be
// divided by four.
func TestQuartersMakeTheWhole(t *testing.T) {
	t.Parallel()
	g := paidGift{total: 2057}
	for _, c := range []struct{ left, back int64 }{{4, 0}, {2, 1028}, {0, 2057}} {
		if back := g.total - leftOf(g, c.left); back != c.back {
			t.Errorf("with %d quarters left, %d went back, want %d", c.left, back, c.back)
		}
	}
}

func TestCasesAreShownWithTheirEntries(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := Result{Cases: []Case{
		{Story: "disputed and won", StripeID: "dp_1", Receipt: "in_force", Entries: []Entry{{Number: 7, Rule: "dispute_reversal", Postings: []Posting{
			{Account: "Assets:Stripe:Disputed:EUR", Amount: "-20.56", Currency: "EUR"}, {Account: "Assets:Stripe:Balance:EUR", Amount: "20.56", Currency: "EUR"},
		}}}},
		{Story: "paid out", StripeID: "po_1", Fault: "the ledger has no entries"},
	}}.writeCases(&out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"disputed and won", "dp_1", "in_force", "JE-000007 dispute_reversal", "-20.56 EUR", "20.56 EUR", "WRONG: the ledger has no entries"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}
