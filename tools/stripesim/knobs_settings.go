package stripesim

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// settings are the knobs that are no faults: how this Stripe is set up. Like all
// knobs they live in memory.
type settings struct {
	// refundFailedOff makes the world of 2023, which had no refund.failed.
	refundFailedOff bool
	// feeReturned gives the fee of a dispute back when it is won.
	feeReturned bool
	// debitDays is how long bank debits take; below zero as long as at Stripe.
	debitDays int64
	// rateLimit is how many requests a second are answered; zero means all.
	rateLimit int64
	// webhookTimeout is how many milliseconds a receiver has to answer; below zero
	// as many as the program was started with.
	webhookTimeout int64
	// schedule is when payouts are made, bySchedule when no knob says it.
	schedule, bySchedule string
}

func (o *settings) reset() {
	if o.bySchedule == "" {
		o.bySchedule = scheduleManual
	}
	*o = settings{debitDays: -1, webhookTimeout: -1, schedule: o.bySchedule, bySchedule: o.bySchedule}
}

func (o *settings) show(out map[string]any) {
	out["debit_days"] = nil
	if o.debitDays >= 0 {
		out["debit_days"] = o.debitDays
	}
	out["rate_limit"] = nil
	if o.rateLimit > 0 {
		out["rate_limit"] = o.rateLimit
	}
	out["webhook_timeout"] = nil
	if o.webhookTimeout >= 0 {
		out["webhook_timeout"] = o.webhookTimeout
	}
	out["payout_schedule"] = o.schedule
	out["dispute_fee_returned"] = onOff(o.feeReturned)
	out["refund_failed_event"] = onOff(!o.refundFailedOff)
}

func (o *settings) set(name string, raw json.RawMessage) error {
	switch name {
	case "refund_failed_event":
		on, err := parseSwitch(raw, true)
		o.refundFailedOff = !on
		return err
	case "debit_days":
		days, err := parseCount(raw, 60)
		o.debitDays = days
		return err
	case "webhook_timeout":
		most, err := parseCount(raw, 600_000)
		if most == 0 && err == nil {
			err = errors.New("is 1 to 600000, or null: nobody answers in no time")
		}
		o.webhookTimeout = most
		return err
	case "rate_limit":
		if string(raw) == "true" {
			o.rateLimit = usualLimit
			return nil
		}
		if string(raw) == "false" {
			raw = json.RawMessage("null")
		}
		limit, err := parseCount(raw, 1_000_000)
		o.rateLimit = max(limit, 0)
		return err
	case "payout_schedule":
		var schedule *string
		err := json.Unmarshal(raw, &schedule)
		if err != nil {
			return err
		}
		o.schedule = o.bySchedule
		if schedule != nil && *schedule != "" {
			o.schedule = *schedule
		}
		return checkSchedule(o.schedule)
	case "dispute_fee_returned":
		on, err := parseSwitch(raw, false)
		o.feeReturned = on
		return err
	default:
		return errors.New("there is no knob of this name")
	}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// parseSwitch reads "on", "off", true, false, and null for what it is by itself.
func parseSwitch(raw json.RawMessage, byItself bool) (bool, error) {
	switch string(raw) {
	case `"on"`, "true":
		return true, nil
	case `"off"`, "false":
		return false, nil
	case "null":
		return byItself, nil
	}
	return false, errors.New("is on or off")
}

// parseCount reads a whole number up to most; null is -1.
func parseCount(raw json.RawMessage, most int64) (int64, error) {
	var count *int64
	err := json.Unmarshal(raw, &count)
	if err != nil {
		return 0, err
	}
	if count == nil {
		return -1, nil
	}
	if *count < 0 || *count > most {
		return 0, fmt.Errorf("is 0 to %d, or null", most)
	}
	return *count, nil
}

func (k *knobs) debitDays() (int64, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.settings.debitDays, k.settings.debitDays >= 0
}

// webhookTimeout is how long a receiver has to answer, in wall time.
func (k *knobs) webhookTimeout(configured time.Duration) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.settings.webhookTimeout < 0 {
		return configured
	}
	return time.Duration(k.settings.webhookTimeout) * time.Millisecond
}

func (k *knobs) rateLimit() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.settings.rateLimit
}

func (k *knobs) payoutSchedule() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.settings.schedule
}

func (k *knobs) disputeFeeReturned() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.settings.feeReturned
}

func (k *knobs) refundFailedEvent() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.settings.refundFailedOff
}
