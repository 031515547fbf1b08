package database

import "iter"

// largestPiece is how many rows one statement gets. Larger ones save nothing more.
const largestPiece = 64

// Pieces cuts a list into lists of 64 and then 32, 16, 8, 4, 2 and 1, in order. A
// statement that is written for each of them has seven texts, which are compiled
// once, and not as many as there are lengths of lists, each of which is new.
func Pieces[T any](list []T) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for size := largestPiece; len(list) > 0; {
			if len(list) < size {
				size /= 2
				continue
			}
			if !yield(list[:size:size]) {
				return
			}
			list = list[size:]
		}
	}
}
