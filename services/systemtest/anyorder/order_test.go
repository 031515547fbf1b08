package anyorder

import (
	"math/rand/v2"
	"slices"
)

// permuted is how many webhooks of a story are told in all orders: 720.
const permuted = 6

// telling is the order in which webhooks weigh when there are more than that. The
// others are put in between wherever it happens.
func telling(kind string) int {
	return slices.Index([]string{
		"payment_intent.succeeded", "invoice.paid", "refund.failed", "refund.created", "charge.dispute.created", "charge.dispute.closed",
		"customer.subscription.deleted", "invoice.payment_failed", "refund.updated", "charge.dispute.updated",
	}, kind)
}

// parts divides a story's webhooks into those of which all orders are told, and
// the rest.
func parts(letters []webhook) (core, rest []webhook) {
	weight := func(l webhook) int {
		if at := telling(l.kind); at >= 0 {
			return at
		}
		return len(l.kind) + 100
	}
	sorted := slices.Clone(letters)
	slices.SortStableFunc(sorted, func(a, b webhook) int { return weight(a) - weight(b) })
	cut := min(permuted, len(sorted))
	return sorted[:cut], sorted[cut:]
}

// permutations are all orders of n things.
func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var found [][]int
	for _, shorter := range permutations(n - 1) {
		for at := 0; at <= len(shorter); at++ {
			found = append(found, slices.Insert(slices.Clone(shorter), at, n-1))
		}
	}
	return found
}

// shuffled is a story in one order of its core, with repetitions here and there.
func shuffled(core, rest []webhook, order []int, chance *rand.Rand) []webhook {
	var out []webhook
	for _, at := range order {
		out = append(out, core[at])
	}
	for _, letter := range rest {
		out = slices.Insert(out, chance.IntN(len(out)+1), letter)
	}
	for _, letter := range slices.Clone(out) {
		if chance.IntN(4) == 0 {
			out = slices.Insert(out, chance.IntN(len(out)+1), letter)
		}
	}
	return out
}

// dropped leaves some out, all of them now and then.
func dropped(letters []webhook, chance *rand.Rand) []webhook {
	keep := chance.IntN(4)
	return slices.DeleteFunc(slices.Clone(letters), func(webhook) bool { return chance.IntN(4) >= keep })
}
