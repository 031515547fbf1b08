package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func sign(body []byte, secret string, at int64) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(strconv.FormatInt(at, 10) + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	body := []byte(`{"id":"evt_1"}`)
	now := time.Unix(1_793_000_000, 0)
	good := sign(body, "whsec_new", now.Unix())
	old := sign(body, "whsec_old", now.Unix())
	stamp := "t=1793000000,"
	for name, c := range map[string]struct {
		header string
		want   error
	}{
		"good":                    {stamp + "v1=" + good, nil},
		"with a blank":            {"t=1793000000, v1=" + good, nil},
		"two, the second is good": {stamp + "v1=" + strings.Repeat("0", 64) + ",v1=" + good, nil},
		"the secret being rolled": {stamp + "v1=" + old, nil},
		"with a v0 beside":        {stamp + "v0=" + good + ",v1=" + good, nil},
		"only a v0":               {stamp + "v0=" + good, errUnsigned},
		"another time":            {"t=1793000001,v1=" + good, errForged},
		"empty":                   {"", errUnsigned},
		"no time":                 {"v1=" + good, errUnsigned},
		"a time of words":         {"t=now,v1=" + good, errUnsigned},
		"cut short":               {stamp + "v1=" + good[:40], errUnsigned},
		"after 300 seconds":       {"t=1792999700,v1=" + sign(body, "whsec_new", 1_792_999_700), nil},
		"after 301 seconds":       {"t=1792999699,v1=" + sign(body, "whsec_new", 1_792_999_699), errSkewed},
		"300 seconds ahead":       {"t=1793000300,v1=" + sign(body, "whsec_new", 1_793_000_300), nil},
		"301 seconds ahead":       {"t=1793000301,v1=" + sign(body, "whsec_new", 1_793_000_301), errSkewed},
		"at the end of time":      {"t=-9223372036854775808,v1=" + sign(body, "whsec_new", -1<<63), errSkewed},
		"many others before it":   {stamp + strings.Repeat("v1="+strings.Repeat("0", 64)+",", maxSignatures) + "v1=" + good, errForged},
	} {
		err := verify(body, c.header, [][]byte{[]byte("whsec_old"), []byte("whsec_new")}, now)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestNoHeaderPasses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		header := rapid.String().Draw(t, "header")
		body := []byte(rapid.String().Draw(t, "body"))
		if verify(body, header, [][]byte{[]byte("whsec_x")}, time.Unix(0, 0)) == nil {
			t.Fatalf("%q was accepted", header)
		}
	})
}
