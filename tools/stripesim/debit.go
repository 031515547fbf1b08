package stripesim

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Bank debits: the donor leaves at once, the money comes or fails days later.

const (
	methodCard = "card"
	methodSEPA = "sepa_debit"
	methodBacs = "bacs_debit"
	methodACH  = "us_bank_account"

	chargePending    = "pending"
	intentProcessing = "processing"
)

// threeMinutes is how long the test accounts take that say so.
const threeMinutes = 180

// bankAccount is one published test account and what it does. As with cards only
// its name is stored.
type bankAccount struct {
	name string
	kind string
	// number is an IBAN, a British account number with the sort code 10-88-00, or an
	// American one with the routing number 110000000.
	number string
	label  string
	soon   bool
	// code is why the debit fails; empty for success.
	code     string
	message  string
	disputed bool
	// endless is a debit that the bank never answers.
	endless bool
	// blocked means that Radar asks the bank for nothing.
	blocked bool
}

const (
	bacsSortCode     = "108800"
	achRoutingNumber = "110000000"
)

func bankAccounts() []bankAccount {
	const (
		refused    = "The bank refused the debit."
		noFunds    = "The account has insufficient funds."
		noMandate  = "The debit was not authorized."
		closed     = "The account is closed."
		noAccount  = "The bank knows no such account."
		currency   = "The account does not take this currency."
		weekly     = "The debit is more than the account may pay in a week."
		large      = "The debit is more than the account may pay at once."
		blocked    = "This payment was blocked as too risky."
		providerNo = "payment_method_provider_decline"
	)
	sepa := func(name, number, label string) bankAccount {
		return bankAccount{name: name, kind: methodSEPA, number: number, label: label}
	}
	bacs := func(name, number, label string) bankAccount {
		return bankAccount{name: name, kind: methodBacs, number: number, label: label}
	}
	ach := func(name, number, label string) bankAccount {
		return bankAccount{name: name, kind: methodACH, number: number, label: label}
	}
	endless := ach("ach_endless", "000000000009", "Stays processing")
	endless.endless = true
	risky := ach("ach_blocked", "000000004954", "Blocked: highest risk").fails(providerNo, blocked)
	risky.blocked = true
	return []bankAccount{
		sepa("sepa", "AT611904300234573201", "Success"),
		sepa("sepa_soon", "AT321904300235473204", "Success after 3 minutes").after3Minutes(),
		sepa("sepa_fails", "AT861904300235473202", "Failure").fails(providerNo, refused),
		sepa("sepa_fails_soon", "AT051904300235473205", "Failure after 3 minutes").after3Minutes().fails(providerNo, refused),
		sepa("sepa_disputed", "AT591904300235473203", "Success, then disputed and lost").thenDisputed(),
		bacs("bacs", "00012345", "Success"),
		bacs("bacs_soon", "90012345", "Success after 3 minutes").after3Minutes(),
		bacs("bacs_funds", "22222227", "Failure: insufficient funds").fails("insufficient_funds", noFunds),
		bacs("bacs_funds_soon", "92222227", "Failure after 3 minutes: insufficient funds").after3Minutes().fails("insufficient_funds", noFunds),
		bacs("bacs_mandate", "33333335", "Failure: not authorized").fails("debit_not_authorized", noMandate),
		bacs("bacs_mandate_soon", "93333335", "Failure after 3 minutes: not authorized").after3Minutes().fails("debit_not_authorized", noMandate),
		bacs("bacs_disputed", "55555559", "Success after 3 minutes, then disputed and lost").after3Minutes().thenDisputed(),
		bacs("bacs_weekly", "34343434", "Failure: more than the account may pay in a week").fails("charge_exceeds_source_limit", weekly),
		bacs("bacs_large", "12121212", "Failure: more than the account may pay at once").fails("charge_exceeds_transaction_limit", large),
		ach("ach", "000123456789", "Success"),
		ach("ach_closed", "000111111113", "Failure: account closed").fails("account_closed", closed),
		ach("ach_unknown", "000111111116", "Failure: no such account").fails("no_account", noAccount),
		ach("ach_funds", "000222222227", "Failure: insufficient funds").fails("insufficient_funds", noFunds),
		ach("ach_mandate", "000333333335", "Failure: not authorized").fails("debit_not_authorized", noMandate),
		ach("ach_currency", "000444444440", "Failure: currency").fails("invalid_currency", currency),
		ach("ach_weekly", "000777777771", "Failure: more than the account may pay in a week").fails("charge_exceeds_source_limit", weekly),
		ach("ach_disputed", "000555555559", "Success, then disputed and lost").thenDisputed(),
		endless,
		risky,
	}
}

