package stripesim

// addressRequired is a session that asks for the whole address, cards too.
const addressRequired = "required"

func (s *Session) checkAddress(b Billing) string {
	if s.BillingAddress == addressRequired && (b.Line1 == "" || b.City == "" || b.PostalCode == "" || b.Country == "") {
		return "Please enter your address: street, town, postal code and country."
	}
	return ""
}

// mistake is the code that Stripe has for what the page says; empty where it has none.
func mistake(message string) string {
	return map[string]string{
		msgNumber: "incorrect_number", msgMonth: "invalid_expiry_month", msgYear: "invalid_expiry_year", msgInvalidCVC: "invalid_cvc",
	}[message]
}
