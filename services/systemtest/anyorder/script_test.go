package anyorder

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const giftMinor = 100_00

// Stripe's published test cards.
const (
	visa    = "4242424242424242"
	noFunds = "4000000000009995"
	slow    = "4000000000007726" // its refunds are pending for some seconds
	failing = "4000000000005126" // its refunds succeed, and fail some seconds later
)

// script is what happens at Stripe, from a donate form on.
type script struct {
	name    string
	cover   bool
	fund    string
	monthly bool
	debit   bool // it begins with a debit, which takes minutes
	early   bool // that moves the balance when it is begun
	steps   []step
}

// step is one thing that somebody does at Stripe.
type step func(w *world, s *story) error

// story is one playing of a script, with a gift of its own.
type story struct {
	script   script
	donation string
	session  string
	// What Stripe called it, as its webhooks told.
	payments, invoices []string
	subscription       string
	dispute            string
	letters            []webhook
}

func (s *story) take(letter webhook) {
	s.letters = append(s.letters, letter)
	for _, id := range letter.ids {
		list := map[string]*[]string{"pi": &s.payments, "in": &s.invoices}[id[:2]]
		switch {
		case strings.HasPrefix(id, "sub_"):
			s.subscription = id
		case list != nil && !slices.Contains(*list, id):
			*list = append(*list, id)
		}
	}
}

func last(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1]
}

// pay enters a card on Stripe's page.
func pay(card string) step {
	return func(w *world, s *story) error {
		form := url.Values{
			"email": {"amina@example.org"}, "card_number": {card}, "exp": {"12/34"}, "cvc": {"123"},
			"name": {"Amina Yusuf"}, "country": {"DE"}, "postal_code": {"20457"},
		}
		body, taken := w.ask(http.MethodPost, "/c/pay/"+s.session, "application/x-www-form-urlencoded", form.Encode())
		if !taken && card != noFunds {
			return fmt.Errorf("pay: %s", body)
		}
		return nil
	}
}

// Test accounts of the simulator, whose debits end after three minutes.
const (
	arrives = "AT321904300235473204"
	fails   = "AT051904300235473205"
)

// debit enters a bank account on Stripe's page.
func debit(iban string) step {
	return func(w *world, s *story) error {
		form := url.Values{"method": {"sepa_debit"}, "email": {"amina@example.org"}, "name": {"Amina Yusuf"}, "iban": {iban}}
		body, taken := w.ask(http.MethodPost, "/c/pay/"+s.session, "application/x-www-form-urlencoded", form.Encode())
		if !taken {
			return fmt.Errorf("debit: %s", body)
		}
		return nil
	}
}

