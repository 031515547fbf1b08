package app

import "strings"

// reading is how much of an event's own body can be believed.
type reading int

const (
	// readNot: the type means nothing for a gift.
	readNot reading = iota
	// readBody: what it says stays true, so the signed body is enough.
	readBody
	// readObject: the object can go both ways, so it is fetched as it is now.
	readObject
	// readLater: the payment's own event says it better and is on its way. The
	// object is fetched only if that has not come by then.
	readLater
)

func readingOf(eventType string) reading {
	switch eventType {
	case "payment_intent.succeeded", "payment_intent.payment_failed", "checkout.session.expired":
		return readBody
	case "checkout.session.completed", "checkout.session.async_payment_succeeded":
		return readLater
	case "checkout.session.async_payment_failed", "payment_intent.processing":
		return readObject
	}
	return readNot
}

// Relevant reports whether events of this type are processed; others are kept
// as ignored.
func Relevant(eventType string) bool { return readingOf(eventType) != readNot }

// movesBalance reports whether there may be a new balance transaction.
func movesBalance(eventType string) bool {
	return eventType == "payment_intent.succeeded" || strings.HasPrefix(eventType, "charge.") ||
		strings.HasPrefix(eventType, "payout.")
}
