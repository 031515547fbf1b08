package app

import (
	"strings"
	"time"
)

// texts is everything that a letter says in one language. Another language is
// another entry in the catalogue and nothing else.
type texts struct {
	language  string // BCP 47
	direction string // ltr or rtl

	subject  string // receipt's number, organization
	greeting string // donor
	thanks   string // organization
	open     string // before the link
	note     string

	number, donor, amount, cover, received, issued, fund, payment string // labels

	date func(time.Time) string
}

// catalogue returns the languages that letters are written in, English first:
// it is what everybody else gets.
func catalogue() []texts {
	return []texts{{
		language:  "en",
		direction: "ltr",
		subject:   "Receipt %s for your gift to %s",
		greeting:  "Dear %s,",
		thanks:    "Thank you. %s has received your gift, and this is your receipt.",
		open:      "See or print your receipt:",
		note:      "This receipt confirms that your gift was received. It makes no statement about tax.",
		number:    "Receipt number",
		donor:     "Received from",
		amount:    "Amount",
		cover:     "of which to cover the fee",
		received:  "Date of the gift",
		issued:    "Date of issue",
		fund:      "Fund",
		payment:   "Payment reference",
		date:      func(t time.Time) string { return t.Format("2 January 2006") },
	}}
}

// textsIn returns the texts in the language of a BCP 47 tag, whatever region it
// names ("en-GB"), or in English.
func textsIn(tag string) texts {
	all := catalogue()
	primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
	for _, t := range all {
		if t.language == primary {
			return t
		}
	}
	return all[0]
}

// languageFor is the language that a donor who reads tag gets a receipt in.
func languageFor(tag string) string { return textsIn(tag).language }
