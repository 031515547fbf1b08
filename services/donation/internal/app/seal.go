package app

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// Seal closes the raw bodies of webhooks, which hold donors' names and
// addresses: a copy of the database alone does not give them away. It also signs
// what is left at Stripe about a gift.
type Seal struct {
	aead    cipher.AEAD
	signing []byte
}

// NewSeal derives the key from the installation's secret. Another secret cannot
// open what this one closed.
func NewSeal(secret []byte) (*Seal, error) {
	if len(secret) == 0 {
		return nil, errors.New("seal webhook bodies: no secret")
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "almoner donation stripe_event 1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive the key of webhook bodies: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("seal webhook bodies: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("seal webhook bodies: %w", err)
	}
	signing, err := hkdf.Key(sha256.New, secret, nil, "almoner donation gift 1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive the key that signs gifts: %w", err)
	}
	return &Seal{aead: aead, signing: signing}, nil
}

// Close seals body for one event; it opens under no other event's id.
func (s *Seal) Close(eventID string, body []byte) []byte {
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(body)+s.aead.Overhead())
	_, _ = rand.Read(nonce) // never fails: it ends the program instead
	return s.aead.Seal(nonce, nonce, body, []byte(eventID))
}

// Open returns the body. It fails when it was sealed with another secret, for
// another event, or was changed.
func (s *Seal) Open(eventID string, sealed []byte) ([]byte, error) {
	if len(sealed) < s.aead.NonceSize() {
		return nil, errors.New("open webhook body: too short")
	}
	nonce, closed := sealed[:s.aead.NonceSize()], sealed[s.aead.NonceSize():]
	body, err := s.aead.Open(nil, nonce, closed, []byte(eventID))
	if err != nil {
		return nil, fmt.Errorf("open webhook body: %w", err)
	}
	return body, nil
}

// Sign answers a proof that this installation wrote the parts, in this order.
func (s *Seal) Sign(parts ...string) string {
	mac := hmac.New(sha256.New, s.signing)
	for _, part := range parts {
		// Lengths keep ("ab","c") and ("a","bc") apart.
		fmt.Fprintf(mac, "%d:%s,", len(part), part)
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Signed reports whether a proof is one of Sign's for the parts.
func (s *Seal) Signed(proof string, parts ...string) bool {
	return hmac.Equal([]byte(proof), []byte(s.Sign(parts...)))
}
