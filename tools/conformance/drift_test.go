//go:build drift

package conformance

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// newerMock is a stripe-mock of a later API version. It is not among this module's
// dependencies, which have the one of the version that the program pins.
const newerMock = "github.com/stripe/stripe-mock@v0.203.0"

// goneByNow are properties that later versions are known to lack: a canary that does
// not miss them is asleep.
var goneByNow = []string{"charge", "payment_intent", "subscription"}

// What the program sends today is sent to a later Stripe, which is asked for nothing
// in return: what it refuses and what its answers lack is reported, for whoever
// raises the version one day. Only a canary that hears nothing fails.
func TestDrift(t *testing.T) {
	newer := startNewerMock(t)
	read := map[string]bool{}
	for _, name := range literalsIn(t, clientFolder, func(string) bool { return true }) {
		read[name] = true
	}
	shapes := byShape(overhearProgram(t).requests)
	lost := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		t.Run(name, func(t *testing.T) {
			e := shapes[name]
			status, before := askStripeMock(e)
			if status != http.StatusOK {
				t.Fatalf("the version that is pinned answers %d: %s", status, before)
			}
			status, after, err := newer.ask(e)
			switch {
			case err != nil:
				t.Fatal(err)
			case status != http.StatusOK:
				t.Logf("refused with %d: %s", status, after)
				return
			}
			for _, path := range vanished(t, before, after) {
				last := path[strings.LastIndexByte(path, '.')+1:]
				lost[last] = true
				if read[last] {
					t.Logf("gone, and the client reads a %s: %s", last, path)
				} else {
					t.Logf("gone: %s", path)
				}
			}
		})
	}
	for _, name := range goneByNow {
		if !lost[name] {
			t.Errorf("nobody missed %s of an invoice", name)
		}
	}
}

// later is a stripe-mock that runs as a process of its own.
type later struct{ url string }

// startNewerMock installs it as a Go module.
func startNewerMock(t *testing.T) later {
	t.Helper()
	_, err := run(scratch(), "env", "GOBIN="+scratch(), "GOFLAGS=", "GOWORK=off", "go", "install", newerMock)
	if err != nil {
		t.Fatalf("this needs the Go module %s: %v", newerMock, err)
	}
	command := exec.CommandContext(t.Context(), filepath.Join(scratch(), "stripe-mock"), "-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0")
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	err = command.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Wait() }) // killed with the test's context
	const saying = "Listening for HTTP at address: "
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if address, found := strings.CutPrefix(lines.Text(), saying); found {
			go func() { _, _ = io.Copy(io.Discard, out) }() // it tells of every request
			return later{"http://" + address}
		}
	}
	t.Fatalf("stripe-mock ended before it listened: %v", lines.Err())
	return later{}
}

func (l later) ask(e exchange) (status int, answer string, err error) {
	request, err := http.NewRequest(e.method, l.url+e.path+"?"+e.query.Encode(), strings.NewReader(e.form.Encode()))
	if err != nil {
		return 0, "", err
	}
	request.Header = e.header.Clone()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", fmt.Errorf("ask the later stripe-mock: %w", err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	return response.StatusCode, string(raw), err
}

// vanished are the paths of properties that an answer had and the later one has not.
func vanished(t *testing.T, before, after string) []string {
	t.Helper()
	var old, next any
	for text, into := range map[string]*any{before: &old, after: &next} {
		err := json.Unmarshal([]byte(text), into)
		if err != nil {
			t.Fatal(err)
		}
	}
	var out []string
	var compare func(path string, old, next any)
	compare = func(path string, old, next any) {
		switch old := old.(type) {
		case map[string]any:
			now, is := next.(map[string]any)
			if !is {
				return // an id instead of the object, or nothing: that is its value
			}
			for _, name := range slices.Sorted(maps.Keys(old)) {
				value, there := now[name]
				if !there {
					out = append(out, path+"."+name)
					continue
				}
				compare(path+"."+name, old[name], value)
			}
		case []any:
			now, is := next.([]any)
			if is && len(old) > 0 && len(now) > 0 {
				compare(path+".0", old[0], now[0])
			}
		}
	}
	compare("", old, next)
	for i := range out {
		out[i] = strings.TrimPrefix(out[i], ".")
	}
	return out
}
