package app

// mostAwaited bounds the memory of sessions that wait: some hundred bytes each.
const mostAwaited = 4096

// awaited are the events of sessions that this process took in a moment ago, before
// those of their payments, by payment. They are due in a second; nearly always the
// payment is here long before, and says all. Events that are not found here wait.
type awaited map[string]item

// keep remembers which of the items were left for their payment.
func (w *awaited) keep(items []item) {
	for _, it := range items {
		if !it.glance || it.verdict.state != EventPending || paymentOf(*it.found) == "" {
			continue
		}
		if *w == nil || len(*w) >= mostAwaited {
			*w = awaited{} // what nobody came for was dealt with in its time
		}
		it.event.Sealed, it.event.Stored, it.verdict = nil, EventPending, nil
		it.event.Attempts++
		(*w)[paymentOf(*it.found)] = it
	}
}

// take answers those that wait for a payment which is among items.
func (w awaited) take(items []item) []item {
	var list []item
	for _, it := range items {
		if it.found == nil || it.found.Snapshot.Payment == nil {
			continue
		}
		payment := it.found.Snapshot.Payment.ID
		if waiting, found := w[payment]; found {
			delete(w, payment)
			list = append(list, waiting)
		}
	}
	return list
}
