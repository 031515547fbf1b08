package web_test

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/httpserver"
	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/web"
)

// town is a site with its sessions, its mails, and supporters' accounts behind it.
type town struct {
	t          *testing.T
	site       http.Handler
	clock      *testkit.FakeClock
	charity    *charity
	supporters *supporters
	logs       *lockedText
	mu         sync.Mutex
	mails      []mail.Message
	failing    error  // of the mail server
	mailing    func() // while a mail is handed over
}

// Send is the town's mail server.
func (w *town) Send(ctx context.Context, m mail.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failing != nil {
		return w.failing
	}
	w.mails = append(w.mails, m)
	if w.mailing != nil {
		w.mailing()
	}
	return ctx.Err() // it has the mail, but nobody waits for its answer any more
}

func (w *town) mailed() []mail.Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]mail.Message(nil), w.mails...)
}

// lockedText is a log that several goroutines write.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newTown(t *testing.T) *town {
	t.Helper()
	people := testkit.NewPeople(t)
	w := &town{t: t, clock: testkit.Clock(t, time.Now()), charity: newCharity(), supporters: newSupporters(), logs: &lockedText{}}
	network := rpc.NewNetwork()
	server := rpc.NewServer(rpc.ServerConfig{PersonKey: people.Key})
	fundraiserv1.RegisterFundraiserServiceServer(server, w.charity)
	fundraiserv1.RegisterSupporterServiceServer(server, w.supporters)
	donationv1.RegisterDonationServiceServer(server, w.charity)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, network) }()
	conn, err := network.Dial("web", people.Acting()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	service, err := web.New(
		web.Config{
			BaseURL: "https://give.harbour.example", CheckoutOrigin: checkout,
			Staff: map[string][]string{"books@harbour.example": {"accountant"}, "chair@harbour.example": {"admin"}},
		},
		web.Deps{
			DB: testkit.SQLite(t, "web", web.Migrations()...), Conn: conn, Mail: w,
			Logger: slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: w.clock.Now,
		})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	service.RegisterHTTP(mux)
	w.site = httpserver.New(httpserver.Config{Handler: mux, Logger: slog.New(slog.NewTextHandler(w.logs, nil)), MaxBody: web.LargestBody})
	return w
}

// reader is somebody's browser.
type reader struct {
	town    *town
	cookies map[string]string
	address string // of its network
}

func (w *town) browser() *reader {
	return &reader{town: w, cookies: map[string]string{}, address: "203.0.113.9:4711"}
}

