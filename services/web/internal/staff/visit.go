package staff

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/web/internal/view"
)

const (
	// pageTimeout bounds all the questions that a page waits for.
	pageTimeout = 20 * time.Second
	// largestForm bounds what is read of a form without a file.
	largestForm = 512 << 10
	// largestUpload is more than a logo may be, so that a file that is somewhat
	// too large gets a message beside its field and not a page of its own.
	largestUpload = 15 << 20
)

// visit is one request at the desk.
type visit struct {
	w             http.ResponseWriter
	r             *http.Request
	ctx           context.Context
	spoken        *texts.Texts
	organizations []*fundraiserv1.EditableOrganization // the home organization first
	zone          *time.Location                       // of the home organization
	admin         bool
	accountant    bool
}

// at asks for what every page of the desk shows before the page itself.
func (d *Desk) at(handle func(*visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
		defer cancel()
		listed, err := d.catalogue.ListOrganizations(ctx, &fundraiserv1.ListOrganizationsRequest{})
		if err != nil {
			d.front.Fail(w, r, err)
			return
		}
		person, _ := rpc.ActingPerson(r.Context())
		v := &visit{
			w: w, r: r, ctx: ctx, spoken: d.front.Texts(r.Context()), organizations: listed.GetOrganizations(), zone: time.UTC,
			admin: person.Is("admin"), accountant: person.Is("accountant", "admin"),
		}
		if len(v.organizations) > 0 {
			zone, err := time.LoadLocation(v.organizations[0].GetOrganization().GetTimeZone())
			if err == nil {
				v.zone = zone
			}
		}
		handle(v)
	}
}

// say is a text of the desk.
func (v *visit) say(key string, values ...any) string { return v.spoken.Say("staff."+key, values...) }

// moment is a time as the staff read it.
func (v *visit) moment(us int64) string {
	if us == 0 {
		return ""
	}
	return v.spoken.Moment(time.UnixMicro(us).In(v.zone))
}

// organization is one of them; nil if there is none with that id.
func (v *visit) organization(id string) *fundraiserv1.OrganizationChanged {
	for _, o := range v.organizations {
		if o.GetOrganization().GetOrganizationId() == id {
			return o.GetOrganization()
		}
	}
	return nil
}

// frame is what all pages of the desk have around them.
func (v *visit) frame(title, here string) Frame {
	f := Frame{Frame: view.Frame{Title: title, Private: true, Styles: []string{"staff.css"}}}
	if len(v.organizations) > 0 {
		f.Site = view.Site{Name: v.organizations[0].GetOrganization().GetName()}
	}
	f.Areas = areas(v.spoken, v.admin, here)
	if v.r.Method == http.MethodGet && v.r.URL.Query().Get("done") != "" {
		f.Done = v.done(v.r.URL.Query())
	}
	return f
}

// areas are the desk's parts as its pages show them.
func areas(spoken *texts.Texts, admin bool, here string) []Area {
	var list []Area
	for _, area := range []struct {
		key, path string
		offered   bool
	}{
		{"overview", overviewPath, true}, {"organization", organizationPath, true}, {"appeals", appealsPath, true}, {"funds", fundsPath, true},
		{"moderation", moderationPath, true}, {"parked", parkedPath, true}, {"changes", changesPath, true}, {"people", PeoplePath, admin},
	} {
		if area.offered {
			list = append(list, Area{Label: spoken.Say("staff.area." + area.key), URL: area.path, Current: area.path == here})
		}
	}
	return list
}

// AmongPeople puts the desk around a page about who is of the staff, which only admins
// see and who knows sessions answers for.
func AmongPeople(f view.Frame, spoken *texts.Texts) Frame {
	f.Styles = append(f.Styles, "staff.css")
	return Frame{Frame: f, Areas: areas(spoken, true, PeoplePath)}
}

// done says what the form before did; nothing for what was never said here.
func (v *visit) done(query url.Values) string {
	switch what := query.Get("done"); what {
	case "saved", "logo", "logo_gone", "published", "closed", "reopened", "taken_down", "restored", "retried":
		return v.say("done." + what)
	default:
		return ""
	}
}

// goTo sends the browser on, so that loading the page again sends nothing again.
func (v *visit) goTo(path string, query ...string) {
	values := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	if len(values) > 0 {
		path += "?" + values.Encode()
	}
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
}

// under is an address below one of the desk's.
func under(path, id string) string { return path + "/" + url.PathEscape(id) }

// formNames are those of the forms here, by the services' names of fields.
var formNames = map[string]string{
	"organization_id": "organization", "story_markdown": "story", "suggested_minor": "suggested", "minimum_minor": "minimum",
	"goal_minor": "goal", "unit_cost_minor": "unit_cost", "fund_codes": "funds", "cover_rate_ppm": "fee_rate",
	"cover_fixed_minor": "fee_fixed", "fund_class": "class", "content": "logo",
}

// faults are what a service says is wrong with fields, in the reader's language;
// nil when the error is about something else. In English the service's own words
// are the most exact; in other languages it is the rule of the field.
func (v *visit) faults(err error) map[string][]string {
	var answer *apperr.Error
	if !errors.As(err, &answer) || answer.Code != apperr.InvalidArgument || len(answer.Fields) == 0 {
		return nil
	}
	faults := map[string][]string{}
	for _, field := range answer.Fields {
		name, known := formNames[field.Name]
		if !known {
			name = field.Name
		}
		message := field.Message
		if v.spoken.Tag != "en" {
			message = v.say("wrong")
			rule, err := v.spoken.Text("staff.hint." + name)
			if err == nil {
				message = v.say("wrong_rule", "Rule", rule)
			}
		}
		faults[name] = append(faults[name], message)
	}
	return faults
}

// inTheWay is what is said about a form as a whole that a service refused, with
// the status of the page; false when the error is another kind of trouble.
func (v *visit) inTheWay(err error) (status int, notice *view.Notice, ok bool) {
	var answer *apperr.Error
	if !errors.As(err, &answer) {
		return 0, nil, false
	}
	key := ""
	switch answer.Reason {
	case "CHANGED_MEANWHILE":
		key = "changed"
	case "APPEAL_ENDED":
		key = "ended"
	case "APPEAL_NOT_DRAFT", "APPEAL_NOT_LIVE", "APPEAL_NOT_CLOSED":
		key = "state"
	}
	if answer.Code == apperr.Unavailable || answer.Code == apperr.DeadlineExceeded {
		key = "away"
	}
	if key == "" {
		return 0, nil, false
	}
	return answer.Code.HTTPStatus(), &view.Notice{Heading: v.say("notice." + key), Text: v.say("notice." + key + ".text")}, true
}
