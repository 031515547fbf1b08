package web_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/platform/httpserver"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/web"
)

// WatchTotals tells everything, and then what raise says.
func (c *charity) WatchTotals(_ *fundraiserv1.WatchTotalsRequest, stream grpc.ServerStreamingServer[fundraiserv1.WatchTotalsResponse]) error {
	for {
		c.mu.Lock()
		message := &fundraiserv1.WatchTotalsResponse{CatalogueRevision: c.revision}
		for _, a := range c.appeals {
			message.Changed = append(message.Changed, &fundraiserv1.WatchedTotals{AppealSlug: a.GetSlug(), Totals: a.GetTotals()})
		}
		for _, p := range c.pages {
			message.Changed = append(message.Changed, &fundraiserv1.WatchedTotals{
				AppealSlug: p.GetAppealSlug(), FundraiserSlug: p.GetSlug(), Totals: p.GetTotals(),
			})
		}
		raised := c.raised
		c.mu.Unlock()
		err := stream.Send(message)
		if err != nil {
			return err
		}
		select {
		case <-stream.Context().Done():
			return stream.Context().Err()
		case <-raised:
		}
	}
}

// raise counts a gift to Amina's page and says so.
func (c *charity) raise(minor, asOf int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.pages[0].GetTotals()
	c.pages[0].Totals = &fundraiserv1.Totals{SettledMinor: was.GetSettledMinor() + minor, Gifts: was.GetGifts() + 1, AsOf: asOf}
	close(c.raised)
	c.raised = make(chan struct{})
}

// asked is how often a method was called.
func (c *charity) asked(method string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[method]
}

