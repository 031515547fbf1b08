package stripesim

import "strings"

// card is one published test card and what it does. Number and behaviour are
// Stripe's; name is ours, and the only thing about a card that is stored.
type card struct {
	name    string
	number  string
	brand   string
	funding string
	country string
	// label is the line in the test-card list of the checkout page.
	label string

	code        string // error code of a decline; empty for success
	declineCode string
	message     string

	secure      threeDS
	risk        string
	failsCVC    bool
	failsPostal bool
	failsLine   bool
	instant     bool // money is available at once
	// refund is what becomes of refunds to the card; empty means success.
	refund string
	// dispute is what the bank does about the payment; empty for nothing.
	dispute string
	// warned says that the issuer gives an early fraud warning.
	warned bool
}

// threeDS is when a card asks for 3-D Secure.
type threeDS int

const (
	secureNever threeDS = iota
	secureChallenge
	secureFrictionless
)

const (
	msgDeclined     = "Your card was declined."
	msgFunds        = "Your card has insufficient funds."
	msgExpired      = "Your card has expired."
	msgCVC          = "Your card's security code is incorrect."
	msgProcessing   = "An error occurred while processing your card. Try again in a little bit."
	msgNumber       = "Your card number is incorrect."
	msgMonth        = "Your card's expiration month is invalid."
	msgYear         = "Your card's expiration year is invalid."
	msgInvalidCVC   = "Your card's security code is invalid."
	msgAuthFailed   = "We are unable to authenticate your payment method. Please choose a different payment method and try again."
	msgNotPublished = "This is a simulator: it takes only Stripe's published test cards, such as 4242 4242 4242 4242. Never enter a real card here."
)

func good(name, number, brand, funding, country, label string) card {
	return card{name: name, number: number, brand: brand, funding: funding, country: country, label: label}
}

func visa(name, number, country, label string) card {
	return good(name, number, "visa", "credit", country, label)
}

func (c card) declines(code, declineCode, message string) card {
	c.code, c.declineCode, c.message = code, declineCode, message
	return c
}

func (c card) with3DS(when threeDS) card {
	c.secure = when
	return c
}

func (c card) disputing(how string) card {
	c.dispute = how
	return c
}

func (c card) refunding(how string) card {
	c.refund = how
	return c
}