func (a bankAccount) after3Minutes() bankAccount {
	a.soon = true
	return a
}

func (a bankAccount) fails(code, message string) bankAccount {
	a.code, a.message = code, message
	return a
}

func (a bankAccount) thenDisputed() bankAccount {
	a.disputed = true
	return a
}

// bankAccountNamed finds an account by the name that is stored.
func bankAccountNamed(name string) bankAccount {
	for _, a := range bankAccounts() {
		if a.name == name {
			return a
		}
	}
	return bankAccount{}
}

// kind is the payment method type.
func (m *PaymentMethod) kind() string {
	if m.Account == "" {
		return methodCard
	}
	return bankAccountNamed(m.Account).kind
}

// debitKind is the payment method type of a charge that a bank debit made; empty
// for cards.
func debitKind(v view, charge string) string {
	ch := v.charge(charge)
	if ch == nil || !strings.HasPrefix(ch.ID, "py_") {
		return ""
	}
	return v.method(ch.PaymentMethod).kind()
}

// methods are what a session offers, in the order asked for.
func (s *Session) methods() []string {
	if len(s.Methods) == 0 {
		return []string{methodCard}
	}
	return s.Methods
}

func (p *PaymentIntent) methods() []string {
	if len(p.Methods) == 0 {
		return []string{methodCard}
	}
	return p.Methods
}

// checkMethods: each debit exists in one currency.
func checkMethods(p *node) *apiError {
	currencies := map[string]string{methodCard: "", methodSEPA: "eur", methodBacs: "gbp", methodACH: "usd"}
	currency := ""
	for _, item := range p.list("line_items") {
		currency = strings.ToLower(item.str("price_data", "currency"))
	}
	seen := map[string]bool{}
	for _, method := range p.strings("payment_method_types") {
		only, known := currencies[method]
		switch {
		case !known:
			return notOffered("payment_method_types=" + shorten(method))
		case seen[method]:
			return badRequest("", "payment_method_types", "Duplicate payment method type: %s.", method)
		case method != methodCard && p.str("mode") != "payment":
			return notOffered("payment_method_types=" + method + " with mode=" + p.str("mode"))
		case method != methodCard && p.str("payment_intent_data", "setup_future_usage") != "":
			return notOffered("payment_method_types=" + method + " with payment_intent_data[setup_future_usage]")
		case only != "" && currency != "" && currency != only:
			return badRequest("", "payment_method_types",
				"The payment method type %s supports the currency %s only, not %s.", method, only, shorten(currency))
		}
		seen[method] = true
	}
	return nil
}

// readAccount finds the published account that the donor entered. As with cards
// nothing else is taken, stored or shown again.
func readAccount(kind string, form url.Values) (bankAccount, string) {
	clean := strings.NewReplacer(" ", "", "-", "", "\u00a0", "")
	number := strings.ToUpper(clean.Replace(form.Get("iban")))
	if kind != methodSEPA {
		number = clean.Replace(form.Get("account_number"))
	}
	switch {
	case kind == methodBacs && clean.Replace(form.Get("sort_code")) != bacsSortCode:
		return bankAccount{}, "This is a simulator: the only sort code it takes is 10-88-00."
	case kind == methodACH && clean.Replace(form.Get("routing_number")) != achRoutingNumber:
		return bankAccount{}, "This is a simulator: the only routing number it takes is 110000000."
	case kind == methodSEPA && !iban(number):
		return bankAccount{}, "The IBAN is not right. Please check it."
	}
	for _, a := range bankAccounts() {
		if a.kind == kind && a.number == number {
			return a, ""
		}
	}
	return bankAccount{}, "This is a simulator: it takes only Stripe's published test accounts, listed below. Never enter a real account here."
}

