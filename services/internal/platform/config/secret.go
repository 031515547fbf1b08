package config

import (
	"fmt"
	"log/slog"
)

// hidden is what a secret looks like wherever it is printed.
const hidden = "***"

// Secret is a value that prints as *** in every way Go can print it, so that a
// logged configuration or a failed test does not publish a key. Only Reveal
// gives the value. The zero value is no secret.
type Secret struct {
	// A pointer, because fmt cannot call the methods of an unexported field and
	// prints its content instead: of a pointer it prints only where it points.
	value *string
}

// NewSecret hides a value.
func NewSecret(value string) Secret { return Secret{value: &value} }

// Reveal is the value itself, for the one call that needs it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsSet reports whether there is a value at all.
func (s Secret) IsSet() bool { return s.Reveal() != "" }

// String is *** (also for no secret: whether one is set is IsSet's to say).
func (s Secret) String() string { return hidden }

// GoString is ***.
func (s Secret) GoString() string { return hidden }

// Format is *** for every verb; %d would otherwise print the field.
func (s Secret) Format(state fmt.State, _ rune) { fmt.Fprint(state, hidden) }

// MarshalText is *** and with it JSON, XML and YAML are.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue is ***.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
