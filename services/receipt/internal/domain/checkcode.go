package domain

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// CheckCodes makes and checks the codes that stand on receipts, so that whoever
// holds one can ask whether it is in force. A code is short enough to be typed,
// says nothing, and opens nothing. It is safe for concurrent use.
type CheckCodes struct{ key []byte }

// crockford has no letters that are taken for digits, or for one another.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// codeLength is in characters of five bits: one in 2^50 is guessed, and the
// site counts who tries.
const codeLength = 10

// NewCheckCodes derives the key from the deployment's secret, apart from that of
// the links: a code that was shown to a tax office must not open the receipt.
func NewCheckCodes(secret []byte) (*CheckCodes, error) {
	if len(secret) < 16 {
		return nil, errors.New("the secret that makes check codes is shorter than 16 bytes")
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "almoner receipt check code v1", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive key of check codes: %w", err)
	}
	return &CheckCodes{key: key}, nil
}

// Code returns the code of a receipt.
func (c *CheckCodes) Code(number string, version int) string {
	mac := hmac.New(sha256.New, c.key)
	mac.Write([]byte(number + "\x00" + strconv.Itoa(version)))
	sum := mac.Sum(nil)
	code := make([]byte, codeLength)
	for i := range code {
		// Five bits at a time, out of two bytes where they lie across.
		at := 5 * i
		pair := uint16(sum[at/8])<<8 | uint16(sum[at/8+1])
		code[i] = crockford[pair>>(11-at%8)&31]
	}
	return string(code)
}

// Verify reports whether what somebody typed is the receipt's code, in the same
// time for every wrong one. Spaces, hyphens and case do not matter, and letters
// that look like digits are taken for them.
func (c *CheckCodes) Verify(typed, number string, version int) bool {
	const longest = 64
	if len(typed) > longest {
		return false
	}
	plain := strings.NewReplacer(" ", "", "-", "", "\u2010", "", "\u2011", "", "\u00A0", "", "O", "0", "I", "1", "L", "1").
		Replace(strings.ToUpper(typed))
	return hmac.Equal([]byte(plain), []byte(c.Code(number, version)))
}

// SpacedCode is a code as it is printed, in two halves.
func SpacedCode(code string) string {
	if len(code) != codeLength {
		return code
	}
	return code[:codeLength/2] + "-" + code[codeLength/2:]
}