// openLive runs a site that follows the totals, on a port. Its clock stands still.
func openLive(t *testing.T, c *charity) (address string, handler http.Handler, stop func()) {
	t.Helper()
	network := rpc.NewNetwork()
	server := rpc.NewServer(rpc.ServerConfig{})
	fundraiserv1.RegisterFundraiserServiceServer(server, c)
	donationv1.RegisterDonationServiceServer(server, c)
	receiptv1.RegisterReceiptServiceServer(server, c)
	conn, err := network.Dial("web")
	if err != nil {
		t.Fatal(err)
	}
	service, err := web.New(web.Config{BaseURL: "https://give.harbour.example", CheckoutOrigin: checkout}, web.Deps{
		DB:   testkit.SQLite(t, "web", web.Migrations()...),
		Conn: conn, Mail: keptMails(t), Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	service.RegisterHTTP(mux)
	site := httpserver.New(httpserver.Config{Handler: mux, Grace: 5 * time.Second})
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	behind, stopBehind := context.WithCancel(context.Background())
	front, stopFront := context.WithCancel(context.Background())
	var running, serving sync.WaitGroup
	running.Go(func() { _ = server.Serve(behind, network) })
	running.Go(func() { _ = service.Run(behind) })
	serving.Go(func() {
		err := site.Serve(front, listener)
		if err != nil {
			t.Errorf("the site did not stop well: %v", err)
		}
	})
	stop = sync.OnceFunc(func() {
		stopFront()
		serving.Wait()
		stopBehind()
		running.Wait()
		_ = conn.Close()
	})
	t.Cleanup(stop)
	return "http://" + listener.Addr().String(), site, stop
}

// following waits until the site's pages are kept, which they are only while it
// hears what changes.
func following(t *testing.T, c *charity, site http.Handler) {
	t.Helper()
	testkit.Eventually(t, func() bool {
		get(t, site, "/f/amina-runs")
		before := c.asked("GetFundraiser")
		get(t, site, "/f/amina-runs")
		return c.asked("GetFundraiser") == before
	})
}

func TestAPageIsDrawnOncePerChange(t *testing.T) {
	t.Parallel()
	c := newCharity()
	_, site, _ := openLive(t, c)
	following(t, c, site)

	first := get(t, site, "/f/amina-runs")
	etag := first.Header().Get("Etag")
	asked := c.asked("GetFundraiser")
	again := httptest.NewRequest(http.MethodGet, "/f/amina-runs", nil)
	again.Header.Set("If-None-Match", `"other", `+etag)
	recorder := httptest.NewRecorder()
	site.ServeHTTP(recorder, again)
	if recorder.Code != http.StatusNotModified || recorder.Body.Len() > 0 || c.asked("GetFundraiser") != asked {
		t.Errorf("asked with the tag of what it has: %d, %d bytes, %d questions", recorder.Code, recorder.Body.Len(), c.asked("GetFundraiser")-asked)
	}

	c.raise(50_00, 77)
	testkit.Eventually(t, func() bool { return parse(t, get(t, site, "/f/amina-runs").Body.String()).says("$200.00") })
	if get(t, site, "/f/amina-runs").Header().Get("Etag") == etag {
		t.Error("another page has the same tag")
	}

	zipped := httptest.NewRequest(http.MethodGet, "/f/amina-runs", nil)
	zipped.Header.Set("Accept-Encoding", "br, gzip")
	recorder = httptest.NewRecorder()
	site.ServeHTTP(recorder, zipped)
	reader, err := gzip.NewReader(recorder.Body)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(reader)
	if err != nil || string(body) != get(t, site, "/f/amina-runs").Body.String() {
		t.Errorf("compressed it is another page: %v", err)
	}
}

// What is somebody's own is on nobody else's page.
func TestKeptPagesHoldNothingOfTheRequest(t *testing.T) {
	t.Parallel()
	c := newCharity()
	_, site, _ := openLive(t, c)
	following(t, c, site)
	for _, code := range []string{"whatsapp", "x", "copy", "qr", "somebody-elses", "whatsapp"} {
		if body := get(t, site, "/f/amina-runs?s="+code).Body.String(); !strings.Contains(body, `/f/amina-runs/donate?s=`+code+`"`) {
			t.Errorf("the shared link's code %s is lost", code)
		}
	}
	asked := c.asked("GetFundraiser")
	get(t, site, "/f/amina-runs?s=whatsapp")
	if c.asked("GetFundraiser") != asked {
		t.Error("whoever comes by a shared link has the page drawn anew")
	}
	get(t, site, "/f/amina-runs?s=made-up")
	get(t, site, "/f/amina-runs?s=made-up-too&fbclid=IwAR0")
	if c.asked("GetFundraiser") != asked {
		t.Error("whoever comes by a link with a code of one's own has the page drawn anew")
	}
	if body := get(t, site, "/f/amina-runs").Body.String(); strings.Contains(body, "donate?s=whatsapp") {
		t.Error("somebody else's code is on the page")
	}
	french := get(t, site, "/f/amina-runs?lang=fr")
	if !strings.Contains(french.Body.String(), `lang="fr"`) || strings.Contains(get(t, site, "/f/amina-runs").Body.String(), `<html lang="fr"`) {
		t.Error("the languages are mixed up")
	}
}

func TestAPageWithoutNamesIsNotKept(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.gifts = recent()
	_, site, _ := openLive(t, c)
	following(t, c, site)
	c.fail("PublicGifts", unreachable)
	c.raise(1_00, 80)
	testkit.Eventually(t, func() bool { return !strings.Contains(get(t, site, "/f/amina-runs").Body.String(), "Donor gift-1") })
	c.fail("PublicGifts", nil)
	if body := get(t, site, "/f/amina-runs").Body.String(); !strings.Contains(body, "Donor gift-1") {
		t.Error("names stay away though they can be had again")
	}
}

// message is one server-sent event.
type message struct {
	id   string
	news struct {
		AsOf         int64  `json:"as_of"`
		SettledMinor int64  `json:"settled_minor"`
		Gifts        int64  `json:"gifts"`
		HTML         string `json:"html"`
	}
}

// listen opens a stream and returns what reads its next event.
func listen(t *testing.T, address, lastID string) (next func() (message, error), leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	if lastID != "" {
		request.Header.Set("Last-Event-ID", lastID)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %s", answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	lines := bufio.NewScanner(answer.Body)
	return func() (message, error) {
		var m message
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				m.id = value
			case "data":
				err := json.Unmarshal([]byte(value), &m.news)
				return m, err
			}
		}
		return m, io.EOF
	}, func() { cancel(); answer.Body.Close() }
}

func TestTheTotalRisesWhileThePageIsOpen(t *testing.T) {
	t.Parallel()
	c := newCharity()
	address, site, stop := openLive(t, c)
	following(t, c, site)
	next, leave := listen(t, address+"/f/amina-runs/events?after=0", "")
	defer leave()
	c.raise(25_00, 91)
	m, err := next()
	if err != nil || m.id != "91" || m.news.SettledMinor != 175_00 || m.news.Gifts != 4 || !strings.Contains(m.news.HTML, "$175.00") {
		t.Errorf("heard %+v, %v", m, err)
	}

	// Who comes back hears what was missed and nothing twice.
	knowing, leaveToo := listen(t, address+"/f/amina-runs/events", "91")
	defer leaveToo()
	missed, leaveThree := listen(t, address+"/f/amina-runs/events", "90")
	defer leaveThree()
	m, err = missed()
	if err != nil || m.news.AsOf != 91 {
		t.Errorf("missed %+v, %v", m, err)
	}
	c.raise(25_00, 92)
	m, err = knowing()
	if err != nil || m.news.AsOf != 92 {
		t.Errorf("heard %+v first, %v", m, err)
	}

	var once struct {
		AsOf int64 `json:"as_of"`
	}
	err = json.Unmarshal(get(t, site, "/f/amina-runs/events").Body.Bytes(), &once)
	if err != nil || once.AsOf != 92 {
		t.Errorf("asked once: %+v, %v", once, err)
	}
	if code := get(t, site, "/f/nobody/events").Code; code != http.StatusNotFound {
		t.Errorf("a page that does not exist: %d", code)
	}

	stop() // would take its whole grace and complain if a stream kept it
	for _, read := range []func() (message, error){next, knowing, missed} {
		for {
			_, err := read()
			if err != nil {
				break
			}
		}
	}
}

func TestAThousandListenersAndOneWhoDoesNotRead(t *testing.T) {
	t.Parallel()
	c := newCharity()
	address, site, _ := openLive(t, c)
	following(t, c, site)
	_, leaveSlow := listen(t, address+"/f/amina-runs/events?after=0", "") // reads nothing, ever
	defer leaveSlow()
	nexts := make([]func() (message, error), 1000)
	for i := range nexts {
		next, leave := listen(t, address+"/f/amina-runs/events?after=0", "")
		defer leave()
		nexts[i] = next
	}
	for gift := range int64(5) {
		c.raise(1_00, 100+gift)
	}
	var heard sync.WaitGroup
	for _, next := range nexts {
		heard.Go(func() {
			last := int64(0)
			for last < 104 {
				m, err := next()
				if err != nil || m.news.AsOf <= last {
					t.Errorf("after %d came %s: %v", last, strconv.FormatInt(m.news.AsOf, 10), err)
					return
				}
				last = m.news.AsOf
			}
		})
	}
	heard.Wait()
}
