package app

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// PlanLinks makes and checks the tokens in the links of monthly plans, and the keys
// that a donor's plans are found by. A token is the HMAC of the plan's id, so the
// same link can be sent again at any time and nothing has to be stored. It is safe
// for concurrent use.
type PlanLinks struct {
	link  []byte
	donor []byte
}

// NewPlanLinks derives keys of its own from the installation's secret: what else that
// one signs must not open a plan. With another secret, links in mails already sent
// stop working.
func NewPlanLinks(secret []byte) (*PlanLinks, error) {
	if len(secret) == 0 {
		return nil, errors.New("links of plans: no secret")
	}
	l := &PlanLinks{}
	for label, key := range map[string]*[]byte{"almoner plan link v1": &l.link, "almoner plan donor v1": &l.donor} {
		var err error
		*key, err = hkdf.Key(sha256.New, secret, nil, label, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("derive key of %s: %w", label, err)
		}
	}
	return l, nil
}

// Token of a plan: 43 characters that need no escaping.
func (l *PlanLinks) Token(planID string) string { return sum(l.link, planID) }

// Opens reports whether a token is the plan's, in the same time for every wrong one.
func (l *PlanLinks) Opens(token, planID string) bool {
	return hmac.Equal([]byte(token), []byte(l.Token(planID)))
}

// DonorKey stands for an address where the address itself is not to be stored again.
// Capitals make no difference: people type their own address in both ways.
func (l *PlanLinks) DonorKey(email string) string {
	return sum(l.donor, strings.ToLower(strings.TrimSpace(email)))
}

func sum(key []byte, text string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
