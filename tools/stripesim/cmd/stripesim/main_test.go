package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// terminal collects what the command prints.
type terminal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *terminal) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *terminal) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func TestWrongUsageExits64(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--addr", "0.0.0.0:0"}, {"--addr", ":12111"}, {"--addr", "192.0.2.1:1"}, {"--addr", "nowhere"},
		{"--webhook-secret", "whsec_x"}, {"--webhook-url", "http://127.0.0.1:1", "--webhook-secret-file", "/nowhere"}, {"--colour", "red"}, {"serve"}, {"--seed", "-1"},
	} {
		var out terminal
		code := run(t.Context(), args, &out)
		if code != usageExit || out.String() == "" {
			t.Errorf("%v: exit %d, %q", args, code, out.String())
		}
	}
	var out terminal
	if code := run(t.Context(), []string{"--help"}, &out); code != 0 {
		t.Errorf("help: exit %d", code)
	}
}

func TestRemoteAddressNeedsASwitch(t *testing.T) {
	t.Parallel()
	_, err := parse([]string{"--addr", "0.0.0.0:0", "--allow-remote"}, io.Discard)
	if err != nil {
		t.Error(err)
	}
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0", "localhost:0"} {
		_, err := parse([]string{"--addr", addr}, io.Discard)
		if err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestServesUntilItIsStoppedAndGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	var secret string
	for round := range 2 {
		ctx, stop := context.WithCancel(t.Context())
		var out terminal
		ended := make(chan int, 1)
		go func() {
			ended <- run(ctx, []string{
				"--addr", "127.0.0.1:0", "--store", store, "--seed", "7", "--webhook-url", "http://127.0.0.1:1/webhooks",
			}, &out)
		}()
		base := waitFor(t, &out, regexp.MustCompile(`dashboard (http://[^/]+)/_sim`))
		printed := waitFor(t, &out, regexp.MustCompile(`: (whsec_\w+)`))
		if round == 1 && printed != secret {
			t.Errorf("secret %q became %q", secret, printed)
		}
		secret = printed
		sessions := list(t, base)
		if count := strings.Count(sessions, `"object":"checkout.session"`); count != round {
			t.Errorf("round %d: %d sessions", round, count)
		}
		create(t, base)
		stop()
		if code := <-ended; code != 0 {
			t.Errorf("exit %d: %s", code, out.String())
		}
	}
}

func waitFor(t *testing.T, out *terminal, pattern *regexp.Regexp) string {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	deadline := time.NewTimer(2 * time.Minute)
	defer deadline.Stop()
	for {
		found := pattern.FindStringSubmatch(out.String())
		if found != nil {
			return found[1]
		}
		select {
		case <-deadline.C:
			t.Fatalf("nothing like %s in %q", pattern, out.String())
		case <-ticker.C:
		}
	}
}

func list(t *testing.T, base string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/v1/checkout/sessions", nil)
	if err != nil {
		t.Fatal(err)
	}
	return send(t, request)
}

func create(t *testing.T, base string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	_, err := createWith(client, base, "")
	if err != nil {
		t.Fatal(err)
	}
}

// connect makes a connected account.
func connect(t *testing.T, base string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	id, err := post(client, base+"/v1/accounts", "", url.Values{"type": {"standard"}})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// createWith makes a session, of a connected account if one is named, and returns
// its id.
func createWith(client *http.Client, base, account string) (string, error) {
	form := url.Values{
		"mode": {"payment"}, "success_url": {"http://donate.example/thanks"},
		"line_items[0][quantity]": {"1"}, "line_items[0][price_data][currency]": {"gbp"},
		"line_items[0][price_data][unit_amount]":        {"1000"},
		"line_items[0][price_data][product_data][name]": {"Winter relief"},
	}
	return post(client, base+"/v1/checkout/sessions", account, form)
}

// post makes an object and returns its id.
func post(client *http.Client, address, account string, form url.Values) (string, error) {
	request, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth("sk_test_almoner", "")
	request.Header.Set("Stripe-Account", account)
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	var made struct{ ID string }
	err = json.NewDecoder(response.Body).Decode(&made)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: status %d", address, response.StatusCode)
	}
	return made.ID, nil
}

func send(t *testing.T, request *http.Request) string {
	t.Helper()
	request.SetBasicAuth("sk_test_almoner", "")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", request.URL, response.StatusCode, body, err)
	}
	return string(body)
}

// A secret in a file is in no list of processes.
func TestTheSecretMayBeInAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	err := os.WriteFile(file, []byte("whsec_trial\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	o, err := parse([]string{"--webhook-url", "http://127.0.0.1:1", "--webhook-secret-file", file}, io.Discard)
	if err != nil || o.webhookSecret != "whsec_trial" {
		t.Errorf("it took %q (%v)", o.webhookSecret, err)
	}
	_, err = parse([]string{"--webhook-url", "http://127.0.0.1:1", "--webhook-secret-file", file, "--webhook-secret", "whsec_other"}, io.Discard)
	if err == nil {
		t.Error("two secrets are taken")
	}
}
