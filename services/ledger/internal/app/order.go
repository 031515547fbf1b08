package app

import (
	"maps"
	"slices"
)

// inOrder returns a map's values in the order of its keys, so that rows are
// always locked in one order and two batches cannot wait for each other.
func inOrder[V any](byKey map[string]V) []V {
	values := make([]V, 0, len(byKey))
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		values = append(values, byKey[key])
	}
	return values
}
