package stripesim

// questionView is what the checkout page asks beside the payment.
type questionView struct {
	Fields                                []fieldLine
	Promotions, Terms, OptedIn, TermsDone bool
	TermsText                             string
}

type fieldLine struct {
	Name, Label, Type, Value string
	Optional                 bool
	Shortest, Longest        int64
	Options                  []optionLine
}

type optionLine struct {
	Label, Value string
	Chosen       bool
}

// ask sets the page up for a session's questions, with what was answered before.
func (v *questionView) ask(session *Session, said answers) {
	for _, field := range session.Fields {
		line := fieldLine{
			Name: "field_" + field.Key, Label: field.Label, Type: field.Type, Value: said.fields[field.Key],
			Optional: field.Optional, Shortest: field.Shortest, Longest: field.Longest,
		}
		if line.Longest == 0 {
			line.Longest = longestAnswer
		}
		for _, option := range field.Options {
			line.Options = append(line.Options, optionLine{option.Label, option.Value, option.Value == line.Value})
		}
		v.Fields = append(v.Fields, line)
	}
	if session.Asked == nil {
		return
	}
	v.Promotions, v.Terms = session.Asked.Promotions == "auto", session.Asked.Terms == "required"
	v.OptedIn, v.TermsDone = said.promotions, said.terms
	v.TermsText = session.CustomText["terms_of_service_acceptance"]
}
