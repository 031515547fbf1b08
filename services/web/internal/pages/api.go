package pages

import (
	"embed"
	"encoding/json"
	"net/http"
	"strconv"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/apperr"
)

//go:embed openapi.json
var description embed.FS

// facts are what anybody may know of an appeal or a page. Amounts are in minor
// units of the currency, with Stripe's exponent.
type facts struct {
	Slug         string `json:"slug"`
	Title        string `json:"title"`
	Appeal       string `json:"appeal,omitempty"` // of a page: the slug of what it raises money for
	URL          string `json:"url"`
	Currency     string `json:"currency"`
	GoalMinor    int64  `json:"goal_minor"` // 0 for none
	SettledMinor int64  `json:"settled_minor"`
	Gifts        int64  `json:"gifts"`
	// Apart from the settled ones, which they are not yet or not any more.
	ProcessingMinor int64 `json:"processing_minor"`
	RefundedMinor   int64 `json:"refunded_minor"`
	Closed          bool  `json:"closed"`
	AsOf            int64 `json:"as_of"` // position of the donation feed at which this is true
}

func (s *Site) appealFacts(a *fundraiserv1.Appeal) facts {
	return facts{
		Slug: a.GetSlug(), Title: a.GetTitle(), URL: s.front.Absolute(appealPath(a.GetSlug())),
		Currency: a.GetCurrency(), GoalMinor: a.GetGoalMinor(),
		SettledMinor: a.GetTotals().GetSettledMinor(), Gifts: a.GetTotals().GetGifts(),
		ProcessingMinor: a.GetTotals().GetProcessingMinor(), RefundedMinor: a.GetTotals().GetRefundedMinor(),
		Closed: a.GetClosed(), AsOf: a.GetTotals().GetAsOf(),
	}
}

// apiAppeals lists what can be given to.
func (s *Site) apiAppeals(w http.ResponseWriter, r *http.Request) {
	all, err := s.listAppeals(r.Context())
	if err != nil {
		s.apiFail(w, r, err)
		return
	}
	list := struct {
		Appeals []facts `json:"appeals"`
	}{Appeals: []facts{}}
	for _, a := range all.GetAppeals() {
		list.Appeals = append(list.Appeals, s.appealFacts(a))
	}
	s.apiAnswer(w, r, http.StatusOK, list)
}

func (s *Site) apiAppeal(w http.ResponseWriter, r *http.Request) {
	found, err := s.shownAppeal(r.Context(), r.PathValue("slug"))
	if err != nil {
		s.apiFail(w, r, err)
		return
	}
	s.apiAnswer(w, r, http.StatusOK, s.appealFacts(found.appeal))
}

func (s *Site) apiFundraiser(w http.ResponseWriter, r *http.Request) {
	found, err := s.shownFundraiser(r.Context(), r.PathValue("slug"))
	if err != nil {
		s.apiFail(w, r, err)
		return
	}
	page := found.page
	s.apiAnswer(w, r, http.StatusOK, facts{
		Slug: page.GetSlug(), Title: page.GetTitle(), Appeal: found.appeal.GetSlug(),
		URL: s.front.Absolute(found.path()), Currency: found.appeal.GetCurrency(), GoalMinor: page.GetGoalMinor(),
		SettledMinor: page.GetTotals().GetSettledMinor(), Gifts: page.GetTotals().GetGifts(),
		ProcessingMinor: page.GetTotals().GetProcessingMinor(), RefundedMinor: page.GetTotals().GetRefundedMinor(),
		Closed: found.closed(), AsOf: page.GetTotals().GetAsOf(),
	})
}

// apiDescription is the OpenAPI description of these addresses.
func (s *Site) apiDescription(w http.ResponseWriter, r *http.Request) {
	content, err := description.ReadFile("openapi.json")
	if err != nil {
		s.apiFail(w, r, err)
		return
	}
	s.apiSend(w, r, http.StatusOK, content)
}

// apiUnknown answers for other addresses below the API's, in its own words.
func (s *Site) apiUnknown(w http.ResponseWriter, r *http.Request) {
	s.apiFail(w, r, errNoSuchAddress)
}

// apiFail says what is wrong in a code for programs and a sentence for people.
func (s *Site) apiFail(w http.ResponseWriter, r *http.Request, err error) {
	status, what := s.front.Judge(r, err)
	s.apiAnswer(w, r, status, struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}{struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}{string(apperr.CodeOf(err)), s.front.Heading(r.Context(), what)}})
}

func (s *Site) apiAnswer(w http.ResponseWriter, r *http.Request, status int, answer any) {
	content, err := json.Marshal(answer)
	if err != nil {
		s.front.Fail(w, r, err)
		return
	}
	s.apiSend(w, r, status, append(content, '\n'))
}

func (s *Site) apiSend(w http.ResponseWriter, r *http.Request, status int, content []byte) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(content)))
	// Public facts, for other sites' scripts as well; no cookie is read or needed.
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(content)
}
