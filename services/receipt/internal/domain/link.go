package domain

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
)

// LinkSigner makes and checks the tokens in receipts' links. A token is the
// HMAC of number and version, so the same link can be sent again at any time
// and nothing has to be stored. It is safe for concurrent use.
type LinkSigner struct{ key []byte }

// NewLinkSigner derives the key from the deployment's secret. The secret signs
// other things too, and a token of theirs must not open a receipt: hence a key
// of our own.
func NewLinkSigner(secret []byte) (*LinkSigner, error) {
	if len(secret) < 16 {
		return nil, errors.New("the secret that signs receipt links is shorter than 16 bytes")
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "almoner receipt link v1", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive key of receipt links: %w", err)
	}
	return &LinkSigner{key: key}, nil
}

// Token returns the token for a receipt: 43 characters that need no escaping.
func (s *LinkSigner) Token(number string, version int) string {
	return base64.RawURLEncoding.EncodeToString(s.sum(number, version))
}

// Verify reports whether the token opens the receipt, in the same time for
// every wrong token.
func (s *LinkSigner) Verify(token, number string, version int) bool {
	return hmac.Equal([]byte(token), []byte(s.Token(number, version)))
}

func (s *LinkSigner) sum(number string, version int) []byte {
	mac := hmac.New(sha256.New, s.key)
	// The separator keeps (A1, 2) and (A, 12) apart.
	mac.Write([]byte(number + "\x00" + strconv.Itoa(version)))
	return mac.Sum(nil)
}