// cards is the whole table. A number that is not here is refused.
func cards() []card {
	elevated := visa("risk_elevated", "4000000000009235", "US", "Success, elevated risk: opens a review")
	elevated.risk = "elevated"
	highest := visa("risk_highest", "4000000000004954", "US", "Blocked: highest risk").declines("card_declined", "fraudulent", msgDeclined)
	highest.risk = "highest"
	blocked := visa("risk_blocked", "4100000000000019", "US", "Blocked: always").declines("card_declined", "fraudulent", msgDeclined)
	blocked.risk = "highest"
	cvcFails := visa("check_cvc_fails", "4000000000000101", "US", "Success, CVC check fails")
	cvcFails.failsCVC = true
	zipFails := visa("check_zip_fails", "4000000000000036", "US", "Success, postal code check fails")
	zipFails.failsPostal = true
	lineFails := visa("check_line1_fails", "4000000000000028", "US", "Success, address check fails")
	lineFails.failsLine = true
	allFail := visa("check_address_fails", "4000000000000010", "US", "Success, address and postal code checks fail")
	allFail.failsPostal, allFail.failsLine = true, true
	instantUS := visa("instant_us", "4000000000000077", "US", "Success, money available at once")
	instantUS.instant = true
	instantIE := visa("instant_ie", "4000003720000278", "IE", "Success, money available at once (Ireland)")
	instantIE.instant = true

	warned := visa("fraud_warning", "4000000000005423", "US", "Success, then an early fraud warning")
	warned.warned = true

	return []card{
		visa("visa", "4242424242424242", "US", "Success"),
		good("visa_debit", "4000056655665556", "visa", "debit", "US", "Success (Visa debit)"),
		good("mastercard", "5555555555554444", "mastercard", "credit", "US", "Success (Mastercard)"),
		good("mastercard_2", "2223003122003222", "mastercard", "credit", "US", "Success (Mastercard, 2-series)"),
		good("mastercard_debit", "5200828282828210", "mastercard", "debit", "US", "Success (Mastercard debit)"),
		good("mastercard_prepaid", "5105105105105100", "mastercard", "prepaid", "US", "Success (Mastercard prepaid)"),
		good("amex", "378282246310005", "amex", "credit", "US", "Success (American Express, 4-digit CVC)"),
		good("amex_2", "371449635398431", "amex", "credit", "US", "Success (American Express, 4-digit CVC)"),
		good("discover", "6011111111111117", "discover", "credit", "US", "Success (Discover)"),
		good("diners", "3056930009020004", "diners", "credit", "US", "Success (Diners Club)"),
		good("jcb", "3566002020360505", "jcb", "credit", "JP", "Success (JCB)"),
		good("unionpay", "6200000000000005", "unionpay", "credit", "CN", "Success (UnionPay)"),
		visa("visa_at", "4000000400000008", "AT", "Success (Austria)"),
		visa("visa_be", "4000000560000004", "BE", "Success (Belgium)"),
		visa("visa_de", "4000002760000016", "DE", "Success (Germany)"),
		visa("visa_fr", "4000002500000003", "FR", "Success (France)"),
		visa("visa_gb", "4000008260000000", "GB", "Success (United Kingdom)"),
		visa("visa_ch", "4000007560000009", "CH", "Success (Switzerland)"),
		visa("visa_jp", "4000003920000003", "JP", "Success (Japan)"),

		visa("declined", "4000000000000002", "US", "Declined").declines("card_declined", "generic_decline", msgDeclined),
		visa("insufficient_funds", "4000000000009995", "US", "Declined: insufficient funds").declines("card_declined", "insufficient_funds", msgFunds),
		visa("lost", "4000000000009987", "US", "Declined: lost card").declines("card_declined", "lost_card", msgDeclined),
		visa("stolen", "4000000000009979", "US", "Declined: stolen card").declines("card_declined", "stolen_card", msgDeclined),
		visa("velocity", "4000000000006975", "US", "Declined: too many attempts").declines("card_declined", "card_velocity_exceeded", msgDeclined),
		visa("expired", "4000000000000069", "US", "Declined: expired card").declines("expired_card", "", msgExpired),
		visa("incorrect_cvc", "4000000000000127", "US", "Declined: incorrect CVC").declines("incorrect_cvc", "", msgCVC),
		visa("processing_error", "4000000000000119", "US", "Declined: processing error").declines("processing_error", "", msgProcessing),
		visa("attach_then_fail", "4000000000000341", "US", "Declined when charged").declines("card_declined", "generic_decline", msgDeclined),

		visa("3ds_unless_set_up", "4000002500003155", "FR", "3-D Secure, then success").with3DS(secureChallenge),
		visa("3ds_always", "4000002760003184", "DE", "3-D Secure always, then success").with3DS(secureChallenge),
		visa("3ds_on_session", "4000003800000446", "IT", "3-D Secure on session, then success").with3DS(secureChallenge),
		visa("3ds_then_funds", "4000008260003178", "GB", "3-D Secure, then insufficient funds").with3DS(secureChallenge).declines("card_declined", "insufficient_funds", msgFunds),
		visa("3ds_required", "4000000000003220", "US", "3-D Secure required, then success").with3DS(secureChallenge),
		visa("3ds_required_2", "4000008400000027", "US", "3-D Secure required, then success").with3DS(secureChallenge),
		visa("3ds_then_declined", "4000008400001629", "US", "3-D Secure, then declined").with3DS(secureChallenge).declines("card_declined", "generic_decline", msgDeclined),
		visa("3ds_lookup_error", "4000008400001280", "US", "3-D Secure lookup fails: declined").declines("card_declined", "generic_decline", msgDeclined),
		visa("3ds_optional", "4000000000003055", "US", "3-D Secure supported, not asked: success"),
		visa("3ds_optional_error", "4000000000003097", "US", "3-D Secure would fail, not asked: success"),
		visa("3ds_frictionless", "4000000032200000", "US", "3-D Secure without a question: success").with3DS(secureFrictionless),

		blocked, highest, elevated, cvcFails, zipFails, lineFails, allFail, instantUS, instantIE,

		visa("dispute_fraudulent", "4000000000000259", "US", "Success, then disputed as fraudulent").disputing(disputesFraud),
		visa("dispute_not_received", "4000000000002685", "US", "Success, then disputed as not received").disputing(disputesMissing),
		visa("inquiry", "4000000000001976", "US", "Success, then an inquiry").disputing(disputesAsking),
		warned,
		visa("many_disputes", "4000000404000079", "US", "Success, then disputed twice").disputing(disputesTwice),
		visa("refund_pending", "4000000000007726", "US", "Success; refunds are pending first").refunding(refundSlow),
		visa("refund_fails", "4000000000005126", "US", "Success; refunds succeed and fail later").refunding(refundFails),
	}
}

// cardNamed finds a card by the short name that the code knows it by.
func cardNamed(name string) card {
	for _, c := range cards() {
		if c.name == name {
			return c
		}
	}
	return card{}
}

// cardNumbered finds a published card. digits holds nothing but digits.
func cardNumbered(digits string) (card, bool) {
	for _, c := range cards() {
		if c.number == digits {
			return c, true
		}
	}
	return card{}, false
}

func (c card) last4() string {
	if len(c.number) < 4 {
		return ""
	}
	return c.number[len(c.number)-4:]
}

// fingerprint is the same wherever the card is used, and tells nothing of it.
func (c card) fingerprint() string { return token(0, "fingerprint"+c.name, 0, 16) }

func (c card) displayBrand() string {
	switch c.brand {
	case "amex":
		return "american_express"
	case "diners":
		return "diners_club"
	case "unionpay":
		return "union_pay"
	}
	return c.brand
}

func (c card) check(fails bool) string {
	if fails {
		return "fail"
	}
	return "pass"
}

func (c card) cvcLength() int {
	if c.brand == "amex" {
		return 4
	}
	return 3
}

// luhn tells whether a string of digits has a right check digit.
func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
			if d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// spaced groups a number as it is printed on the card.
func (c card) spaced() string {
	var b strings.Builder
	for i, r := range c.number {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}