// underWay is the time until the bank has paid debits, or has not.
func (w *world) underWay(stories []*story) error {
	if w.watched {
		err := each(stories, func(s *story) error {
			for _, letter := range s.letters {
				err := w.hand(letter)
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		w.agree()
	}
	err := w.pass(4 * time.Minute)
	if err != nil {
		return err
	}
	return w.settle()
}

// reverse is a bank that takes a debit back that it has paid, without a word.
func reverse(w *world, s *story) error {
	return w.control("/_sim/debit", map[string]any{"payment_intent": last(s.payments), "reverse": true}, nil)
}

func expire(w *world, s *story) error {
	return w.api(http.MethodPost, "/v1/checkout/sessions/"+s.session+"/expire", "")
}

// refund is somebody in Stripe's Dashboard; 0 is all that is left.
func refund(minor int64) step {
	return func(w *world, s *story) error {
		return w.control("/_sim/refund", map[string]any{"payment_intent": last(s.payments), "amount": minor}, nil)
	}
}

// dispute is a donor who goes to the bank, which asks or takes the money; 0 is all
// that is left.
func dispute(inquiry bool, minor int64) step {
	return func(w *world, s *story) error {
		var made struct {
			ID string `json:"id"`
		}
		err := w.control("/_sim/dispute", map[string]any{"payment_intent": last(s.payments), "amount": minor, "inquiry": inquiry}, &made)
		s.dispute = made.ID
		return err
	}
}

func verdict(outcome string) step {
	return func(w *world, s *story) error {
		return w.control("/_sim/dispute/"+s.dispute, map[string]any{"outcome": outcome}, nil)
	}
}

// renew charges the next month now.
func renew(w *world, s *story) error {
	return w.control("/_sim/subscriptions/"+s.subscription+"/renew", map[string]any{}, nil)
}

// lacking is a renewal for which there is no money.
func lacking(w *world, s *story) error {
	err := w.control("/_sim/subscriptions/"+s.subscription+"/fail_next", map[string]any{"attempts": 1}, nil)
	if err != nil {
		return err
	}
	return renew(w, s)
}

// again charges the invoice that was not paid.
func again(w *world, s *story) error {
	return w.api(http.MethodPost, "/v1/invoices/"+last(s.invoices)+"/pay", "")
}

func end(w *world, s *story) error {
	return w.api(http.MethodDelete, "/v1/subscriptions/"+s.subscription, "")
}

func (w *world) api(method, path, form string) error {
	body, taken := w.ask(method, path, "application/x-www-form-urlencoded", form)
	if !taken {
		return fmt.Errorf("%s %s: %s", method, path, body)
	}
	return nil
}

func (w *world) control(path string, asked map[string]any, answer any) error {
	document, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	body, taken := w.ask(http.MethodPost, path, "application/json", string(document))
	if !taken {
		return fmt.Errorf("%s %s: %s", path, document, body)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(body, answer)
}

// scripts are what the permutations are made of.
func scripts() []script {
	const bank, question = false, true
	once := func(name string, steps ...step) script { return script{name: name, steps: steps} }
	covered := func(name string, steps ...step) script { return script{name: name, cover: true, steps: steps} }
	school := func(name string, steps ...step) script {
		return script{name: name, cover: true, fund: "EMERGENCY", steps: steps}
	}
	monthly := func(name string, steps ...step) script {
		return script{name: name, monthly: true, cover: true, steps: append([]step{pay(visa)}, steps...)}
	}
	return []script{
		once("paid", pay(visa)),
		covered("paid with the fee", pay(visa)),
		school("paid to a restricted fund", pay(visa)),
		once("declined, then paid", pay(noFunds), pay(visa)),
		once("declined and left", pay(noFunds), expire),
		once("left", expire),
		once("given back", pay(visa), refund(0)),
		covered("given back with the fee", pay(visa), refund(0)),
		once("given back in part", pay(visa), refund(40_00)),
		covered("given back in two parts", pay(visa), refund(40_00), refund(10_00)),
		covered("given back in two parts that make the whole", pay(visa), refund(60_00), refund(0)),
		covered("given back so far that the cover is touched", pay(visa), refund(101_00)),
		school("given back from a restricted fund", pay(visa), refund(30_00), refund(20_00)),
		covered("given back slowly", pay(slow), refund(40_00)),
		covered("given back slowly in parts", pay(slow), refund(40_00), refund(0)),
		covered("given back, which fails", pay(failing), refund(0)),
		covered("given back in part, which fails", pay(failing), refund(40_00)),
		covered("given back, which fails twice", pay(failing), refund(0), refund(0)),
		once("disputed", pay(visa), dispute(bank, 0)),
		covered("disputed in part", pay(visa), dispute(bank, 30_00)),
		covered("disputed and won", pay(visa), dispute(bank, 0), verdict("won")),
		once("disputed and lost", pay(visa), dispute(bank, 0), verdict("lost")),
		covered("disputed and lost with the fee", pay(visa), dispute(bank, 0), verdict("lost")),
		covered("disputed and lost in part", pay(visa), dispute(bank, 50_00), verdict("lost")),
		school("lost from a restricted fund", pay(visa), dispute(bank, 0), verdict("lost")),
		once("asked about", pay(visa), dispute(question, 0)),
		covered("asked about, and no more", pay(visa), dispute(question, 0), verdict("closed")),
		covered("asked about, then disputed", pay(visa), dispute(question, 0), verdict("escalate")),
		covered("asked about, disputed, won", pay(visa), dispute(question, 0), verdict("escalate"), verdict("won")),
		covered("asked about, disputed, lost", pay(visa), dispute(question, 0), verdict("escalate"), verdict("lost")),
		covered("given back in part, the rest lost", pay(visa), refund(40_00), dispute(bank, 0), verdict("lost")),
		covered("given back in part, the rest won", pay(visa), refund(40_00), dispute(bank, 0), verdict("won")),
		covered("won, then given back", pay(visa), dispute(bank, 0), verdict("won"), refund(0)),
		covered("asked about, then given back", pay(visa), dispute(question, 0), verdict("closed"), refund(0)),
		monthly("every month"),
		monthly("every month, twice", renew),
		monthly("every month, not paid once", lacking),
		monthly("every month, paid late", lacking, again),
		monthly("every month, the second given back", renew, refund(0)),
		monthly("every month, the second lost, ended", renew, dispute(bank, 0), verdict("lost"), end),
	}
}

// debits are scripts that begin with one. They are told by themselves: all of them
// are on their way at once, and have ended at once.
func debits() []script {
	return []script{
		{name: "debited", debit: true, steps: []step{debit(arrives)}},
		{name: "debited, and refused", debit: true, fund: "EMERGENCY", steps: []step{debit(fails)}},
		{name: "debited, then given back in part", debit: true, cover: true, steps: []step{debit(arrives), refund(101_00)}},
		{name: "debited, then taken back by the bank", debit: true, cover: true, fund: "EMERGENCY", steps: []step{debit(arrives), reverse}},
	}
}

// play performs scripts at Stripe, step by step, and collects what it would tell.
func (w *world) play(stories []*story) error {
	err := each(stories, func(s *story) (err error) {
		s.donation, s.session, err = w.checkout(s.script)
		return err
	})
	if err != nil {
		return err
	}
	for _, s := range stories {
		w.post.owners[s.session], w.post.owners[s.donation] = s, s
	}
	for n := 0; ; n++ {
		var due []*story
		for _, s := range stories {
			if n < len(s.script.steps) {
				due = append(due, s)
			}
		}
		if len(due) == 0 {
			return nil
		}
		err = each(due, func(s *story) error { return s.script.steps[n](w, s) })
		if err != nil {
			return err
		}
		err = w.settle()
		if err == nil && n == 0 && due[0].script.debit {
			err = w.underWay(due)
		}
		if err != nil {
			return err
		}
	}
}
