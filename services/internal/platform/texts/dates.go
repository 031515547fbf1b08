package texts

import (
	"embed"
	"io/fs"
)

//go:embed words/*.json
var words embed.FS

// Dates is the part that Day and Moment need: names of months and the order of a
// date's parts. CLDR has them; Go's libraries do not.
func Dates() fs.FS {
	part, err := fs.Sub(words, "words")
	if err != nil {
		// Only a malformed path can fail, and this one is a constant.
		panic(err)
	}
	return part
}
