package app

import (
	"maps"
	"slices"
	"strings"
)

// reading is how much of an event's own body can be believed.
type reading int

const (
	// readNot: the type means nothing for a gift.
	readNot reading = iota
	// readBody: what it says stays true, so the signed body is enough.
	readBody
	// readObject: the object can go both ways, so it is fetched as it is now.
	readObject
	// readLater: the payment's own event says it better and comes with it. The
	// object is fetched only if that has not come a second later.
	readLater
)

// subject is what an event tells about, and so what applies it.
type subject int

const (
	aboutGift subject = iota
	aboutPlan
	// aboutReturn: a refund, a dispute, or a charge that was refunded.
	aboutReturn
	aboutPayout
)

// kinds are the types that say something: how they are read, and about what.
var kinds = map[string]struct {
	how   reading
	about subject
}{
	"payment_intent.succeeded":                 {readBody, aboutGift},
	"payment_intent.payment_failed":            {readBody, aboutGift},
	"checkout.session.expired":                 {readBody, aboutGift},
	"checkout.session.completed":               {readLater, aboutGift},
	"checkout.session.async_payment_succeeded": {readLater, aboutGift},
	"checkout.session.async_payment_failed":    {readObject, aboutGift},
	"payment_intent.processing":                {readObject, aboutGift},
	"invoice.paid":                             {readBody, aboutPlan},
	"invoice.payment_failed":                   {readObject, aboutPlan},
	"invoice.payment_action_required":          {readObject, aboutPlan},
	"invoice.voided":                           {readObject, aboutPlan},
	"invoice.marked_uncollectible":             {readObject, aboutPlan},
	"customer.subscription.created":            {readObject, aboutPlan},
	"customer.subscription.updated":            {readObject, aboutPlan},
	"customer.subscription.deleted":            {readObject, aboutPlan},
	"refund.created":                           {readBody, aboutReturn},
	"refund.updated":                           {readBody, aboutReturn},
	"refund.failed":                            {readBody, aboutReturn},
	"charge.refund.updated":                    {readBody, aboutReturn},
	"charge.refunded":                          {readBody, aboutReturn},
	"charge.dispute.created":                   {readBody, aboutReturn},
	"charge.dispute.updated":                   {readBody, aboutReturn},
	"charge.dispute.closed":                    {readBody, aboutReturn},
	"charge.dispute.funds_withdrawn":           {readBody, aboutReturn},
	"charge.dispute.funds_reinstated":          {readBody, aboutReturn},
	"payout.created":                           {readObject, aboutPayout},
	"payout.updated":                           {readObject, aboutPayout},
	"payout.paid":                              {readObject, aboutPayout},
	"payout.failed":                            {readObject, aboutPayout},
	"payout.canceled":                          {readObject, aboutPayout},
	"payout.reconciliation_completed":          {readObject, aboutPayout},
}

func readingOf(eventType string) reading { return kinds[eventType].how }

// WebhookEvents are the types that the endpoint at Stripe should be set up for:
// those that are processed, and the one that tells of a fee that came later than its
// payment. (What charge.succeeded says, the payment intent's own event says better
// and at the same moment; a third of all webhooks would be taken for nothing.)
func WebhookEvents() []string {
	types := append(slices.Collect(maps.Keys(kinds)), "charge.updated")
	slices.Sort(types)
	return types
}

// movesBalance reports whether there may be a balance transaction that nothing
// else will tell of. (A charge that succeeds comes with its payment intent, which
// wakes the import once the gift is known. A debit may move it when it is begun, and
// again when it fails.)
func movesBalance(eventType string) bool {
	switch eventType {
	case "payment_intent.succeeded", "payment_intent.processing", "checkout.session.async_payment_failed", "invoice.paid", "charge.updated", "charge.refunded", "refund.failed", "charge.refund.updated":
		return true
	}
	return strings.HasPrefix(eventType, "charge.dispute.") || strings.HasPrefix(eventType, "payout.")
}
