package staff

import (
	"net/http"
	"strconv"

	"github.com/almoner/almoner/services/web/internal/view"
)

// text, area and choice are fields of a form, with what was typed in them.
func (v *visit) text(name string, typed map[string]string) view.Input {
	in := v.input(name, "text", typed)
	in.Autocomplete = "off"
	return in
}

func (v *visit) area(name string, typed map[string]string, rows int) view.Input {
	in := v.input(name, "area", typed)
	in.Rows = rows
	return in
}

func (v *visit) choice(name string, typed map[string]string, choices ...view.Choice) view.Input {
	in := v.input(name, "choice", typed)
	for _, c := range choices {
		c.Checked = c.Value == in.Value
		in.Choices = append(in.Choices, c)
	}
	return in
}

func (v *visit) input(name, kind string, typed map[string]string) view.Input {
	in := view.Input{Name: name, Kind: kind, Label: v.say("label." + name), Value: typed[name]}
	if optional(name) {
		in.Label = v.say("optional", "Label", in.Label)
	}
	hint, err := v.spoken.Text("staff.hint." + name)
	if err == nil {
		in.Hint = hint
	}
	return in
}

// optional tells what may be left empty where that is not to be seen from the rest.
func optional(name string) bool {
	switch name {
	case "goal", "goal_count", "unit_cost", "starts_on", "ends_on":
		return true
	}
	return false
}

// typed is what was sent, by field.
func (v *visit) typed(names ...string) map[string]string {
	typed := make(map[string]string, len(names))
	for _, name := range names {
		typed[name] = v.r.PostForm.Get(name)
	}
	return typed
}

// facts are the values of a form for who may not send it.
func (v *visit) facts(inputs []view.Input) []Fact {
	var list []Fact
	for _, in := range inputs {
		if in.Kind == "hidden" {
			continue
		}
		value := in.Value
		for _, c := range in.Choices {
			if c.Checked {
				value = c.Label
			}
		}
		list = append(list, Fact{Label: v.say("label." + in.Name), Value: value})
	}
	return list
}

// again draws a form that a service refused, with what was typed, or the page for
// another kind of trouble.
func (d *Desk) again(v *visit, page *FormPage, err error) {
	if faults := v.faults(err); faults != nil {
		d.wrong(v, page, faults)
		return
	}
	status, notice, ok := v.inTheWay(err)
	if !ok {
		d.front.Fail(v.w, v.r, err)
		return
	}
	page.Notice = notice
	page.Title = v.spoken.Say("trouble.error", "Title", page.Title)
	d.front.Show(v.w, v.r, status, page)
}

// wrong draws a form with messages beside its fields.
func (d *Desk) wrong(v *visit, page *FormPage, faults map[string][]string) {
	var homeless []string
	for i := range page.Forms {
		homeless = page.Forms[i].Form.Blame(faults)
	}
	if len(homeless) > 0 {
		page.Notice = &view.Notice{Heading: v.say("notice.refused"), Text: homeless[0]}
	}
	page.Title = v.spoken.Say("trouble.error", "Title", page.Title)
	d.front.Show(v.w, v.r, http.StatusUnprocessableEntity, page)
}

// position reads a number that stands in an address or a hidden field; "" is 0.
func position(text string) (int64, bool) {
	if text == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= 0
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