// iban tells whether the check digits are right.
func iban(number string) bool {
	if len(number) < 15 || len(number) > 34 {
		return false
	}
	rest := 0
	for _, r := range number[4:] + number[:4] {
		switch {
		case r >= '0' && r <= '9':
			rest = (rest*10 + int(r-'0')) % 97
		case r >= 'A' && r <= 'Z':
			rest = (rest*100 + int(r-'A') + 10) % 97
		default:
			return false
		}
	}
	return rest == 1
}

// spaced groups a number as people write it.
func (a bankAccount) spaced() string {
	switch a.kind {
	case methodBacs:
		return "10-88-00 " + a.number
	case methodACH:
		return achRoutingNumber + " " + a.number
	}
	var parts []string
	for rest := range slices.Chunk([]byte(a.number), 4) {
		parts = append(parts, string(rest))
	}
	return strings.Join(parts, " ")
}

func (a bankAccount) last4() string { return a.number[len(a.number)-4:] }

// debitDue is when the bank answers, in unix seconds; zero for never.
func (t *tx) debitDue(a bankAccount) int64 {
	usual := map[string]int64{methodSEPA: 5, methodBacs: 6, methodACH: 4}
	days, asked := t.s.knobs.debitDays()
	switch {
	case a.endless:
		return 0
	case a.soon:
		return t.now.Unix() + threeMinutes
	case asked:
		return t.now.Unix() + days*86_400
	}
	return t.now.Unix() + usual[a.kind]*86_400
}

// debit starts a bank debit: the session is complete, and nothing is paid yet.
func (t *tx) debit(intent *PaymentIntent, method *PaymentMethod, a bankAccount) *PaymentIntent {
	if !a.blocked {
		intent = t.nameCustomer(intent, method)
	}
	charge := Charge{
		ID: t.newID("debit"), Created: t.now.Unix(), Amount: intent.Amount, Currency: intent.Currency, Status: chargePending,
		PaymentIntent: intent.ID, PaymentMethod: method.ID, Description: intent.Description, ReceiptEmail: intent.ReceiptEmail,
		StatementDescriptor: intent.StatementDescriptor, StatementSuffix: intent.StatementSuffix,
		Metadata: maps.Clone(intent.Metadata), Customer: intent.Customer, DebitDue: t.debitDue(a),
	}
	next := *intent
	if a.blocked {
		// As with a card, the donor hears of it at once and may pay otherwise.
		next.LatestCharge, charge.DebitDue = charge.ID, 0
		return t.debitRefused(next, charge, a)
	}
	next.Status, next.PaymentMethod, next.LatestCharge, next.LastError = intentProcessing, method.ID, charge.ID, nil
	if t.s.knobs.hit("debit_early_transaction", "charge.pending", charge.ID) {
		charge.BalanceTransaction = t.bookDebit(&charge, a).ID
	}
	intent = t.putIntent(next)
	t.emit("payment_intent.processing", nil)
	t.putCharge(charge)
	t.emit("charge.pending", nil)
	if session := t.session(intent.Session); session != nil {
		done := *session
		done.Status, done.CustomerID = sessionComplete, intent.Customer
		billing := method.Billing
		done.Customer = &billing
		t.putSession(done)
		t.emit("checkout.session.completed", nil)
	}
	return intent
}

// debitDone is when the bank has paid, or has not.
func (t *tx) debitDone(due timer) {
	charge := t.charge(due.id)
	if charge == nil || charge.Status != chargePending || charge.DebitDue != due.at {
		return
	}
	a := bankAccountNamed(t.method(charge.PaymentMethod).Account)
	next := *charge
	next.DebitDue = 0
	if a.code != "" {
		t.debitFailed(next, a)
		return
	}
	next.Status = chargeSucceeded
	if next.BalanceTransaction == "" {
		next.BalanceTransaction = t.bookDebit(&next, a).ID
	}
	t.putCharge(next)
	t.emit("charge.succeeded", nil)
	paid := *t.intent(next.PaymentIntent)
	paid.Status, paid.AmountReceived = intentSucceeded, paid.Amount
	t.putIntent(paid)
	t.emit("payment_intent.succeeded", nil)
	if session := t.session(paid.Session); session != nil {
		settled := *session
		settled.PaymentStatus = "paid"
		t.putSession(settled)
		t.emit("checkout.session.async_payment_succeeded", nil)
	}
	if a.disputed {
		t.disputedDebit(t.charge(next.ID))
	}
}

