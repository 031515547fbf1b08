package domain

import "strings"

// profile is what one jurisdiction asks of a receipt. An organization names
// its profile; a document that lacks something is not issued at all, because a
// number once given cannot be taken back.
type profile struct {
	name     string
	required []requirement
}

// requirement is one thing that the document must say.
type requirement struct {
	name string // as staff would call it
	of   func(Document) string
}

// missing lists by name what the profile asks for and the document lacks.
func (p profile) missing(d Document) []string {
	var names []string
	for _, r := range p.required {
		if strings.TrimSpace(r.of(d)) == "" {
			names = append(names, r.name)
		}
	}
	return names
}

// profileNamed returns the profile that an organization asked for.
func profileNamed(name string) (profile, bool) {
	for _, p := range profiles() {
		if p.name == name {
			return p, true
		}
	}
	return profile{}, false
}

// profiles is the table of all jurisdictions. "generic" serves wherever the law
// prescribes no form: it identifies the organization, the donor and the payment
// and claims nothing about tax. A registration is shown when there is one; not
// every country registers charities.
func profiles() []profile {
	return []profile{{
		name: "generic",
		required: []requirement{
			{"the organization's legal name", func(d Document) string { return d.OrganizationLegalName }},
			{"the organization's address", func(d Document) string { return strings.Join(d.OrganizationAddress, "") }},
			{"the donor's name", func(d Document) string { return d.DonorName }},
			{"the donor's e-mail address", func(d Document) string { return d.DonorEmail }},
			{"the fund's name", func(d Document) string { return d.FundName }},
			{"the payment's reference", func(d Document) string { return d.PaymentReference }},
		},
	}}
}
