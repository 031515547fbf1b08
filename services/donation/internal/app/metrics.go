package app

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
)

// Metrics count what happens to gifts. They tell of amounts, currencies and kinds,
// never of a gift or a donor.
type Metrics struct {
	gifts, minor, declines, checkouts *prometheus.CounterVec
	webhooks                          *prometheus.CounterVec
	returns                           *prometheus.CounterVec
	// stored are the counters of webhooks that went well, found once: they come by
	// the thousand.
	stored map[string]prometheus.Counter
}

// NewMetrics makes them. r may be nil: then nobody looks.
func NewMetrics(r prometheus.Registerer) *Metrics {
	factory := promauto.With(r)
	m := &Metrics{
		stored: map[string]prometheus.Counter{},
		gifts: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "almoner_gifts_total", Help: "Gifts that succeeded.",
		}, []string{"currency"}),
		minor: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "almoner_gifts_minor_total", Help: "What succeeded gifts came to, fee cover included, in minor units of their currency.",
		}, []string{"currency"}),
		declines: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "almoner_declines_total", Help: "Payments that a bank declined, by Stripe's code.",
		}, []string{"code"}),
		checkouts: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "almoner_checkouts_total", Help: "Submitted donate forms by what came of them.",
		}, []string{"outcome"}),
		returns: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "almoner_returns_total", Help: "What happened to gifts after they were paid: refunds and disputes, by how far they came.",
		}, []string{"kind"}),
		webhooks: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "almoner_stripe_webhooks_total", Help: "Deliveries to the webhook endpoint by what came of them.",
		}, []string{"type", "outcome"}),
	}
	for _, eventType := range append(WebhookEvents(), other) {
		m.stored[eventType] = m.webhooks.WithLabelValues(eventType, WebhookStored)
		// The alarm is about an increase, and what begins with 1 has had none.
		m.webhooks.WithLabelValues(eventType, WebhookFailed)
	}
	for _, code := range append(declineCodes, other) {
		m.declines.WithLabelValues(code)
	}
	return m
}

// declineCodes are those of Stripe's that tell operators something: a wave of
// wrong numbers is somebody who tests cards. The rest are "other": a label may not
// be whatever a bank writes.
var declineCodes = []string{
	"card_declined", "generic_decline", "insufficient_funds", "expired_card", "incorrect_cvc", "incorrect_number", "invalid_cvc",
	"invalid_number", "invalid_expiry_month", "invalid_expiry_year", "incorrect_zip", "do_not_honor", "fraudulent", "lost_card", "stolen_card",
	"pickup_card", "restricted_card", "transaction_not_allowed", "try_again_later", "processing_error", "card_velocity_exceeded",
	"authentication_required", "card_not_supported", "currency_not_supported", "issuer_not_available", "testmode_decline",
}

// other is every value that would be a label of its own.
const other = "other"

// ruled counts what became of evidence, once that is committed.
func (m *Metrics) ruled(rulings []ruling) {
	type sum struct{ gifts, minor int64 }
	given := map[string]sum{}
	for _, r := range rulings {
		if r.paid {
			s := given[r.given.Currency.Code()]
			s.gifts++
			s.minor += r.given.Minor
			given[r.given.Currency.Code()] = s
		}
		for _, h := range r.happened {
			m.returns.WithLabelValues(happeningWord(h)).Inc()
		}
		if r.declined == "" {
			continue
		}
		if !slices.Contains(declineCodes, r.declined) {
			r.declined = other
		}
		m.declines.WithLabelValues(r.declined).Inc()
	}
	for currency, s := range given {
		m.gifts.WithLabelValues(currency).Add(float64(s.gifts))
		// Only the metric itself knows no whole numbers; nothing is computed from it.
		m.minor.WithLabelValues(currency).Add(float64(s.minor))
	}
}

func happeningWord(h domain.Happening) string {
	switch h.Kind {
	case domain.RefundAccepted:
		return "refund_accepted"
	case domain.RefundFailedLater:
		return "refund_failed"
	case domain.DisputeInquiry:
		return "inquiry"
	case domain.DisputeOpened:
		return "dispute_opened"
	case domain.DisputeOver:
		return "dispute_" + string(h.Dispute.Status)
	}
	return other
}

// Outcomes of a webhook's delivery.
const (
	WebhookStored  = "stored"
	WebhookRefused = "refused" // not signed by Stripe, or unreadable
	WebhookFailed  = "failed"  // not stored; Stripe sends it again
)

// Webhook counts a delivery. Types that mean nothing here are one.
func (m *Metrics) Webhook(eventType, outcome string) {
	counter, known := m.stored[eventType]
	if !known {
		eventType, counter = other, m.stored[other]
	}
	if outcome == WebhookStored {
		counter.Inc()
		return
	}
	m.webhooks.WithLabelValues(eventType, outcome).Inc()
}

// Standing is what is not finished, and since when. Times are unix microseconds,
// 0 for none.
type Standing struct {
	// LastWebhook is when Stripe was last heard of.
	LastWebhook int64
	// Undone are stored events that wait to be applied, Parked those that wait for staff,
	// but for those of money taken after a plan's end was asked for: they did have their
	// effect, and what is left to do hurries less.
	Undone, Parked, ChargedAfterEnd int64
	OldestUndone                    int64
	// Feeless are gifts whose money was not seen on the account yet.
	Feeless       int64
	OldestFeeless int64
}

