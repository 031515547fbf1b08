package view

// Input is a field of a form, with what was typed and what is wrong with it. The
// parts "inputs" and "faults" draw them, so that every form here looks and is read
// out alike.
type Input struct {
	Name         string // also its id, where the summary of errors leads
	Kind         string // text, email, area, file, check, choice, select or hidden
	Label        string
	Hint         string
	Value        string
	Checked      bool
	Autocomplete string
	Keyboard     string // inputmode: decimal, email
	Unit         string // stands before the field: a currency
	Accept       string // of files
	Rows         int    // of an area
	Choices      []Choice
	Wrong        []string
}

// Choice is one of several values.
type Choice struct {
	Value   string
	Label   string
	Hint    string
	Checked bool
}

// Inputs is a form.
type Inputs struct {
	Action string
	Button string
	Look   string // of the button: quiet, danger; empty for what the page asks for
	Files  bool   // sent with a file
	List   []Input
	// Notice is about the form as a whole; nil for none.
	Notice *Notice
}

// Faults are what is wrong, in the order of the page.
func (f Inputs) Faults() []Fault {
	var faults []Fault
	for _, in := range f.List {
		for _, wrong := range in.Wrong {
			faults = append(faults, Fault{Anchor: in.Name, Message: wrong})
		}
	}
	return faults
}

// Fault is one line of the summary of errors.
type Fault struct {
	Anchor  string
	Message string
}

// Blame puts messages at their fields. It returns what belongs to no field.
func (f *Inputs) Blame(faults map[string][]string) (homeless []string) {
	for i := range f.List {
		f.List[i].Wrong = append(f.List[i].Wrong, faults[f.List[i].Name]...)
		delete(faults, f.List[i].Name)
	}
	for _, messages := range faults {
		homeless = append(homeless, messages...)
	}
	return homeless
}

// Describedby are the ids of what explains the field.
func (in Input) Describedby() string {
	ids := ""
	if in.Unit != "" {
		ids += " " + in.Name + "-unit"
	}
	if in.Hint != "" {
		ids += " " + in.Name + "-hint"
	}
	if len(in.Wrong) > 0 {
		ids += " " + in.Name + "-error"
	}
	if ids == "" {
		return ""
	}
	return ids[1:]
}
