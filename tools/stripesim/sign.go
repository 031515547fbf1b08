package stripesim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// signature is Stripe's header: the time, one v1 for each active secret, and in
// test mode a v0 that receivers must ignore.
func signature(body []byte, at int64, secrets []string, corrupt bool) string {
	stamp := strconv.FormatInt(at, 10)
	parts := []string{"t=" + stamp}
	for _, secret := range secrets {
		sum := mac(secret, stamp, body)
		if corrupt {
			sum[0] ^= 0xff
		}
		parts = append(parts, "v1="+hex.EncodeToString(sum))
	}
	return strings.Join(append(parts, "v0="+hex.EncodeToString(mac("v0", stamp, body))), ",")
}

func mac(secret, stamp string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(stamp + "."))
	h.Write(body)
	return h.Sum(nil)
}

// activeSecrets are the current secret and those that were rolled away less than
// their overlap ago.
func (e *WebhookEndpoint) activeSecrets(now int64) []string {
	var out []string
	for _, secret := range e.Secrets {
		if secret.ExpiresAt == 0 || secret.ExpiresAt > now {
			out = append(out, secret.Value)
		}
	}
	return out
}
