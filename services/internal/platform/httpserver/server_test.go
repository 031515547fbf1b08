package httpserver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a server, what it logged and which spans it made.
type site struct {
	*Server
	log   *lockedBuffer
	spans *tracetest.InMemoryExporter
}

func build(config Config) *site {
	s := &site{log: &lockedBuffer{}, spans: tracetest.NewInMemoryExporter()}
	config.Logger = slog.New(slog.NewTextHandler(s.log, nil))
	config.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSyncer(s.spans))
	s.Server = New(config)
	return s
}

func (s *site) get(target string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func mux(pattern string, handler http.HandlerFunc) http.Handler {
	m := http.NewServeMux()
	m.HandleFunc(pattern, handler)
	return m
}

// A receipt's address holds the donor's token and a search holds a name:
// neither may be in a log.
func TestRequestsAreLoggedWithoutAnythingPersonal(t *testing.T) {
	t.Parallel()
	s := build(Config{
		Handler: mux("GET /receipts/{number}/{token}", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "Receipt")
		}),
		// Others copy the request on its way; the route is found all the same.
		Around: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visit{}, 1)))
			})
		},
	})
	w := s.get("/receipts/ORG-2026-000123/s3cr3t?name=amira", func(r *http.Request) {
		r.Header.Set("User-Agent", "Amira's phone")
		r.Header.Set("Referer", "https://mail.example.org/amira")
		r.RemoteAddr = "192.0.2.77:4711"
	})
	if w.Code != 200 || w.Body.String() != "Receipt" {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	log := s.log.String()
	for _, part := range []string{"method=GET", "route=/receipts/{number}/{token}", "status=200", "bytes=7", "id=" + w.Header().Get("X-Request-Id")} {
		if !strings.Contains(log, part) {
			t.Errorf("the log lacks %s: %s", part, log)
		}
	}
	for _, personal := range []string{"s3cr3t", "amira", "Amira", "192.0.2.77", "000123"} {
		if strings.Contains(log, personal) {
			t.Errorf("the log holds %s: %s", personal, log)
		}
	}
	span := s.spans.GetSpans()[0]
	if span.Name != "GET /receipts/{number}/{token}" {
		t.Errorf("the span is called %q", span.Name)
	}
	for _, attribute := range span.Attributes {
		if strings.Contains(attribute.Value.String(), "s3cr3t") {
			t.Errorf("the span holds the token: %v", attribute)
		}
	}
}

func TestUnknownRoutesAndInventedMethods(t *testing.T) {
	t.Parallel()
	s := build(Config{Handler: mux("GET /{$}", func(http.ResponseWriter, *http.Request) {})})
	s.get("/wp-login.php", func(r *http.Request) { r.Method = "AMIRA" })
	if log := s.log.String(); !strings.Contains(log, "method=other route=- status=404") {
		t.Errorf("logged %s", log)
	}
}

func TestEachRequestHasItsOwnIdAndSpan(t *testing.T) {
	t.Parallel()
	var inside []string
	s := build(Config{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		inside = append(inside, RequestID(r.Context()), trace.SpanContextFromContext(r.Context()).TraceID().String())
	})})
	forged := func(r *http.Request) {
		r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		r.Header.Set("X-Request-Id", "chosen-by-the-client")
	}
	first, second := s.get("/", forged), s.get("/", forged)
	if inside[0] != first.Header().Get("X-Request-Id") || inside[2] != second.Header().Get("X-Request-Id") || inside[0] == inside[2] || len(inside[0]) != 16 {
		t.Errorf("ids are %v", inside)
	}
	if inside[1] == inside[3] || strings.HasPrefix(inside[1], "0af7") || strings.HasPrefix(inside[1], "0000") {
		t.Errorf("traces are %s and %s, want new ones", inside[1], inside[3])
	}
	if RequestID(t.Context()) != "" || ClientAddr(t.Context()).IsValid() {
		t.Error("outside a request there is one")
	}
}