func (b *reader) do(r *http.Request) *httptest.ResponseRecorder {
	b.town.t.Helper()
	r.RemoteAddr = b.address
	for name, value := range maps.All(b.cookies) {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	answer := httptest.NewRecorder()
	b.town.site.ServeHTTP(answer, r)
	for _, cookie := range answer.Result().Cookies() {
		if cookie.MaxAge < 0 {
			delete(b.cookies, cookie.Name)
		} else {
			b.cookies[cookie.Name] = cookie.Value
		}
	}
	return answer
}

func (b *reader) get(path string) *httptest.ResponseRecorder {
	b.town.t.Helper()
	return b.do(httptest.NewRequest(http.MethodGet, path, nil))
}

func (b *reader) post(path string, form url.Values) *httptest.ResponseRecorder {
	b.town.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

var linkInMail = regexp.MustCompile(`https://give\.harbour\.example(/sign-in/[A-Za-z0-9_-]{43})`)

// link of the newest mail to an address.
func (w *town) link(address string) string {
	w.t.Helper()
	mails := w.mailed()
	for i := len(mails) - 1; i >= 0; i-- {
		if mails[i].To.Email == address {
			found := linkInMail.FindStringSubmatch(mails[i].Text)
			if found == nil || !strings.Contains(mails[i].HTML, found[0]) {
				w.t.Fatalf("no link in %q", mails[i].Text)
			}
			return found[1]
		}
	}
	w.t.Fatalf("no mail to %s", address)
	return ""
}

// signIn goes the whole way.
func (b *reader) signIn(address string) *httptest.ResponseRecorder {
	b.town.t.Helper()
	if answer := b.post("/sign-in", url.Values{"email": {address}}); answer.Code != http.StatusSeeOther {
		b.town.t.Fatalf("ask: %d %s", answer.Code, answer.Body)
	}
	answer := b.post(b.town.link(address), nil)
	if answer.Code != http.StatusSeeOther {
		b.town.t.Fatalf("redeem: %d %s", answer.Code, answer.Body)
	}
	return answer
}

// supporters are accounts and pages in memory, as the fundraiser service keeps
// them: what is not the acting person's does not exist.
type supporters struct {
	fundraiserv1.UnimplementedSupporterServiceServer
	mu       sync.Mutex
	accounts map[string]*fundraiserv1.Supporter // by id
	pages    map[string]*fundraiserv1.OwnFundraiser
	owners   map[string]string // page → supporter; "" for a draft of nobody
	photos   map[string][]byte
	actions  []string
	failing  map[string]error
}

func newSupporters() *supporters {
	return &supporters{
		accounts: map[string]*fundraiserv1.Supporter{}, pages: map[string]*fundraiserv1.OwnFundraiser{},
		owners: map[string]string{}, photos: map[string][]byte{}, failing: map[string]error{},
	}
}

// enter locks the books for one call.
func (s *supporters) enter(method string) (leave func(), err error) {
	s.mu.Lock()
	return s.mu.Unlock, s.failing[method]
}

func (s *supporters) EnsureSupporter(_ context.Context, r *fundraiserv1.EnsureSupporterRequest) (*fundraiserv1.EnsureSupporterResponse, error) {
	leave, err := s.enter("EnsureSupporter")
	defer leave()
	if err != nil {
		return nil, err
	}
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(r.GetEmail())).String()
	if s.accounts[id] == nil {
		s.accounts[id] = &fundraiserv1.Supporter{SupporterId: id, Email: r.GetEmail(), Language: r.GetLanguage(), MailGifts: true}
	}
	return &fundraiserv1.EnsureSupporterResponse{SupporterId: id}, nil
}

// own is a page of the acting person.
func (s *supporters) own(ctx context.Context, id string) (*fundraiserv1.OwnFundraiser, error) {
	person, ok := rpc.ActingPerson(ctx)
	if !ok || s.pages[id] == nil || s.owners[id] != person.ID {
		return nil, noSuch
	}
	return s.pages[id], nil
}

func (s *supporters) ClaimDraft(ctx context.Context, r *fundraiserv1.ClaimDraftRequest) (*fundraiserv1.ClaimDraftResponse, error) {
	leave, err := s.enter("ClaimDraft")
	defer leave()
	if err != nil {
		return nil, err
	}
	person, _ := rpc.ActingPerson(ctx)
	id := r.GetFundraiserId()
	if s.pages[id] == nil || s.owners[id] != "" && s.owners[id] != person.ID {
		return nil, noSuch
	}
	s.owners[id] = person.ID
	return &fundraiserv1.ClaimDraftResponse{Fundraiser: s.pages[id]}, nil
}

var away = apperr.New(apperr.Unavailable, "AWAY", "Cannot be reached.")

func (s *supporters) GetSupporter(ctx context.Context, _ *fundraiserv1.GetSupporterRequest) (*fundraiserv1.GetSupporterResponse, error) {
	leave, err := s.enter("GetSupporter")
	defer leave()
	person, _ := rpc.ActingPerson(ctx)
	if err != nil || s.accounts[person.ID] == nil {
		return nil, cmp.Or(err, error(noSuch))
	}
	return &fundraiserv1.GetSupporterResponse{Supporter: s.accounts[person.ID]}, nil
}

func (s *supporters) UpdateSupporter(ctx context.Context, r *fundraiserv1.UpdateSupporterRequest) (*fundraiserv1.UpdateSupporterResponse, error) {
	leave, err := s.enter("UpdateSupporter")
	defer leave()
	person, _ := rpc.ActingPerson(ctx)
	if err != nil || s.accounts[person.ID] == nil {
		return nil, cmp.Or(err, error(noSuch))
	}
	account := s.accounts[person.ID]
	account.DisplayName, account.Language, account.MailGifts = r.GetDisplayName(), r.GetLanguage(), r.GetMailGifts()
	return &fundraiserv1.UpdateSupporterResponse{Supporter: account}, nil
}

// keep writes a page under an id; a title is what it cannot do without.
func (s *supporters) keep(id, owner string, in *fundraiserv1.FundraiserInput) (*fundraiserv1.OwnFundraiser, error) {
	var faults []apperr.Field
	if in.GetTitle() == "" {
		faults = append(faults, apperr.Field{Name: "title", Reason: "TITLE_MISSING", Message: "Enter a title."})
	}
	if in.GetGoalMinor() <= 0 {
		faults = append(faults, apperr.Field{Name: "goal_minor", Reason: "GOAL_MISSING", Message: "Enter a goal above zero."})
	}
	if len(faults) > 0 {
		return nil, apperr.Invalid(faults...)
	}
	page := s.pages[id]
	if page == nil {
		page = &fundraiserv1.OwnFundraiser{
			Fundraiser: &fundraiserv1.Fundraiser{FundraiserId: id, State: fundraiserv1.FundraiserState_FUNDRAISER_STATE_DRAFT, Closed: true},
			Appeal:     newCharity().appeals[0],
		}
		s.pages[id], s.owners[id] = page, owner
	}
	f := page.Fundraiser
	f.Slug, f.AppealSlug, f.Title, f.OwnerName = cmp.Or(in.GetSlug(), "page-"+id[:8]), in.GetAppealSlug(), in.GetTitle(), in.GetOwnerName()
	f.GoalMinor, f.StoryMarkdown = in.GetGoalMinor(), in.GetStoryMarkdown()
	f.Version++
	return page, nil
}

// pageID is made from the intent, so that the same form is the same page.
func pageID(intent string) string { return uuid.NewSHA1(uuid.NameSpaceOID, []byte(intent)).String() }

func (s *supporters) SaveDraft(_ context.Context, r *fundraiserv1.SaveDraftRequest) (*fundraiserv1.SaveDraftResponse, error) {
	leave, err := s.enter("SaveDraft")
	defer leave()
	if err != nil {
		return nil, err
	}
	id := pageID(r.GetIntentId())
	_, err = s.keep(id, "", r.GetInput())
	return &fundraiserv1.SaveDraftResponse{FundraiserId: id}, err
}

func (s *supporters) SetDraftPhoto(_ context.Context, r *fundraiserv1.SetDraftPhotoRequest) (*fundraiserv1.SetDraftPhotoResponse, error) {
	leave, err := s.enter("SetDraftPhoto")
	defer leave()
	page := s.pages[r.GetFundraiserId()]
	if err != nil || page == nil || s.owners[r.GetFundraiserId()] != "" {
		return nil, cmp.Or(err, error(noSuch))
	}
	page.Fundraiser.Photo = &fundraiserv1.Image{ImageId: "PHOTO", Alt: r.GetPhoto().GetAlt(), Width: 800, Height: 600, Widths: []int32{800}}
	return &fundraiserv1.SetDraftPhotoResponse{Image: page.Fundraiser.Photo}, nil
}

func (s *supporters) GetDraft(_ context.Context, r *fundraiserv1.GetDraftRequest) (*fundraiserv1.GetDraftResponse, error) {
	leave, err := s.enter("GetDraft")
	defer leave()
	page := s.pages[r.GetFundraiserId()]
	if err != nil || page == nil || s.owners[r.GetFundraiserId()] != "" {
		return nil, cmp.Or(err, error(noSuch))
	}
	return &fundraiserv1.GetDraftResponse{Draft: page}, nil
}

func (s *supporters) ListOwnFundraisers(ctx context.Context, _ *fundraiserv1.ListOwnFundraisersRequest) (*fundraiserv1.ListOwnFundraisersResponse, error) {
	leave, err := s.enter("ListOwnFundraisers")
	defer leave()
	person, _ := rpc.ActingPerson(ctx)
	answer := &fundraiserv1.ListOwnFundraisersResponse{}
	for id, page := range s.pages {
		if s.owners[id] == person.ID {
			answer.Fundraisers = append(answer.Fundraisers, page)
		}
	}
	return answer, err
}

func (s *supporters) GetOwnFundraiser(ctx context.Context, r *fundraiserv1.GetOwnFundraiserRequest) (*fundraiserv1.GetOwnFundraiserResponse, error) {
	leave, err := s.enter("GetOwnFundraiser")
	defer leave()
	if err != nil {
		return nil, err
	}
	page, err := s.own(ctx, r.GetFundraiserId())
	return &fundraiserv1.GetOwnFundraiserResponse{Fundraiser: page, Recent: recent(), Organization: &fundraiserv1.Organization{Name: "Harbour", TimeZone: "Europe/Berlin"}}, err
}

func (s *supporters) SaveFundraiser(ctx context.Context, r *fundraiserv1.SaveFundraiserRequest) (*fundraiserv1.SaveFundraiserResponse, error) {
	leave, err := s.enter("SaveFundraiser")
	defer leave()
	if err != nil {
		return nil, err
	}
	person, _ := rpc.ActingPerson(ctx)
	if r.GetFundraiserId() == "" {
		page, err := s.keep(pageID(r.GetIntentId()), person.ID, r.GetInput())
		return &fundraiserv1.SaveFundraiserResponse{Fundraiser: page}, err
	}
	page, err := s.own(ctx, r.GetFundraiserId())
	if err != nil {
		return nil, err
	}
	if page.Fundraiser.GetVersion() != r.GetVersion() {
		return nil, apperr.New(apperr.Aborted, "FUNDRAISER_CHANGED", "Changed in another window.")
	}
	page, err = s.keep(r.GetFundraiserId(), person.ID, r.GetInput())
	return &fundraiserv1.SaveFundraiserResponse{Fundraiser: page}, err
}

func (s *supporters) ChangeFundraiserState(ctx context.Context, r *fundraiserv1.ChangeFundraiserStateRequest) (*fundraiserv1.ChangeFundraiserStateResponse, error) {
	leave, err := s.enter("ChangeFundraiserState")
	defer leave()
	if err != nil {
		return nil, err
	}
	page, err := s.own(ctx, r.GetFundraiserId())
	if err != nil {
		return nil, err
	}
	s.actions = append(s.actions, r.GetAction().String())
	if r.GetAction() == fundraiserv1.FundraiserAction_FUNDRAISER_ACTION_DISCARD {
		delete(s.pages, r.GetFundraiserId())
		return &fundraiserv1.ChangeFundraiserStateResponse{}, nil
	}
	page.Fundraiser.State, page.Fundraiser.Closed = fundraiserv1.FundraiserState_FUNDRAISER_STATE_LIVE, false
	return &fundraiserv1.ChangeFundraiserStateResponse{Fundraiser: page}, nil
}