// disputedDebit is final: a bank that takes a debit back hears no evidence.
func (t *tx) disputedDebit(charge *Charge) {
	d, failure := t.openDispute(charge, claim{reason: "debit_not_authorized"})
	if failure == nil {
		_, _ = t.judge(d, disputeLost)
	}
}

func (t *tx) debitFailed(charge Charge, a bankAccount) {
	t.takeOut(&charge)
	failed := t.debitRefused(*t.intent(charge.PaymentIntent), charge, a)
	if session := t.session(failed.Session); session != nil {
		t.putSession(*session)
		t.emit("checkout.session.async_payment_failed", nil)
	}
}

// takeOut takes the money of a charge that failed out of the balance, if it was in it.
func (t *tx) takeOut(charge *Charge) {
	taken := t.transaction(charge.BalanceTransaction)
	if taken == nil {
		return
	}
	back := *taken
	back.ID, back.Created = t.newID("txn"), t.now.Unix()
	back.Amount, back.Fee, back.Net = -taken.Amount, -taken.Fee, -taken.Net
	back.Type, back.Category = "payment_failure_refund", "charge_failure"
	charge.FailureTransaction = t.putTransaction(back).ID
}

// debitReversed is a bank that takes a debit back that it has paid, and opens no dispute.
// Charge and payment say what they said; only the balance tells.
func (t *tx) debitReversed(intent *PaymentIntent) error {
	charge := t.charge(intent.LatestCharge)
	if charge == nil || !strings.HasPrefix(charge.ID, "py_") || charge.Status != chargeSucceeded || charge.FailureTransaction != "" ||
		t.disputable(charge) != charge.Amount {
		return errors.New("payment_intent is one of a bank debit that has succeeded, and of which nothing has gone back")
	}
	next := *charge
	t.takeOut(&next)
	t.putCharge(next)
	t.emit("charge.updated", map[string]any{"failure_balance_transaction": nil})
	return nil
}

// debitRefused says of a charge and its payment that there will be no money.
func (t *tx) debitRefused(intent PaymentIntent, charge Charge, a bankAccount) *PaymentIntent {
	charge.Status, charge.FailureCode, charge.FailureMessage = chargeFailed, a.code, a.message
	t.putCharge(charge)
	t.emit("charge.failed", nil)
	intent.Status, intent.PaymentMethod = intentNeedsMethod, ""
	intent.LastError = &PaymentError{
		Code: a.code, Message: a.message, Charge: charge.ID, PaymentMethod: charge.PaymentMethod,
	}
	failed := t.putIntent(intent)
	t.emit("payment_intent.payment_failed", nil)
	return failed
}

// bookDebit makes the balance transaction of a debit.
func (t *tx) bookDebit(charge *Charge, a bankAccount) *BalanceTransaction {
	out := BalanceTransaction{
		ID: t.newID("txn"), Created: t.now.Unix(), Type: "payment", Category: "charge", Source: charge.ID,
		Description: charge.Description,
	}
	out.Amount, out.Currency, out.ExchangeRate = t.settle(charge, charge.Amount)
	out.Fee, _, _ = t.settle(charge, debitFee(a.kind, charge.Amount))
	out.Net = out.Amount - out.Fee
	paid := max(out.Created, charge.DebitDue)
	out.AvailableOn = paid + availableAfter(t.s.state.init.Seed, out.ID)*86_400
	return t.putTransaction(out)
}

// debitFee is 0.35 EUR for SEPA, 1 % between 0.20 and 2.00 GBP for Bacs, and 0.8 %
// up to 5.00 USD for ACH.
func debitFee(kind string, amount int64) int64 {
	switch kind {
	case methodSEPA:
		return 35
	case methodACH:
		return min((amount*8+500)/1000, 500)
	}
	return min(max((amount+50)/100, 20), 200)
}
