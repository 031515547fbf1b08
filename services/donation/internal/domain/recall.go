package domain

// RecalledDonor is who paid, in Stripe's words, for a gift whose form is lost. What
// Stripe was never told stays unsaid: the message, and the language that the form
// was filled in.
func RecalledDonor(name, email string) Donor {
	short := []rune(oneLine(name))
	name = string(short[:min(len(short), maxName)])
	if !visible(name) {
		name = email // a receipt is made out to somebody
	}
	return Donor{Name: name, Email: email}
}
