package account

import (
	"net/http"
	"strings"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/web/internal/session"
	"github.com/almoner/almoner/services/web/internal/staff"
	"github.com/almoner/almoner/services/web/internal/view"
)

// changesShown is how much of the record stands below the list.
const changesShown = 50

// people lists who may sign in as staff.
func (d *Desk) people(w http.ResponseWriter, r *http.Request) {
	d.showPeople(w, r, http.StatusOK, "", "", nil)
}

func (d *Desk) showPeople(w http.ResponseWriter, r *http.Request, status int, email, role string, faults map[string][]string) {
	members, err := d.sessions.Staff(r.Context())
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	changes, err := d.sessions.StaffChanges(r.Context(), changesShown)
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	page := &People{
		Frame: staff.AmongPeople(d.frame(r, d.say(r, "people.title")), d.front.Texts(r.Context())),
		Form: view.Inputs{
			Action: staff.PeoplePath, Button: d.say(r, "people.add"),
			List: []view.Input{
				{Name: "email", Kind: "email", Label: d.say(r, "people.email"), Value: email, Keyboard: "email"},
				d.roleChoice(r, role, false),
			},
		},
	}
	for _, m := range members {
		page.Members = append(page.Members, Person{Email: m.Email, Roles: d.roles(r, m.Roles), URL: staff.PeoplePath + "/" + m.ID, Configured: m.Configured})
	}
	for _, c := range changes {
		page.Changes = append(page.Changes, Changed{At: c.At, By: c.By, Whom: c.Whom, Roles: d.roles(r, c.Roles)})
	}
	page.Form.Blame(faults)
	if len(page.Form.Faults()) > 0 {
		page.Title = d.say(r, "error", "Title", page.Title)
	}
	d.front.Show(w, r, status, page)
}

func (d *Desk) roles(r *http.Request, roles []string) string {
	if len(roles) == 0 {
		return d.say(r, "role.none")
	}
	names := make([]string, len(roles))
	for i, role := range roles {
		names[i] = d.say(r, "role."+role)
	}
	return strings.Join(names, ", ")
}

// roleChoice offers the roles; for who is in the list, also none.
func (d *Desk) roleChoice(r *http.Request, checked string, none bool) view.Input {
	choice := view.Input{Name: "role", Kind: "choice", Label: d.say(r, "people.role")}
	for _, role := range session.Roles() {
		choice.Choices = append(choice.Choices, view.Choice{Value: role, Label: d.say(r, "role."+role), Hint: d.say(r, "role."+role+"_hint"), Checked: role == checked})
	}
	if none {
		choice.Choices = append(choice.Choices, view.Choice{Value: "remove", Label: d.say(r, "people.remove"), Hint: d.say(r, "people.remove_hint")})
	}
	return choice
}

// addPerson lets somebody in, from now on.
func (d *Desk) addPerson(w http.ResponseWriter, r *http.Request) {
	if !d.front.ReadForm(w, r, smallForm) {
		return
	}
	admin, _ := rpc.ActingPerson(r.Context())
	email, role := r.PostForm.Get("email"), r.PostForm.Get("role")
	err := d.sessions.AddStaff(r.Context(), admin.ID, email, role)
	if apperr.CodeOf(err) == apperr.InvalidArgument {
		d.showPeople(w, r, http.StatusUnprocessableEntity, email, role, d.blame(r, err))
		return
	}
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	d.logger.InfoContext(r.Context(), "staff added", "by", admin.ID, "role", role)
	seeOther(w, r, staff.PeoplePath)
}

// member is the person of the address, if the list has one that can be changed; it
// answers itself otherwise.
func (d *Desk) member(w http.ResponseWriter, r *http.Request) (session.Member, bool) {
	members, err := d.sessions.Staff(r.Context())
	if err != nil {
		d.front.Fail(w, r, err)
		return session.Member{}, false
	}
	for _, m := range members {
		if m.ID == r.PathValue("id") && !m.Configured {
			return m, true
		}
	}
	d.front.Unknown(w, r)
	return session.Member{}, false
}

// person is the form of one of the staff.
func (d *Desk) person(w http.ResponseWriter, r *http.Request) {
	m, ok := d.member(w, r)
	if ok {
		d.showPerson(w, r, http.StatusOK, m, nil)
	}
}

func (d *Desk) showPerson(w http.ResponseWriter, r *http.Request, status int, m session.Member, faults map[string][]string) {
	page := &OnePerson{
		Frame: staff.AmongPeople(d.frame(r, d.say(r, "people.change")), d.front.Texts(r.Context())), Email: m.Email,
		Form: view.Inputs{Action: staff.PeoplePath + "/" + m.ID, Button: d.say(r, "page.save"), List: []view.Input{d.roleChoice(r, strings.Join(m.Roles, ""), true)}},
	}
	page.Form.Blame(faults)
	if len(page.Form.Faults()) > 0 {
		page.Title = d.say(r, "error", "Title", page.Title)
	}
	d.front.Show(w, r, status, page)
}

// changePerson gives somebody another role, or none. It holds from the person's
// next request.
func (d *Desk) changePerson(w http.ResponseWriter, r *http.Request) {
	if !d.front.ReadForm(w, r, smallForm) {
		return
	}
	m, ok := d.member(w, r)
	if !ok {
		return
	}
	admin, _ := rpc.ActingPerson(r.Context())
	role := r.PostForm.Get("role")
	var err error
	if role == "remove" {
		err = d.sessions.RemoveStaff(r.Context(), admin.ID, m.ID)
	} else {
		err = d.sessions.ChangeStaff(r.Context(), admin.ID, m.ID, role)
	}
	if apperr.CodeOf(err) == apperr.InvalidArgument {
		d.showPerson(w, r, http.StatusUnprocessableEntity, m, d.blame(r, err))
		return
	}
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	d.logger.InfoContext(r.Context(), "staff changed", "by", admin.ID, "whom", m.ID, "role", role)
	seeOther(w, r, staff.PeoplePath)
}
