package node

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/config"
)

// standIn is a Stripe whose clock is off and that has these webhook endpoints.
func standIn(t *testing.T, off time.Duration, endpoints string) stripeAccount {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
		switch {
		case r.Header.Get("Authorization") != "Bearer sk_live_x":
			w.WriteHeader(http.StatusUnauthorized)
		case endpoints == "":
			w.WriteHeader(http.StatusForbidden)
		case r.URL.Path == "/v1/webhook_endpoints":
			_, _ = w.Write([]byte(`{"object":"list","data":[` + endpoints + `]}`)) // a lost answer fails the test by itself
		}
	}))
	t.Cleanup(server.Close)
	return stripeAccount{key: config.NewSecret("sk_live_x"), url: server.URL, live: true}
}

func TestAClockThatIsOffIsSaid(t *testing.T) {
	t.Parallel()
	for off, want := range map[time.Duration]string{
		0:                 "",
		90 * time.Second:  "",
		10 * time.Minute:  "behind that of stripe",
		-10 * time.Minute: "ahead of that of stripe",
	} {
		all := &clocks{others: []clock{standIn(t, off, "").clock()}}
		all.compare(t.Context())
		err := all.check().Run(t.Context())
		if want == "" && err != nil {
			t.Errorf("%s off: %v", off, err)
		}
		if want != "" && (err == nil || !strings.Contains(apperr.Public(err).Message, want)) {
			t.Errorf("%s off: %v, want %q", off, err, want)
		}
		all.Each(func(against string, skew time.Duration) {
			if against != "stripe" || (skew-off).Abs() > 2*time.Second {
				t.Errorf("%s off is told as %s against %s", off, skew, against)
			}
		})
	}
}

// That Stripe is away says nothing about clocks, and takes nothing back.
func TestAClockThatCannotBeReadKeepsItsLastValue(t *testing.T) {
	t.Parallel()
	away := false
	stripe := standIn(t, 10*time.Minute, "").clock()
	all := &clocks{others: []clock{{"stripe", func(ctx context.Context) (time.Duration, error) {
		if away {
			return 0, errors.New("no route to host")
		}
		return stripe.ahead(ctx)
	}}}}
	all.compare(t.Context())
	away = true
	all.compare(t.Context())
	if all.check().Run(t.Context()) == nil {
		t.Error("the difference is forgotten")
	}
}

// A signing secret does not say whose it is; that a live account has no endpoint of
// ours does.
func TestALiveKeyWithATestSecretDoesNotStart(t *testing.T) {
	t.Parallel()
	for endpoints, want := range map[string]string{
		`{"url":"https://give.example.org/webhooks/stripe","status":"enabled"}`: "",
		// Stripe switches off what failed for days: to refuse would keep it failing.
		`{"url":"https://hooks.example.org/webhooks/stripe/","status":"disabled"}`: "",
		`{"url":"https://shop.example.org/stripe-events","status":"enabled"}`:      "the live account has no webhook endpoint",
		` `: "the live account has no webhook endpoint",
	} {
		err := standIn(t, 0, endpoints).checkEndpoint(t.Context())
		if errors.Is(err, errNoEndpoint) != (want != "") || want != "" && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", endpoints, err, want)
		}
	}
	// What cannot be found out is no reason not to start.
	restricted := standIn(t, 0, "")
	err := restricted.checkEndpoint(t.Context())
	if err == nil || errors.Is(err, errNoEndpoint) {
		t.Errorf("a key that may not look: %v", err)
	}
	err = restricted.checkKey(t.Context())
	if err == nil || !strings.Contains(err.Error(), "may not read the balance") {
		t.Errorf("a key that may not read the balance: %v", err)
	}
	restricted.key = config.NewSecret("sk_live_other")
	err = restricted.checkKey(t.Context())
	if err == nil || !strings.Contains(err.Error(), "does not know this key") {
		t.Errorf("a key of nobody: %v", err)
	}
	test := stripeAccount{key: config.NewSecret("sk_test_x"), url: "http://127.0.0.1:1"}
	err = test.checkEndpoint(t.Context())
	if err != nil {
		t.Errorf("a test key's webhooks may come another way: %v", err)
	}
}
