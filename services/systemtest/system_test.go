package systemtest

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"

	"github.com/almoner/almoner/services/internal/audit"
	"github.com/almoner/almoner/services/internal/demo"
	"github.com/almoner/almoner/services/internal/node"
)

// system is a running Almoner of whatever shape.
type system interface {
	// config is what an operator's commands are given.
	config() node.Config
	site() string
	stripe() string
	// health is what all its processes say of themselves.
	health(t *testing.T) string
	// healthOnSite is what the site answers who asks for its health there.
	healthOnSite() int
	// halt stops all services cleanly, and resume starts them again.
	halt(t *testing.T)
	resume(t *testing.T)
	// tell has services have more variables from their next start on. None takes back
	// what they were told before.
	tell(variables ...string)
	// processes is in how many the services run.
	processes() int
	// metrics is all that Prometheus hears of them.
	metrics(t *testing.T) string
	// wipeStreams has the broker forget everything. The services are halted.
	wipeStreams(t *testing.T)
	// loseBroker takes the broker away until the test ends.
	loseBroker(t *testing.T)
	// elsewhere is all that is kept of donors outside of where their names belong:
	// other services' data, streams and logs, by name. The services are halted.
	elsewhere(t *testing.T) map[string][]byte
	log(t *testing.T) string
}

// operator works beside the instance, as the commands do.
func operator(t *testing.T, cfg node.Config) *node.Operator {
	t.Helper()
	o, err := node.OpenOperator(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := o.Close()
		if err != nil {
			t.Errorf("close operator: %v", err)
		}
	})
	return o
}

// give plays the gifts of the demo and requires that each ended where it should.
func give(t *testing.T, o *node.Operator) demo.Result {
	t.Helper()
	return play(t, o, demo.Config{GiftsAlone: true})
}

// giveAndTakeBack plays all of the demo: monthly gifts, too, and what happens to
// money after it was given.
func giveAndTakeBack(t *testing.T, o *node.Operator) demo.Result {
	t.Helper()
	return play(t, o, demo.Config{})
}

func play(t *testing.T, o *node.Operator, cfg demo.Config) demo.Result {
	t.Helper()
	cfg.BaseURL, cfg.SimulatorURL, cfg.Conn, cfg.Patience = o.BaseURL(), o.SimulatorURL(), o.Conn(), patience
	result, err := demo.New(cfg).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !result.OK {
		var table bytes.Buffer
		_ = result.WriteTable(&table)
		t.Fatalf("the demo found differences:\n%s", table.String())
	}
	return result
}

// agree audits and requires that everything has arrived and nothing differs.
func agree(t *testing.T, o *node.Operator) audit.Report {
	t.Helper()
	report, err := audit.New(o.Conn()).Run(t.Context(), patience)
	if err != nil {
		t.Fatal(err)
	}
	if report.ExitCode() != 0 {
		var table bytes.Buffer
		_ = report.WriteTable(&table)
		t.Fatalf("the audit does not agree:\n%s", table.String())
	}
	return report
}

// gifts is how many have succeeded.
func gifts(t *testing.T, o *node.Operator) int {
	t.Helper()
	resp, err := donationv1.NewDonationServiceClient(o.Conn()).SumGifts(t.Context(), &donationv1.SumGiftsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, sum := range resp.GetSums() {
		n += int(sum.GetGifts())
	}
	return n
}

func fetch(t *testing.T, address string) (status int, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil // not up yet, or dead: the caller decides what that means
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil
	}
	return resp.StatusCode, body
}

// truth is Stripe's side of the story.
type truth struct {
	PaymentIntents []struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	} `json:"payment_intents"`
	Sessions []struct {
		ID string `json:"id"`
	} `json:"checkout_sessions"`
}

func truthAt(t *testing.T, simulatorURL string) truth {
	t.Helper()
	status, body := fetch(t, simulatorURL+"/_sim/truth")
	if status != http.StatusOK {
		t.Fatalf("the simulator's truth answers %d", status)
	}
	var told truth
	err := json.Unmarshal(body, &told)
	if err != nil {
		t.Fatal(err)
	}
	return told
}

func (tr truth) paid() int {
	n := 0
	for _, intent := range tr.PaymentIntents {
		if intent.Status == "succeeded" {
			n++
		}
	}
	return n
}

// patience bounds waiting for what will happen if nothing is broken. A machine
// that does much else at the time is no fault.
const patience = 2 * time.Minute

// eventually looks until it is true, or fails.
func eventually(t *testing.T, what string, look func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !look() {
		select {
		case <-deadline.C:
			t.Fatalf("not within %s: %s", patience, what)
		case <-tick.C:
		}
	}
}
