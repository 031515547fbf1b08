package config

import (
	"fmt"
	"slices"
	"strings"
)

// Text stores a value as it is.
func Text(target *string) func(string) error {
	return func(value string) error {
		*target = value
		return nil
	}
}

// Hidden stores a secret.
func Hidden(target *Secret) func(string) error {
	return func(value string) error {
		*target = NewSecret(value)
		return nil
	}
}

// OneOf stores one of the allowed values and refuses others.
func OneOf(target *string, allowed ...string) func(string) error {
	return func(value string) error {
		if !slices.Contains(allowed, value) {
			return fmt.Errorf("is %q, want one of %s", value, strings.Join(allowed, ", "))
		}
		*target = value
		return nil
	}
}

// List stores the parts of a list that is separated by commas, without spaces
// around them and without empty ones; none at all is nil.
func List(target *[]string) func(string) error {
	return func(value string) error {
		var parts []string
		for _, part := range strings.Split(value, ",") {
			part = strings.TrimSpace(part)
			if part != "" {
				parts = append(parts, part)
			}
		}
		*target = parts
		return nil
	}
}
