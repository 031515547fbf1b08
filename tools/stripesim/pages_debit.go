package stripesim

import "slices"

// methodLine is one way to pay that the checkout page links to.
type methodLine struct {
	Type, Label string
	Chosen      bool
}

// chosen is the method that the donor picked, if the session offers it, and the
// session's first otherwise.
func (s *Session) chosen(method string) string {
	if slices.Contains(s.methods(), method) {
		return method
	}
	return s.methods()[0]
}

// methodLabel is what donors read for a way to pay.
func methodLabel(method string) string {
	return map[string]string{
		methodCard: "Card", methodSEPA: "SEPA debit", methodBacs: "Bacs Direct Debit", methodACH: "US bank account",
	}[method]
}

// offer sets the page up for one method: its fields and its test numbers.
func (s *Server) offer(v *payView, session *Session, method string) {
	v.Method = session.chosen(method)
	for _, one := range session.methods() {
		v.Methods = append(v.Methods, methodLine{one, methodLabel(one), one == v.Method})
	}
	if v.Method == methodCard {
		return
	}
	v.Heading, v.Cards = v.Verb+" with a test account", nil
	for _, a := range bankAccounts() {
		if a.kind == v.Method {
			v.Cards = append(v.Cards, cardLine{a.spaced(), a.label})
		}
	}
}