func TestTrustedProxyContinuesItsTrace(t *testing.T) {
	t.Parallel()
	var traceID string
	s := build(Config{
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			traceID = trace.SpanContextFromContext(r.Context()).TraceID().String()
		}),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	})
	s.get("/", func(r *http.Request) {
		r.RemoteAddr = "127.0.0.1:4711"
		r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	})
	if traceID != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("the proxy's trace became %s", traceID)
	}
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	trusted, err := ParseProxies([]string{"10.0.0.0/8", "127.0.0.1", "::1"})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"direct", "192.0.2.7:4711", nil, "192.0.2.7"},
		{"a stranger's word counts for nothing", "192.0.2.7:4711", []string{"198.51.100.1"}, "192.0.2.7"},
		{"through a proxy", "127.0.0.1:4711", []string{"198.51.100.1"}, "198.51.100.1"},
		{"through two", "127.0.0.1:4711", []string{"198.51.100.1, 10.0.0.3"}, "198.51.100.1"},
		{"two lines are one list", "127.0.0.1:4711", []string{"198.51.100.1", "10.0.0.3"}, "198.51.100.1"},
		{"what the client wrote before is not believed", "127.0.0.1:4711", []string{"203.0.113.9, 198.51.100.1"}, "198.51.100.1"},
		{"nonsense ends the walk", "127.0.0.1:4711", []string{"198.51.100.1, unknown, 10.0.0.3"}, "10.0.0.3"},
		{"proxy without a header", "127.0.0.1:4711", nil, "127.0.0.1"},
		{"all are proxies", "10.0.0.9:4711", []string{"10.0.0.1, 10.0.0.2"}, "10.0.0.1"},
		{"IPv4 inside IPv6", "[::ffff:127.0.0.1]:4711", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"IPv6 with a port", "[::1]:4711", []string{"[2001:db8::7]:443"}, "2001:db8::7"},
		{"IPv6 in brackets", "[::1]:4711", []string{"[2001:db8::7]"}, "2001:db8::7"},
		{"zone", "[fe80::1%eth0]:4711", nil, "fe80::1"},
		{"socket without an address", "@", nil, "invalid IP"},
	}
	for _, tt := range tests {
		var got netip.Addr
		s := build(Config{TrustedProxies: trusted, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got = ClientAddr(r.Context())
		})})
		s.get("/", func(r *http.Request) {
			r.RemoteAddr = tt.remote
			for _, line := range tt.forwarded {
				r.Header.Add("X-Forwarded-For", line)
			}
		})
		if got.String() != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	_, err = ParseProxies([]string{"10.0.0.0/8", "the-proxy"})
	if err == nil || !strings.Contains(err.Error(), "the-proxy") {
		t.Errorf("ParseProxies: %v", err)
	}
}

func TestPanicBecomesAPageWithoutATrace(t *testing.T) {
	t.Parallel()
	s := build(Config{
		Around: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Security-Policy", "default-src 'none'")
				next.ServeHTTP(w, r)
			})
		},
		Handler: mux("GET /appeals/{slug}", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Set-Cookie", "half=done")
			if r.PathValue("slug") == "text" {
				panic("amira@example.org")
			}
			var totals []int
			totals[len(r.Method)]++
		}),
	})
	for _, path := range []string{"/appeals/winter", "/appeals/text"} {
		w := s.get(path)
		body := w.Body.String()
		if w.Code != 500 || !strings.Contains(body, w.Header().Get("X-Request-Id")) {
			t.Errorf("answered %d %s", w.Code, body)
		}
		for _, inside := range []string{"goroutine", "out of range", "amira", ".go:"} {
			if strings.Contains(body, inside) {
				t.Errorf("the page shows %q: %s", inside, body)
			}
		}
		if w.Header().Get("Content-Security-Policy") == "" || w.Header().Get("Set-Cookie") != "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("headers are %v", w.Header())
		}
	}
	log := s.log.String()
	if !strings.Contains(log, "index out of range [3] with length 0") || !strings.Contains(log, "server_test.go") || strings.Contains(log, "amira") {
		t.Errorf("logged %s", log)
	}
}

func TestTheSitesOwnFailurePage(t *testing.T) {
	t.Parallel()
	s := build(Config{
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(errors.New("broken")) }),
		Failed:  func(w io.Writer, id string) { fmt.Fprintf(w, "Lo sentimos: %s", id) },
	})
	w := s.get("/")
	if w.Body.String() != "Lo sentimos: "+w.Header().Get("X-Request-Id") {
		t.Errorf("the page is %s", w.Body)
	}
}

