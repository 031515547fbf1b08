package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/almoner/almoner/services/donation"
	"github.com/almoner/almoner/services/internal/audit"
	"github.com/almoner/almoner/services/internal/demo"
	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/tools/stripesim"
)

// town is one charity's services, each a process with its own directory, NATS and
// a simulator that runs on its own.
type town struct {
	t         *testing.T
	dir       string
	variables []string
	authority *testkit.Authority
	logs      *lockedBuffer
	http, ops map[string]string
	running   map[string]*process
}

type process struct {
	node *node.Node
	stop context.CancelFunc
	done chan error
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// newTown has an authority for certificates, and gives every process the same variables, as one file of them would.
func newTown(t *testing.T) *town {
	t.Helper()
	town := &town{t: t, dir: t.TempDir(), logs: &lockedBuffer{}, http: map[string]string{}, ops: map[string]string{}, running: map[string]*process{}}
	for _, service := range []string{"donation", "web"} {
		town.http[service] = testkit.FreeAddress(t)
	}
	simulator, secret := simulate(t, "http://"+town.http["donation"]+"/webhooks/stripe")
	keys, err := node.PersonKeys()
	if err != nil {
		t.Fatal(err)
	}
	town.authority = testkit.NewAuthority(t)
	town.variables = append(strings.Fields(keys), "ALMONER_GRPC_CA="+town.authority.File(),
		"ALMONER_NATS_URL="+testkit.ListeningNATS(t), "ALMONER_BASE_URL=http://"+town.http["web"], "ALMONER_MAIL_DIR="+filepath.Join(town.dir, "mail"),
		"STRIPE_SECRET_KEY=sk_test_town", "STRIPE_WEBHOOK_SECRETS="+secret, "ALMONER_STRIPE_URL="+simulator)
	for _, service := range node.Services() {
		town.variables = append(town.variables, "ALMONER_"+strings.ToUpper(service)+"_ADDR="+testkit.FreeAddress(t))
	}
	for _, service := range node.Databases() {
		town.ops[service] = testkit.FreeAddress(t)
		town.variables = append(town.variables, "ALMONER_"+strings.ToUpper(service)+"_DATABASE_URL=sqlite:"+filepath.Join(town.dir, service+".db"))
	}
	return town
}

// simulate runs a simulator and returns its address and the secret that it signs
// webhooks with.
func simulate(t *testing.T, webhooks string) (address, secret string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = "http://" + listener.Addr().String()
	simulator, err := stripesim.Open(stripesim.Config{BaseURL: address})
	if err != nil {
		t.Fatal(err)
	}
	secret, err = simulator.EnsureWebhookEndpoint(webhooks, donation.WebhookEvents(), node.StripeAPIVersion)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: simulator.Handler(), ReadHeaderTimeout: time.Second}
	ctx, stop := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() { _ = server.Serve(listener) }) // ends with Close
	parts.Go(func() { _ = simulator.Run(ctx) })     // ends with its context
	t.Cleanup(func() {
		stop()
		_ = server.Close()
		parts.Wait()
		_ = simulator.Close()
	})
	return address, secret
}

// own are the variables that only one process has.
func (w *town) own(target ...string) []string {
	service := target[0]
	cert, key := w.authority.Issue(w.t, target...)
	return []string{
		"ALMONER_GRPC_CERT=" + cert, "ALMONER_GRPC_KEY=" + key,
		"ALMONER_DATA_DIR=" + filepath.Join(w.dir, "of-"+service), "ALMONER_HTTP_ADDR=" + w.http[service], "ALMONER_OPS_ADDR=" + w.ops[service],
		"ALMONER_GRPC_ADDR=" + w.of("ALMONER_"+strings.ToUpper(service)+"_ADDR"),
	}
}

// of is the value of a variable.
func (w *town) of(name string) string {
	i := slices.IndexFunc(w.variables, func(v string) bool { return strings.HasPrefix(v, name+"=") })
	if i < 0 {
		return ""
	}
	return w.variables[i][len(name)+1:]
}

// start runs a service as a process of its own, or several in one process under
// the first one's name.
func (w *town) start(service string, more ...string) {
	w.t.Helper()
	target := append([]string{service}, more...)
	cfg, err := node.LoadConfig(append(w.own(target...), w.variables...), target...)
	if err != nil {
		w.t.Fatal(err)
	}
	n, err := node.Open(w.t.Context(), cfg, node.NewLogger(w.logs, slog.LevelInfo))
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &process{node: n, stop: stop, done: make(chan error, 1)}
	go func() { p.done <- n.Run(ctx) }()
	w.running[service] = p
	w.t.Cleanup(func() { w.stop(service) })
}

func (w *town) stop(service string) {
	w.t.Helper()
	p := w.running[service]
	if p == nil {
		return
	}
	delete(w.running, service)
	p.stop()
	err := <-p.done
	if err != nil {
		w.t.Errorf("run %s: %v", service, err)
	}
	err = p.node.Close()
	if err != nil {
		w.t.Errorf("close %s: %v", service, err)
	}
}

