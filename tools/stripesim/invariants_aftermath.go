package stripesim

import (
	"fmt"
	"strings"
)

// checkRefunds: a charge gives back at most what it took, and each refund that
// stands has moved its money once, each that failed twice.
func (st *state) checkRefunds() error {
	standing := map[string]int64{}
	for _, r := range st.refunds.all() {
		charge := st.charges.byID[r.Charge]
		switch {
		case charge == nil || charge.Currency != r.Currency || r.Amount <= 0:
			return fmt.Errorf("%s: does not fit its charge %s", r.ID, r.Charge)
		case (r.Status == refundFailed) != (r.FailureTransaction != ""):
			return fmt.Errorf("%s: status %s with failure transaction %q", r.ID, r.Status, r.FailureTransaction)
		}
		if r.stands() {
			standing[r.Charge] += r.Amount
		}
		sum, moved := int64(0), 0
		for _, id := range st.txnsOf[r.ID] {
			sum += st.txns.byID[id].Net
			moved++
		}
		if (r.Status == refundFailed && (sum != 0 || moved != 2)) || (r.stands() && (sum > 0 || moved != 1)) {
			return fmt.Errorf("%s: status %s, but %d transactions move %d", r.ID, r.Status, moved, sum)
		}
	}
	for _, ch := range st.charges.all() {
		if ch.AmountRefunded != standing[ch.ID] || ch.AmountRefunded > ch.Amount {
			return fmt.Errorf("%s: %d of %d refunded, its refunds are %d", ch.ID, ch.AmountRefunded, ch.Amount, standing[ch.ID])
		}
	}
	return nil
}

// checkDisputes: money is withdrawn once, comes back when the dispute is won,
// and an inquiry moves none.
func (st *state) checkDisputes() error {
	held := map[string]int64{}
	for _, d := range st.disputes.all() {
		charge := st.charges.byID[d.Charge]
		moves := 0
		switch {
		case d.holds():
			moves = 1
			held[d.Charge] += d.Amount
		case d.Status == disputeWon:
			moves = 2
		}
		amount := int64(0)
		for _, id := range d.Transactions {
			amount += st.txns.byID[id].Amount
		}
		switch {
		case charge == nil || charge.Currency != d.Currency || d.Amount <= 0:
			return fmt.Errorf("%s: does not fit its charge %s", d.ID, d.Charge)
		case len(d.Transactions) != moves || len(st.txnsOf[d.ID]) != moves:
			return fmt.Errorf("%s: status %s with %d transactions", d.ID, d.Status, len(d.Transactions))
		case moves != 1 && amount != 0:
			return fmt.Errorf("%s: status %s, but %d is missing", d.ID, d.Status, amount)
		case (d.Due == 0) != d.closed():
			return fmt.Errorf("%s: status %s, due at %d", d.ID, d.Status, d.Due)
		case moves > 0 && !charge.Disputed:
			return fmt.Errorf("%s: its charge does not say so", d.ID)
		}
	}
	for id, amount := range held {
		charge := st.charges.byID[id]
		if amount+charge.AmountRefunded > charge.Amount {
			return fmt.Errorf("%s: %d disputed and %d refunded of %d", id, amount, charge.AmountRefunded, charge.Amount)
		}
	}
	return nil
}

// paysOut tells whether a transaction is a payout or its return.
func (t *BalanceTransaction) paysOut() bool { return strings.HasPrefix(t.Type, "payout") }

func (st *state) paidOut() map[string]int64 {
	out := map[string]int64{}
	for _, p := range st.payouts.byID {
		out[p.Currency] += 0
		if !p.returned() {
			out[p.Currency] += p.Amount
		}
	}
	return out
}

// checkPayouts: what an automatic payout lists adds up to it, and nothing is
// paid out twice.
func (st *state) checkPayouts() error {
	in := map[string]string{}
	for _, p := range st.payouts.all() {
		sum := int64(0)
		for _, id := range st.txnsOf[p.ID] {
			sum += st.txns.byID[id].Net
		}
		if want := map[bool]int64{true: 0, false: -p.Amount}[p.returned()]; sum != want {
			return fmt.Errorf("%s: status %s, but %d was moved", p.ID, p.Status, sum)
		}
		if p.Automatic != (st.contents[p.ID] != nil) || (p.Reconciled && !p.Automatic) {
			return fmt.Errorf("%s: automatic %v, reconciled %v, %d transactions", p.ID, p.Automatic, p.Reconciled, len(st.contents[p.ID]))
		}
		total := int64(0)
		for _, id := range st.contents[p.ID] {
			if in[id] != "" {
				return fmt.Errorf("%s is in %s and in %s", id, in[id], p.ID)
			}
			in[id] = p.ID
			txn := st.txns.byID[id]
			if txn.Currency != p.Currency {
				return fmt.Errorf("%s: pays out %s in %s", p.ID, id, txn.Currency)
			}
			total += txn.Net
		}
		if total != 0 {
			return fmt.Errorf("%s: what it lists differs from it by %d", p.ID, total)
		}
	}
	if len(in)+len(st.unpaid) != len(st.txns.order) {
		return fmt.Errorf("%d transactions are paid out and %d not, of %d", len(in), len(st.unpaid), len(st.txns.order))
	}
	return nil
}

// step notes a status that may not follow the one before it; CheckInvariants
// tells of the first.
func (st *state) step(legal map[string]string, id, from, to string) {
	if from != to && !strings.Contains(legal[from], " "+to+" ") && st.illegal == nil {
		st.illegal = fmt.Errorf("%s went from %q to %q", id, from, to)
	}
}

func (st *state) checkSteps() error { return st.illegal }
