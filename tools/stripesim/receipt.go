package stripesim

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

// simulatorName is whom a donor paid, where the account has no name of its own.
const simulatorName = "Stripe simulator"

// receiptPath is where the receipt of a charge is shown; empty without one. What
// cannot be guessed is in the path, as whoever has the link may read it: it is made
// of the store's seed, so a charge of an older store has its receipt, too.
func receiptPath(seed uint64, ch *Charge) string {
	if ch.Status != chargeSucceeded {
		return ""
	}
	return "/receipts/" + ch.ID + "/" + token(seed, "receipt\x00"+ch.ID, 0, 40)
}

func receiptURL(v view, ch *Charge) any {
	path := receiptPath(v.seed(), ch)
	if path == "" {
		return nil
	}
	return v.baseURL() + path
}

type receiptView struct {
	Title, Account, Amount, Currency, Date, Method, Description, Charge, Invoice, Left string
	Refunds                                                                            []receiptRefund
}

type receiptRefund struct{ Date, Amount, Note string }

// receiptPage shows what was paid and what was given back until now. It answers
// alike for a charge that there is not and for a link that is not its own.
func (s *Server) receiptPage(w http.ResponseWriter, r *http.Request) {
	err := s.refresh()
	if err != nil {
		s.log.Error("bring state up to date", "error", err)
	}
	s.mu.RLock()
	shown, ok := receiptOf(s.view(), r.PathValue("charge"), r.URL.Path)
	s.mu.RUnlock()
	if !ok {
		s.notFound(w)
		return
	}
	s.sitePage(w, http.StatusOK, "receipt", shown, "")
}

func receiptOf(v reader, id, path string) (receiptView, bool) {
	ch := v.charge(id)
	if ch == nil || subtle.ConstantTimeCompare([]byte(path), []byte(receiptPath(v.seed(), ch))) != 1 {
		return receiptView{}, false
	}
	out := receiptView{
		Title: "Receipt (simulator)", Account: v.name, Amount: majorUnits(ch.Amount, ch.Currency),
		Currency: strings.ToUpper(ch.Currency), Date: dateOf(ch.Created), Method: v.method(ch.PaymentMethod).shown(),
		Description: ch.Description, Charge: ch.ID,
	}
	if invoice := v.invoice(ch.Invoice); invoice != nil {
		out.Invoice = invoice.Number
	}
	notes := map[string]string{refundPending: "on its way", refundAction: "waiting for the bank"}
	for _, refund := range v.refundsOn(ch.ID) {
		if refund.stands() {
			out.Refunds = append(out.Refunds, receiptRefund{dateOf(refund.Created), money(refund.Amount, refund.Currency), notes[refund.Status]})
		}
	}
	if ch.AmountRefunded > 0 {
		out.Left = money(ch.Amount-ch.AmountRefunded, ch.Currency)
	}
	return out, true
}

// shown is what a receipt says of how it was paid: as much as a donor needs to
// recognise it on a statement.
func (m *PaymentMethod) shown() string {
	if m.Account == "" {
		c := cardNamed(m.Card)
		return c.brandLabel() + " ending in " + c.last4()
	}
	return methodLabel(m.kind()) + ", account ending in " + bankAccountNamed(m.Account).last4()
}

// brandLabel is what is printed on the card.
func (c card) brandLabel() string {
	return map[string]string{
		"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express", "discover": "Discover",
		"diners": "Diners Club", "jcb": "JCB", "unionpay": "UnionPay",
	}[c.brand]
}
