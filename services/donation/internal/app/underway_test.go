package app

import "testing"

// Only what takes back the charge that a gift was paid with is a loss of the gift. An
// earlier debit of the same payment may have failed after its money was seen, and a gift
// of before it was known that debits take days has none that could be told from a card's.
func TestWhatTakesAGiftBack(t *testing.T) {
	t.Parallel()
	gift := PaidGift{ID: "0198d2c0-7a30-7000-8000-0000000000a1", PaymentIntentID: "pi_1", ChargeID: "py_second", Delayable: true}
	byCard, ofBefore := gift, gift
	byCard.ChargeID, ofBefore.Delayable = "ch_1", false
	failure := func(charge string) Transaction {
		return Transaction{
			ID: "txn_back", Category: categoryFailure, PaymentIntentID: "pi_1", ChargeID: charge,
			Amount: Money{Minor: -70_00, Currency: "EUR"}, SourceAmount: Money{Minor: 100_00, Currency: "EUR"},
		}
	}
	for name, c := range map[string]struct {
		transaction Transaction
		gift        PaidGift
		want        bool
	}{
		"its own charge":              {failure("py_second"), gift, true},
		"the first try":               {failure("py_first"), gift, false},
		"the first try, then a card":  {failure("py_first"), byCard, false},
		"one that could not be known": {failure("py_second"), ofBefore, false},
		"no gift":                     {failure(""), PaidGift{}, false},
		"what brought the money":      {Transaction{Category: categoryCharge, ChargeID: "py_second"}, gift, false},
	} {
		if got := reverses(c.transaction, c.gift); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}

	// 30.00 had been given back before: the books have what was moved.
	if lost := reversed(failure("py_second")).Dispute.Amount; lost.Minor != 70_00 || lost.Currency.Code() != "EUR" {
		t.Errorf("lost are %v", lost)
	}
	converted := failure("py_second")
	converted.Amount.Currency = "USD"
	if lost := reversed(converted).Dispute.Amount; lost.Minor != 100_00 || lost.Currency.Code() != "EUR" {
		t.Errorf("of what was converted are lost %v", lost)
	}
}