// readiness is what /readyz of a process says.
type readiness struct {
	Status   string `json:"status"`
	Degraded []struct {
		Name, Reason, Message string
	} `json:"degraded"`
}

// readyz is what a process says of itself; its code is 0 while it does not answer.
func (w *town) readyz(service string) (code int, said readiness) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+w.ops[service]+"/readyz", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, readiness{}
	}
	defer resp.Body.Close()
	err = json.NewDecoder(resp.Body).Decode(&said)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, said
}

// missing are the siblings that a process says are away.
func (r readiness) missing() []string {
	var names []string
	for _, found := range r.Degraded {
		if found.Reason == "SIBLING_AWAY" {
			names = append(names, found.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Each service starts alone, before those that it asks, says so and mends by
// itself; and then gifts arrive everywhere.
func TestFiveProcessesStartInAnyOrderAndAgree(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	// Those that ask come first: nobody whom they need is there yet.
	for _, alone := range []struct{ service, missing string }{
		{"web", "donation for web, fundraiser for web, ledger for web, receipt for web"},
		{"ledger", "donation for ledger, fundraiser for ledger"},
		{"receipt", "donation for receipt, fundraiser for receipt"},
		{"donation", "fundraiser for donation"},
		{"fundraiser", ""},
	} {
		w.start(alone.service)
		testkit.Eventually(t, func() bool {
			code, said := w.readyz(alone.service)
			return code == http.StatusOK && strings.Join(said.missing(), ", ") == alone.missing
		})
	}
	for _, service := range node.Databases() {
		testkit.Eventually(t, func() bool {
			code, said := w.readyz(service)
			return code == http.StatusOK && said.Status == "ok"
		})
	}
	w.giveAndAgree()
	for _, service := range node.Databases() {
		w.checkup(service)
	}
	w.accessMatrix(t)
	w.stop("fundraiser")
	found := node.Check(t.Context(), slices.Concat(w.variables, w.own("donation")), "donation")
	if i := slices.IndexFunc(found.Findings, func(f node.Finding) bool { return f.Err != nil }); i < 0 || found.Findings[i].About != "fundraiser" {
		t.Errorf("nobody says that the fundraiser is away: %+v", found.Findings)
	}
}

// Services that share a process share its certificate and its address, and each
// still asks in its own name: feeds move only where it is let in.
func TestServicesShareProcesses(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	i := slices.Index(w.variables, "ALMONER_LEDGER_ADDR="+w.of("ALMONER_LEDGER_ADDR"))
	w.variables[i] = "ALMONER_LEDGER_ADDR=" + w.of("ALMONER_RECEIPT_ADDR")
	w.http["donation"] = w.http["web"]
	w.start("receipt", "ledger")
	w.start("donation", "web")
	w.start("fundraiser")
	for _, service := range []string{"receipt", "donation", "fundraiser"} {
		testkit.Eventually(t, func() bool {
			code, said := w.readyz(service)
			return code == http.StatusOK && said.Status == "ok"
		})
	}
	if !strings.Contains(w.logs.String(), `services="[receipt ledger]"`) {
		t.Errorf("who runs where is not told:\n%s", w.logs)
	}
}

// checkup requires that all is well, and that secrets which a service does not need
// are pointed at.
func (w *town) checkup(service string) {
	w.t.Helper()
	found := node.Check(w.t.Context(), slices.Concat(w.variables, w.own(service)), service)
	var said bytes.Buffer
	err := found.Write(&said)
	if err != nil || !found.OK() {
		w.t.Errorf("check of %s: %v\n%s", service, err, said.String())
	}
	if slices.Contains(found.Unread, "STRIPE_SECRET_KEY") != (service != "donation") {
		w.t.Errorf("%s: secrets that are not needed are %v", service, found.Unread)
	}
	if strings.Contains(said.String(), "sk_test_town") || strings.Contains(said.String(), w.of("ALMONER_PERSON_KEY")) {
		w.t.Errorf("a secret is shown:\n%s", said.String())
	}
}

// giveAndAgree plays the demo against the running site and audits the databases.
func (w *town) giveAndAgree() {
	w.t.Helper()
	cfg, err := node.LoadOperatorConfig(append(w.variables, "ALMONER_DATA_DIR="+filepath.Join(w.dir, "of-donation")))
	if err != nil {
		w.t.Fatal(err)
	}
	operator, err := node.OpenOperator(w.t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() {
		err := operator.Close()
		if err != nil {
			w.t.Error(err)
		}
	}()
	result, err := demo.New(demo.Config{BaseURL: operator.BaseURL(), SimulatorURL: operator.SimulatorURL(), Conn: operator.Conn()}).Run(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var table bytes.Buffer
	_ = result.WriteTable(&table)
	if !result.OK {
		w.t.Fatalf("the demo found differences:\n%s\n%s", table.String(), w.logs)
	}
	report, err := audit.New(operator.Conn()).Run(w.t.Context(), 30*time.Second)
	if err != nil || report.ExitCode() != 0 {
		_ = report.WriteTable(&table)
		w.t.Fatalf("the audit does not agree: %v\n%s", err, table.String())
	}
}
