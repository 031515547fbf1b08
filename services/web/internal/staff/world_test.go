package staff_test

import (
	"bytes"
	"context"
	"html"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	"github.com/almoner/almoner/services/fundraiser"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/httpserver"
	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/web/internal/assets"
	"github.com/almoner/almoner/services/web/internal/front"
	"github.com/almoner/almoner/services/web/internal/staff"
	"github.com/almoner/almoner/services/web/internal/view"
)

const site = "https://give.wayhaven.example"

// world is the desk before the real fundraiser service with its sample data.
type world struct {
	desk  http.Handler
	clock *testkit.FakeClock
}

func start(t *testing.T) world {
	t.Helper()
	clock := testkit.Clock(t, time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
	network, people := rpc.NewNetwork(), testkit.NewPeople(t)
	dial := func(caller string, options ...grpc.DialOption) *grpc.ClientConn {
		conn, err := network.Dial(caller, options...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	mails, err := mail.NewSink(t.TempDir(), clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	service, err := fundraiser.New(fundraiser.Config{BaseURL: site}, fundraiser.Deps{
		DB: testkit.SQLite(t, "fundraiser", fundraiser.Migrations()...), Conn: dial("fundraiser"), Mail: mails, Now: clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = service.LoadSampleIfEmpty(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	feeds := feed.NewServer()
	service.AddTo(feeds)
	feeds.AddParking("ledger", parked{})
	server := rpc.NewServer(rpc.ServerConfig{PersonKey: people.Key})
	service.RegisterGRPC(server)
	feedv1.RegisterParkingServiceServer(server, feeds)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, network) }()
	t.Cleanup(func() {
		stop()
		err := <-ended
		if err != nil {
			t.Error(err)
		}
	})
	return world{desk: handler(t, dial("web", people.As("nobody", "none")...), clock.Now), clock: clock}
}

// parked is a service in which something is set aside, so that trying it again
// can be seen.
type parked struct{}

func (parked) ListParked(context.Context) ([]feed.ParkedItem, error) {
	return []feed.ParkedItem{{
		ID: "donation:7", Source: "donation", Type: "almoner.donation.v1.DonationSucceeded", AggregateID: "7f0c1de2",
		Reason: "No fund <BOOTS> yet.", Attempts: 1204, Since: time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC), Waiting: true,
	}}, nil
}

func (parked) RetryParked(_ context.Context, id string) (applied, left int, err error) {
	if id != "donation:7" {
		return 0, 1, context.DeadlineExceeded
	}
	return 1, 0, nil
}

// visitors tells who asks by a header, which takes the place of a session.
type visitors struct{}

func (visitors) Load(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitors{}, r.Header.Get("X-Role"))))
	})
}

func (visitors) Visitor(ctx context.Context) (front.Visitor, error) {
	switch role, _ := ctx.Value(visitors{}).(string); role {
	case "":
		return front.Visitor{}, nil
	case "supporter":
		return front.Visitor{SupporterID: "s1"}, nil
	default:
		return front.Visitor{SupporterID: "s2", StaffID: "staff-7", Roles: []string{role}}, nil
	}
}

// people are those of the staff.
type people struct{}

func (people) StaffAddresses(context.Context) (map[string]string, error) {
	return map[string]string{"staff-7": "chair@harbour.example"}, nil
}

func handler(t *testing.T, conn grpc.ClientConnInterface, now func() time.Time) http.Handler {
	t.Helper()
	files, err := assets.Load()
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := texts.Load(texts.Dates(), view.Words(), staff.Words())
	if err != nil {
		t.Fatal(err)
	}
	if missing := catalogue.Missing(); len(missing) > 0 {
		t.Errorf("missing texts: %v", missing)
	}
	views, err := view.New(files, catalogue, staff.Templates())
	if err != nil {
		t.Fatal(err)
	}
	shared, err := front.New(
		front.Config{BaseURL: site, CheckoutOrigin: "https://checkout.stripe.com"},
		front.Deps{Views: views, Texts: catalogue, Visitors: visitors{}, Logger: slog.New(slog.DiscardHandler), Now: now},
	)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	shared.Register(mux, staff.New(staff.Deps{Front: shared, People: people{}, Conn: conn}).Routes())
	return httpserver.New(httpserver.Config{Handler: mux, MaxBody: front.LargestRefused})
}

// answer is what came back.
type answer struct {
	code     int
	location string
	text     string // HTML
}

// says reports whether the page has this text, as a reader would see it.
func (a answer) says(text string) bool { return strings.Contains(html.UnescapeString(a.text), text) }

func (w world) send(t *testing.T, role, lang string, r *http.Request) answer {
	t.Helper()
	r.Header.Set("X-Role", role)
	r.Header.Set("Accept-Language", lang)
	recorder := httptest.NewRecorder()
	w.desk.ServeHTTP(recorder, r)
	if recorder.Code >= http.StatusInternalServerError {
		t.Errorf("%s %s answers %d", r.Method, r.URL, recorder.Code)
	}
	return answer{code: recorder.Code, location: recorder.Header().Get("Location"), text: recorder.Body.String()}
}

func (w world) get(t *testing.T, role, path string) answer {
	t.Helper()
	return w.send(t, role, "en", httptest.NewRequest(http.MethodGet, path, nil))
}

func (w world) post(t *testing.T, role, path string, form url.Values) answer {
	t.Helper()
	return w.postIn(t, "en", role, path, form)
}

func (w world) postIn(t *testing.T, lang, role, path string, form url.Values) answer {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.send(t, role, lang, r)
}

// upload sends a file as the logo.
func (w world) upload(t *testing.T, content []byte) answer {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	err := form.WriteField("organization", "WAYHAVEN")
	if err != nil {
		t.Fatal(err)
	}
	part, err := form.CreateFormFile("logo", "logo.png")
	if err != nil {
		t.Fatal(err)
	}
	_, err = part.Write(content)
	if err != nil {
		t.Fatal(err)
	}
	err = form.Close()
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/staff/organization/logo", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	return w.send(t, "admin", "en", r)
}

var (
	inputTag    = regexp.MustCompile(`<input type="(?:text|hidden)"[^>]* name="([^"]+)" value="([^"]*)"|<input type="hidden" name="([^"]+)" value="([^"]*)"`)
	checkedTag  = regexp.MustCompile(`<input type="radio" name="([^"]+)" value="([^"]+)" checked`)
	textareaTag = regexp.MustCompile(`(?s)<textarea id="[^"]*" name="([^"]+)"[^>]*>\n(.*?)</textarea>`)
)

// form is what a browser would send of the first form of a page.
func (a answer) form(t *testing.T) url.Values {
	t.Helper()
	_, text, found := strings.Cut(a.text, `novalidate`)
	if !found {
		t.Fatal("there is no form")
	}
	text, _, _ = strings.Cut(text, "</form>")
	form := url.Values{}
	for _, m := range inputTag.FindAllStringSubmatch(text, -1) {
		form.Set(m[1]+m[3], html.UnescapeString(m[2]+m[4]))
	}
	for _, m := range checkedTag.FindAllStringSubmatch(text, -1) {
		form.Set(m[1], m[2])
	}
	for _, m := range textareaTag.FindAllStringSubmatch(text, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	return form
}
