package domain_test

import (
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// aftermath is a transaction of a category about a gift of ours: 20.00 EUR leave
// and Stripe keeps 0.25 more.
func aftermath(category, source string) domain.Transaction {
	t := charge(euros(-20_00), euros(25), domain.FeeDetail{Type: "stripe_fee", Amount: euros(25), Description: "Stripe fee"})
	t.ID, t.Category, t.SourceID, t.ChargeID, t.Source = "txn_9", category, source, "ch_1", euros(20_00)
	return t
}

// abroad makes it one of somebody else's.
func abroad(t domain.Transaction) domain.Transaction {
	t.Foreign, t.DonationID, t.Attribution = true, "", domain.Attribution{}
	return t
}

// written is an entry as one line: "rule: account amount item, …", with an
// exclamation mark if staff are told.
func written(t *testing.T, transaction domain.Transaction) string {
	t.Helper()
	drafts, err := domain.BookTransaction(transaction)
	if err != nil {
		t.Fatal(err)
	}
	var entries []string
	for _, d := range drafts {
		if !strings.HasPrefix(d.Header().Key, "txn/acct_relief/") {
			t.Errorf("its key is %q", d.Header().Key)
		}
		var parts []string
		for _, p := range d.Postings() {
			parts = append(parts, strings.TrimSpace(string(p.Account)+" "+p.Amount.String()+" "+p.Item))
		}
		alert := ""
		if d.Alert() != "" {
			alert = "!"
		}
		entries = append(entries, d.Header().Rule.Name+alert+": "+strings.Join(parts, ", "))
	}
	return strings.Join(entries, "; ")
}

// booked is how a category is: of a gift of ours, where that matters, and of nobody's.
type booked struct{ ours, foreign string }

// reported are all that Stripe's own specification of version 2023-10-16 lists, but for
// charges, which have tests of their own.
func reported() map[string]booked {
	suspended := "suspense!: 1100 -20.25 EUR, 2900 20.25 EUR obj_1"
	return map[string]booked{
		"refund": {
			"refund_paid: 2100 20.00 EUR obj_1, 6100 0.25 EUR, 1100 -20.25 EUR",
			"foreign_refund!: 2900 20.00 EUR ch_1, 2900 0.25 EUR ch_1, 1100 -20.25 EUR",
		},
		"refund_failure": {
			"refund_returned: 2100 20.00 EUR obj_1, 6100 0.25 EUR, 1100 -20.25 EUR",
			"foreign_refund_failure!: 2900 20.00 EUR ch_1, 2900 0.25 EUR ch_1, 1100 -20.25 EUR",
		},
		"dispute": {
			"dispute: 1170 20.00 EUR obj_1, 6110 0.25 EUR, 1100 -20.25 EUR",
			"foreign_dispute!: 2900 20.00 EUR ch_1, 2900 0.25 EUR ch_1, 1100 -20.25 EUR",
		},
		"dispute_reversal": {
			"dispute_reversal: 1170 20.00 EUR obj_1, 6110 0.25 EUR, 1100 -20.25 EUR",
			"foreign_dispute_reversal!: 2900 20.00 EUR ch_1, 2900 0.25 EUR ch_1, 1100 -20.25 EUR",
		},
		"charge_failure": {
			"charge_failure!: 2900 20.00 EUR ch_1, 2900 0.25 EUR ch_1, 1100 -20.25 EUR",
			"foreign_charge_failure!: 2900 20.00 EUR ch_1, 2900 0.25 EUR ch_1, 1100 -20.25 EUR",
		},
		"partial_capture_reversal": {
			"partial_capture!: 2900 20.00 EUR ch_1, 2900 0.25 EUR ch_1, 1100 -20.25 EUR",
			"foreign_partial_capture_reversal!: 2900 20.00 EUR ch_1, 2900 0.25 EUR ch_1, 1100 -20.25 EUR",
		},
		"payout":                        {foreign: "payout: 1150 20.00 EUR obj_1, 6120 0.25 EUR, 1100 -20.25 EUR"},
		"payout_reversal":               {foreign: "payout_reversal!: 1150 20.00 EUR obj_1, 6120 0.25 EUR, 1100 -20.25 EUR"},
		"topup":                         {foreign: "topup: 1150 20.00 EUR obj_1, 6120 0.25 EUR, 1100 -20.25 EUR"},
		"topup_reversal":                {foreign: "topup_reversal: 1150 20.00 EUR obj_1, 6120 0.25 EUR, 1100 -20.25 EUR"},
		"fee":                           {foreign: "account_fee: 6120 20.00 EUR, 6120 0.25 EUR, 1100 -20.25 EUR"},
		"network_cost":                  {foreign: "network_cost: 6100 20.00 EUR, 6100 0.25 EUR, 1100 -20.25 EUR"},
		"tax":                           {foreign: "fee_tax: 6130 20.00 EUR, 6130 0.25 EUR, 1100 -20.25 EUR"},
		"risk_reserved_funds":           {foreign: "reserve: 1110 20.00 EUR, 6120 0.25 EUR, 1100 -20.25 EUR"},
		"connect_reserved_funds":        {foreign: "reserve: 1110 20.00 EUR, 6120 0.25 EUR, 1100 -20.25 EUR"},
		"other_adjustment":              {foreign: suspended},
		"unreconciled_customer_funds":   {foreign: suspended},
		"transfer":                      {foreign: suspended},
		"transfer_reversal":             {foreign: suspended},
		"platform_earning":              {foreign: suspended},
		"platform_earning_refund":       {foreign: suspended},
		"connect_collection_transfer":   {foreign: suspended},
		"advance":                       {foreign: suspended},
		"advance_funding":               {foreign: suspended},
		"anticipation_repayment":        {foreign: suspended},
		"financing_payout":              {foreign: suspended},
		"financing_payout_reversal":     {foreign: suspended},
		"financing_paydown":             {foreign: suspended},
		"financing_paydown_reversal":    {foreign: suspended},
		"climate_order_purchase":        {foreign: suspended},
		"climate_order_refund":          {foreign: suspended},
		"contribution":                  {foreign: suspended},
		"issuing_authorization_hold":    {foreign: suspended},
		"issuing_authorization_release": {foreign: suspended},
		"issuing_dispute":               {foreign: suspended},
		"issuing_transaction":           {foreign: suspended},
		// And one that the specification does not have.
		"stablecoin_payout": {foreign: "unknown!: 1100 -20.25 EUR, 2900 20.25 EUR obj_1"},
	}
}

func TestEveryReportingCategory(t *testing.T) {
	t.Parallel()
	for category, want := range reported() {
		t.Run(category, func(t *testing.T) {
			t.Parallel()
			if got := written(t, abroad(aftermath(category, "obj_1"))); got != want.foreign {
				t.Errorf("of nobody's gift: %s\nwant %s", got, want.foreign)
			}
			if got := written(t, aftermath(category, "obj_1")); want.ours != "" && got != want.ours {
				t.Errorf("of a gift: %s\nwant %s", got, want.ours)
			}
		})
	}
}

func TestMovementsInParticular(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]struct {
		transaction func() domain.Transaction
		want        string
	}{
		"a dispute with its fee and tax, in one entry": {
			func() domain.Transaction {
				x := aftermath("dispute", "dp_1")
				x.Fee, x.Net = euros(17_85), euros(-37_85)
				x.FeeDetails = []domain.FeeDetail{{Type: "stripe_fee", Amount: euros(15_00), Description: "Dispute fee"}, {Type: "tax", Amount: euros(2_85)}}
				return x
			},
			"dispute: 1170 20.00 EUR dp_1, 6110 15.00 EUR, 6130 2.85 EUR, 1100 -37.85 EUR",
		},
		"a dispute that was won, and a fee that comes back with it": {
			func() domain.Transaction {
				x := aftermath("dispute_reversal", "dp_1")
				x.Amount, x.Fee, x.Net, x.FeeDetails = euros(20_00), euros(-15_00), euros(35_00), nil
				return x
			},
			"dispute_reversal: 1170 -20.00 EUR dp_1, 6110 -15.00 EUR, 1100 35.00 EUR",
		},
		"a refund of euros that the account pays in dollars": {
			func() domain.Transaction {
				x := aftermath("refund", "re_1")
				x.Amount, x.Fee, x.Net, x.FeeDetails = dollars(-21_70), dollars(0), dollars(-21_70), nil
				return x
			},
			"refund_paid: 3900 -20.00 EUR, 3900 21.70 USD, 2100 20.00 EUR re_1, 1100 -21.70 USD",
		},
		"a refund in dollars, of somebody else's charge in euros": {
			func() domain.Transaction {
				x := abroad(aftermath("refund", "re_1"))
				x.Amount, x.Fee, x.Net, x.FeeDetails = dollars(-21_70), dollars(30), dollars(-22_00), nil
				return x
			},
			"foreign_refund!: 3900 -20.00 EUR, 3900 21.70 USD, 2900 20.00 EUR ch_1, 2900 0.30 USD ch_1, 1100 -22.00 USD",
		},
		"a refund too small to be any in dollars": {
			func() domain.Transaction {
				x := aftermath("refund", "re_1")
				x.Amount, x.Fee, x.Net, x.FeeDetails = dollars(0), dollars(0), dollars(0), nil
				x.Source = money.Amount{Minor: 1, Currency: jpy}
				return x
			},
			"refund_paid: 3900 -1 JPY, 2100 1 JPY re_1",
		},
		"what answering a dispute costs": {
			func() domain.Transaction {
				x := abroad(aftermath("fee", "dp_1"))
				x.Amount, x.Fee, x.Net, x.FeeDetails = euros(-15_00), euros(0), euros(-15_00), nil
				return x
			},
			"account_fee: 6110 15.00 EUR, 1100 -15.00 EUR",
		},
		"a reserve that is released": {
			func() domain.Transaction {
				x := abroad(aftermath("risk_reserved_funds", ""))
				x.Amount, x.Fee, x.Net, x.FeeDetails = euros(30_00), euros(0), euros(30_00), nil
				return x
			},
			"reserve: 1110 -30.00 EUR, 1100 30.00 EUR",
		},
		"a fee that its details do not explain": {
			func() domain.Transaction {
				x := abroad(aftermath("payout", "po_1"))
				x.FeeDetails[0].Amount = euros(20)
				return x
			},
			"payout!: 1150 20.00 EUR po_1, 6120 0.20 EUR, 6120 0.05 EUR, 1100 -20.25 EUR",
		},
		"a payout of nothing": {
			func() domain.Transaction {
				x := abroad(aftermath("payout", "po_1"))
				x.Amount, x.Fee, x.Net, x.FeeDetails = euros(0), euros(0), euros(0), nil
				return x
			},
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := written(t, given.transaction()); got != given.want {
				t.Fatalf("booked %s\nwant %s", got, given.want)
			}
		})
	}
}
