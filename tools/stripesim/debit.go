package stripesim

// debitKind is the payment method type of a charge that a bank debit makes;
// empty for cards.
func debitKind(v view, charge string) string { return "" }
