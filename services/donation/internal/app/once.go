package app

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/donation/internal/domain"
)

// parkedFor is what staff see one item of.
type parkedFor struct {
	object string
	reason domain.Reason
}

// parkOnce sees to it that one object is listed once for one reason, however many
// events and routes tell of it: two items would be two things to look into. It
// answers what is to be written: list, and what was parked before and gives way;
// what is not to be listed is done, and keeps the reason.
func parkOnce(ctx context.Context, tx Tx, list []StripeEvent) ([]StripeEvent, error) {
	var objects []string
	deciding := map[int64]bool{}
	for _, e := range list {
		deciding[e.Seq] = true
		if listable(e) {
			objects = append(objects, e.ObjectID)
		}
	}
	if len(objects) == 0 {
		return list, nil
	}
	before, err := tx.ParkedOf(ctx, objects)
	if err != nil {
		return nil, fmt.Errorf("look for what is parked already: %w", err)
	}
	listed := map[parkedFor]*StripeEvent{}
	var giveWay []*StripeEvent
	for i := range before {
		if !deciding[before[i].Seq] && listable(before[i]) {
			listed[parkedFor{before[i].ObjectID, before[i].Reason}] = &before[i]
		}
	}
	for i := range list {
		e := &list[i]
		if !listable(*e) {
			continue
		}
		key := parkedFor{e.ObjectID, e.Reason}
		other := listed[key]
		switch {
		case other == nil:
			listed[key] = e
		case fuller(*other, *e):
			e.State = EventDone
		case fuller(*e, *other):
			other.State = EventDone
			giveWay = append(giveWay, other)
			listed[key] = e
		}
	}
	for _, e := range giveWay {
		if !deciding[e.Seq] {
			list = append(list, *e)
		}
	}
	return list, nil
}

// listable leaves out what nothing is known of but that it cannot be read: two
// bodies that cannot be read may say different things.
func listable(e StripeEvent) bool {
	return e.State == EventParked && e.ObjectID != "" && e.Reason != domain.NotDecodable
}

// fuller reports whether trying kept again tells all that other would tell. A
// decline or an expiry does not tell of a success; what is fetched does.
func fuller(kept, other StripeEvent) bool {
	kind := kinds[kept.Type]
	partial := kind.how == readBody && kind.about == aboutGift && kept.Type != "payment_intent.succeeded"
	return !partial || !kept.HasBody || kept.Type == other.Type
}

// paymentOf is the payment that an object is about, by whichever route it was
// found; empty when there is none yet.
func paymentOf(found Found) string {
	switch s := found.Snapshot; {
	case s.Payment != nil:
		return s.Payment.ID
	case s.Session != nil:
		return s.Session.PaymentID
	}
	return ""
}
