package staff

import "github.com/almoner/almoner/services/web/internal/view"

// Frame is what every page of the desk has around its content.
type Frame struct {
	view.Frame
	Areas []Area
	Done  string // what the form before did; empty for nothing
}

// Area is a part of the desk.
type Area struct {
	Label   string
	URL     string
	Current bool
}

// FormPage is a thing with the forms that change it, or without for who may only
// look.
type FormPage struct {
	Frame
	Heading string
	Back    view.Link
	Others  []view.Link // the same page of other organizations
	Notice  *view.Notice
	Logo    *Picture
	Facts   []Fact
	Forms   []Section
	Buttons []Button
}

// Faults are those of all forms, for the summary.
func (p *FormPage) Faults() []view.Fault {
	var faults []view.Fault
	for _, section := range p.Forms {
		faults = append(faults, section.Form.Faults()...)
	}
	return faults
}

// Section is a form under a heading of its own, if it has one.
type Section struct {
	Heading string
	Form    view.Inputs
}

// Fact is a value that is shown and not edited.
type Fact struct {
	Label string
	Value string
}

// Picture is an uploaded picture in its smallest size.
type Picture struct {
	URL string
	Alt string
}

// Button is a form of one button.
type Button struct {
	Action string
	Name   string
	Value  string
	Label  string
	Quiet  bool
}

// TablePage is a list of things.
type TablePage struct {
	Frame
	Heading string
	Intro   string
	New     *view.Link
	Notice  *view.Notice
	Tables  []Table
	Next    *view.Link
}

// Faults are those of all rows, for the summary.
func (p *TablePage) Faults() []view.Fault {
	var faults []view.Fault
	for _, table := range p.Tables {
		for _, row := range table.Rows {
			if row.Form != nil {
				faults = append(faults, row.Form.Faults()...)
			}
		}
	}
	return faults
}

// Table has a caption when there are several on a page.
type Table struct {
	Caption string
	Columns []string
	Rows    []Row
	Empty   string // said when there are no rows
}

// Row is a line, with what can be done to it. The first cell names it.
type Row struct {
	Cells []Cell
	Form  *view.Inputs
}

// Cell is one value; with a URL it is a link. A Number stands at the end of its
// cell, an ID in type of one width.
type Cell struct {
	Text   string
	URL    string
	Number bool
	ID     bool
}

// Overview is the desk's first page.
type Overview struct {
	Frame
	Heading   string
	Attention []view.Link
	Table     Table
	More      view.Link
}

func (*FormPage) Template() string  { return "staff_form" }
func (*TablePage) Template() string { return "staff_table" }
func (*Overview) Template() string  { return "staff_overview" }
