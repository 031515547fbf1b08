package stripesim

import (
	"encoding/json"
	"errors"
)

// settings are the knobs that are no faults: how this Stripe is set up. Like all
// knobs they live in memory.
type settings struct {
	// refundFailedOff makes the world of 2023, which had no refund.failed.
	refundFailedOff bool
	// feeReturned gives the fee of a dispute back when it is won.
	feeReturned bool
}

func (o *settings) reset() { *o = settings{} }

func (o *settings) show(out map[string]any) {
	out["dispute_fee_returned"] = onOff(o.feeReturned)
	out["refund_failed_event"] = onOff(!o.refundFailedOff)
}

func (o *settings) set(name string, raw json.RawMessage) error {
	switch name {
	case "refund_failed_event":
		on, err := parseSwitch(raw, true)
		o.refundFailedOff = !on
		return err
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
