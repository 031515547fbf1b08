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

// step notes a status that may not follow the one before it; CheckInvariants
// tells of the first.
func (st *state) step(legal map[string]string, id, from, to string) {
	if from != to && !strings.Contains(legal[from], " "+to+" ") && st.illegal == nil {
		st.illegal = fmt.Errorf("%s went from %q to %q", id, from, to)
	}
}

func (st *state) checkSteps() error { return st.illegal }
