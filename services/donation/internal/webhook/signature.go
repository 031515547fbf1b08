package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// tolerance is how far a signature's time may be from ours, in either
// direction: an old delivery could be a replay, and one from the future would
// be replayable until then.
const tolerance = 300 * time.Second

var (
	errUnsigned = errors.New("the signature header is missing or malformed")
	errForged   = errors.New("no signature matches")
	errSkewed   = errors.New("the signature's time is more than 300 seconds away")
)

// verify checks a body against the header under any of the secrets. While a
// secret is being rolled Stripe signs with both, and both may be configured.
func verify(body []byte, header string, secrets [][]byte, now time.Time) error {
	stamp, signatures := parse(header)
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || len(signatures) == 0 {
		return errUnsigned
	}
	if !matches(body, stamp, signatures, secrets) {
		return errForged
	}
	// Only after the signature: the time is part of what is signed.
	skew := now.Unix() - at
	if skew > int64(tolerance.Seconds()) || skew < -int64(tolerance.Seconds()) {
		return errSkewed
	}
	return nil
}

func matches(body []byte, stamp string, signatures [][]byte, secrets [][]byte) bool {
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(stamp + "."))
		mac.Write(body)
		want := mac.Sum(nil)
		for _, got := range signatures {
			if hmac.Equal(got, want) {
				return true
			}
		}
	}
	return false
}

// maxSignatures bounds the work that a header can ask for.
const maxSignatures = 16

// parse reads "t=…,v1=…,v1=…,v0=…". Schemes other than v1 are ignored: an
// attacker could choose a weaker one.
func parse(header string) (stamp string, signatures [][]byte) {
	for pair := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		switch name {
		case "t":
			stamp = value
		case "v1":
			signature, err := hex.DecodeString(value)
			if err == nil && len(signature) == sha256.Size && len(signatures) < maxSignatures {
				signatures = append(signatures, signature)
			}
		}
	}
	return stamp, signatures
}