// Half an answer is broken off, so that nobody takes it for a whole one.
func TestPanicInTheMiddleOfAnAnswer(t *testing.T) {
	t.Parallel()
	s := build(Config{Handler: mux("GET /export", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "abort" {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprintln(w, "date,amount")
		err := http.NewResponseController(w).Flush()
		if err != nil {
			t.Error(err)
		}
		panic("half way")
	})})
	server := httptest.NewServer(s)
	defer server.Close()
	server.Config.ErrorLog = nil
	response, err := server.Client().Get(server.URL + "/export")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	_, err = io.ReadAll(response.Body)
	if err == nil {
		t.Error("half an export looks whole")
	}
	_, err = server.Client().Get(server.URL + "/export?abort")
	if err == nil {
		t.Error("an aborted request was answered")
	}
	eventually(t, func() bool { return strings.Count(s.log.String(), "aborted=true") == 2 })
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	form := func(w http.ResponseWriter, r *http.Request) {
		err := r.ParseForm()
		if TooLarge(err) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		fmt.Fprint(w, len(r.PostForm.Get("message")))
	}
	routes := http.NewServeMux()
	routes.HandleFunc("POST /donate", form)
	routes.Handle("POST /small", LimitBody(100, http.HandlerFunc(form)))
	s := build(Config{Handler: routes, MaxBody: 10_000})
	post := func(path string, bytes int) int {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("message="+strings.Repeat("x", bytes)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	tests := []struct {
		path   string
		bytes  int
		status int
	}{
		{"/donate", 9_000, 200},
		{"/donate", 10_000_000, 413},
		{"/small", 90, 200},
		{"/small", 200, 413},
	}
	for _, tt := range tests {
		if got := post(tt.path, tt.bytes); got != tt.status {
			t.Errorf("%d bytes to %s: %d, want %d", tt.bytes, tt.path, got, tt.status)
		}
	}
	if TooLarge(nil) || TooLarge(io.EOF) {
		t.Error("other errors pass for a large body")
	}
}

// serve runs a server on a real port.
func serve(t *testing.T, s *Server) (address string, stop context.CancelFunc, stopped chan error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped = make(chan error, 1)
	go func() { stopped <- s.Serve(ctx, listener) }()
	t.Cleanup(cancel)
	return listener.Addr().String(), cancel, stopped
}

func TestHugeHeadersAreRefused(t *testing.T) {
	t.Parallel()
	s := build(Config{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
	address, stop, stopped := serve(t, s.Server)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Padding: %s\r\n\r\n", strings.Repeat("x", 64<<10))
	status, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(status, "431") {
		t.Errorf("answered %q, %v", status, err)
	}
	stop()
	err = <-stopped
	if err != nil {
		t.Errorf("stopping: %v", err)
	}
}

func TestStopLetsRequestsFinish(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	s := build(Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-release
		fmt.Fprint(w, "thank you")
	})})
	address, stop, stopped := serve(t, s.Server)
	answered := make(chan string, 1)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		response, err := client.Get("http://" + address + "/")
		if err != nil {
			answered <- err.Error()
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		answered <- string(body)
	}()
	<-entered
	stop()
	// New donors are refused at once, so that the next process takes them.
	eventually(t, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	close(release)
	if got := <-answered; got != "thank you" {
		t.Errorf("the request that had begun got %q", got)
	}
	err := <-stopped
	if err != nil {
		t.Errorf("stopping: %v", err)
	}
}

func TestStopCutsWhatOutlivesTheGrace(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	s := build(Config{Grace: 20 * time.Millisecond, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})})
	address, stop, stopped := serve(t, s.Server)
	cut := make(chan error, 1)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		response, err := client.Get("http://" + address + "/")
		if err == nil {
			response.Body.Close()
		}
		cut <- err
	}()
	<-entered
	stop()
	err := <-stopped
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stopping: %v", err)
	}
	if <-cut == nil {
		t.Error("the request that was cut got an answer")
	}
}

func TestServeReportsABrokenListener(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	err = build(Config{Handler: http.NotFoundHandler()}).Serve(t.Context(), listener)
	if err == nil || !strings.Contains(err.Error(), "serve HTTP") {
		t.Errorf("Serve: %v", err)
	}
}

// What net/http says of single connections holds addresses.
func TestServersOwnLog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := serverLog{slog.New(slog.NewTextHandler(&out, nil))}
	fmt.Fprintln(log, "http: TLS handshake error from 192.0.2.7:4711: EOF")
	fmt.Fprintln(log, "http: Accept error: too many open files; retrying in 5ms")
	if strings.Contains(out.String(), "192.0.2.7") || !strings.Contains(out.String(), "too many open files") {
		t.Errorf("logged %s", out.String())
	}
}

func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(2 * time.Minute)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("waited two minutes in vain")
		}
	}
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
