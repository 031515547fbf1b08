package domain

import "strings"

// Shown is what the public may see of a donor.
type Shown struct {
	Name    string
	Message string
}

// Show applies the donor's choice. A first name is the first word of the name:
// nothing else can be known about how a name is built.
func (v Visibility) Show(d Donor) Shown {
	switch v {
	case Public:
		return Shown{Name: d.Name, Message: d.Message}
	case FirstName:
		first, _, _ := strings.Cut(d.Name, " ")
		return Shown{Name: first, Message: d.Message}
	case Anonymous:
	}
	return Shown{}
}
