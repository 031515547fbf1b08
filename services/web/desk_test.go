package web_test

import (
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
	failing    error // of the mail server
}

// Send is the town's mail server.
func (w *town) Send(_ context.Context, m mail.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failing != nil {
		return w.failing
	}
	w.mails = append(w.mails, m)
	return nil
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