// Watch tells what is not finished, at most every 15 seconds.
func (a *App) Watch() prometheus.Collector {
	last := prometheus.NewDesc("almoner_stripe_webhook_last_timestamp_seconds", "When the newest webhook was taken; 0 before the first.", nil, nil)
	parkedKind := func(kind string) *prometheus.Desc {
		return prometheus.NewDesc("almoner_parked_items", "What could not be applied and waits for staff.", nil,
			prometheus.Labels{"service": "donation", "kind": kind})
	}
	parked, charged := parkedKind("stripe"), parkedKind("charged_after_end")
	planMails, debitMails := parkedKind("plan_mail"), parkedKind("debit_mail")
	// The ledger tells of another kind by the same names.
	unmatched := func(kind string) *prometheus.Desc {
		return prometheus.NewDesc("almoner_recon_unmatched", "Movements that lack their other half.", nil, prometheus.Labels{"kind": kind})
	}
	age := func(kind string) *prometheus.Desc {
		return prometheus.NewDesc("almoner_recon_oldest_unmatched_age_seconds", "How long the oldest of them has lacked it; 0 without one.", nil, prometheus.Labels{"kind": kind})
	}
	refunds := func(status string) *prometheus.Desc {
		return prometheus.NewDesc("almoner_refunds", "Refunds that wait for a second person, that Stripe was asked for and has not answered, or that did not reach the donor in the last week.",
			nil, prometheus.Labels{"status": status})
	}
	disputes := func(status string) *prometheus.Desc {
		return prometheus.NewDesc("almoner_disputes", "Disputes that are open, those of them whose evidence is due within three days, and gifts that banks took back in the last week without asking.", nil, prometheus.Labels{"status": status})
	}
	waiting, asked, failed := refunds("waiting"), refunds("asked"), refunds("failed")
	open, due, takenBack := disputes("open"), disputes("due"), disputes("taken_back")
	payouts := func(status string) *prometheus.Desc {
		return prometheus.NewDesc("almoner_payouts", "Payouts that did not reach the bank and none has since, and those that are not the sum of what is in them.",
			nil, prometheus.Labels{"status": status})
	}
	returned, different := payouts("failed"), payouts("different")
	ending := prometheus.NewDesc("almoner_plans_ending", "Monthly plans whose end was asked for and that Stripe still has.", nil, nil)
	endingAge := prometheus.NewDesc("almoner_plans_oldest_ending_age_seconds", "How long ago the end of the oldest of them was asked for; 0 without one.", nil, nil)
	waitingAge := prometheus.NewDesc("almoner_refunds_oldest_waiting_age_seconds", "How long a refund has waited for a second person; 0 without one.", nil, nil)
	askedAge := prometheus.NewDesc("almoner_refunds_oldest_asked_age_seconds", "How long Stripe has not answered about a refund; 0 without one.", nil, nil)
	undone, undoneAge := unmatched("stripe_event"), age("stripe_event")
	feeless, feelessAge := unmatched("gift_without_money"), age("gift_without_money")
	return telemetry.NewLook("gifts", telemetry.LookEvery, a.Now, func(ctx context.Context, tell telemetry.Tell) error {
		var s Standing
		var r ReturnStanding
		var p PayoutStanding
		var plans PlanStanding
		err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
			var err error
			s, err = tx.Standing(ctx)
			if err != nil {
				return err
			}
			r, err = tx.ReturnStanding(ctx, a.micros())
			if err != nil {
				return err
			}
			p, err = tx.PayoutStanding(ctx, a.micros())
			if err != nil {
				return err
			}
			plans, err = tx.PlanStanding(ctx)
			return err
		})
		if err != nil {
			return err
		}
		since := func(micros int64) float64 {
			if micros == 0 {
				return 0
			}
			return max(0, a.Now().Sub(time.UnixMicro(micros)).Seconds())
		}
		tell(last, float64(s.LastWebhook)/1e6)
		tell(parked, float64(s.Parked))
		tell(charged, float64(s.ChargedAfterEnd))
		tell(planMails, float64(plans.ParkedPlanMails))
		tell(debitMails, float64(plans.ParkedDebitMails))
		tell(undone, float64(s.Undone))
		tell(undoneAge, since(s.OldestUndone))
		tell(feeless, float64(s.Feeless))
		tell(feelessAge, since(s.OldestFeeless))
		tell(waiting, float64(r.Waiting))
		tell(waitingAge, since(r.OldestWaiting))
		tell(asked, float64(r.Asked))
		tell(askedAge, since(r.OldestAsked))
		tell(failed, float64(r.Failed))
		tell(open, float64(r.Open))
		tell(due, float64(r.Due))
		tell(takenBack, float64(r.TakenBack))
		tell(ending, float64(plans.Ending))
		tell(endingAge, since(plans.OldestEnding))
		tell(returned, float64(p.Failed))
		tell(different, float64(p.Different))
		return nil
	}, last, parked, charged, planMails, debitMails, undone, undoneAge, feeless, feelessAge, waiting, waitingAge, asked, askedAge, failed, open, due,
		takenBack, ending, endingAge, returned, different)
}
