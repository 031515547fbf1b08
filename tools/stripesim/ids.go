package stripesim

import (
	"crypto/sha512"
	"encoding/binary"
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// token is a pseudo-random string of base-62 digits that depends only on its
// arguments: the counter lives in the log, so a number once used never returns,
// not even after a restart.
func token(seed uint64, purpose string, n uint64, length int) string {
	sum := digest(seed, purpose, n)
	out := make([]byte, length)
	for i := range out {
		out[i] = base62[int(sum[i])%len(base62)]
	}
	return string(out)
}

// chance is a number in [0, 1) that depends only on its arguments, so that a
// probability decides alike in every run, whatever the order of goroutines.
func chance(seed uint64, purpose, subject string, n uint64) float64 {
	sum := digest(seed, purpose+"\x00"+subject, n)
	return float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
}

func digest(seed uint64, purpose string, n uint64) [64]byte {
	buf := make([]byte, 16, 16+len(purpose))
	binary.BigEndian.PutUint64(buf, seed)
	binary.BigEndian.PutUint64(buf[8:], n)
	return sha512.Sum512(append(buf, purpose...))
}

// idShapes are the prefix and length of Stripe's ids.
var idShapes = map[string]struct {
	prefix string
	length int
}{
	"session":        {"cs_test_a1", 56},
	"payment_intent": {"pi_3", 23},
	"charge":         {"ch_3", 23},
	"txn":            {"txn_3", 23},
	"payment_method": {"pm_1", 23},
	"event":          {"evt_1", 23},
	"payment_event":  {"evt_3", 23},
	"refund":         {"re_3", 23},
	"debit":          {"py_3", 23},
	"debit_refund":   {"pyr_1", 23},
	"dispute":        {"du_1", 23},
	"payout":         {"po_1", 23},
	"fraud_warning":  {"issfr_1", 23},
	"review":         {"prv_1", 23},
	"endpoint":       {"we_1", 23},
	"line_item":      {"li_1", 23},
	"price":          {"price_1", 23},
	"product":        {"prod_", 14},
	"customer":       {"cus_", 14},
	"plan":           {"sub_1", 23},
	"plan_item":      {"si_", 14},
	"invoice":        {"in_1", 23},
	"invoice_line":   {"il_1", 23},
	"invoice_item":   {"ii_1", 23},
	"balance_entry":  {"cbtxn_1", 23},
	"portal":         {"bps_1", 23},
	"portal_config":  {"bpc_1", 23},
	"test_clock":     {"clock_1", 23},
	"account":        {"acct_1", 15},
	"secret":         {"whsec_", 32},
	"request":        {"req_", 14},
}

func makeID(seed uint64, kind string, n uint64) string {
	shape := idShapes[kind]
	return shape.prefix + token(seed, kind, n, shape.length)
}
