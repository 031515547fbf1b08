package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// settings is a small process's configuration.
type settings struct {
	environment string
	database    string
	stripeKey   Secret
	staff       []string
}

func table(into *settings) Table {
	return Table{
		{Name: "ALMONER_ENV", Default: "development", Doc: "where this runs", Parse: OneOf(&into.environment, "development", "production")},
		{Name: "ALMONER_DATABASE_URL", Default: "sqlite:almoner.db", Doc: "where the books are", Parse: Text(&into.database)},
		{Name: "ALMONER_STAFF", Doc: "who may sign in", Parse: List(&into.staff)},
		{Name: "STRIPE_SECRET_KEY", Doc: "key of the Stripe account", Secret: true, Parse: func(value string) error {
			if value != "" && !strings.HasPrefix(value, "sk_") {
				return fmt.Errorf("%q is no secret key", value)
			}
			return Hidden(&into.stripeKey)(value)
		}},
	}
}

func TestDefaultsApplyToWhatIsUnsetOrEmpty(t *testing.T) {
	t.Parallel()
	var got settings
	_, err := table(&got).Read([]string{"HOME=/root", "ALMONER_ENV=", "PATH=/bin"})
	if err != nil {
		t.Fatal(err)
	}
	if got.environment != "development" || got.database != "sqlite:almoner.db" || got.staff != nil || got.stripeKey.IsSet() {
		t.Errorf("read %+v", got)
	}
}

func TestValuesFromTheEnvironment(t *testing.T) {
	t.Parallel()
	var got settings
	_, err := table(&got).Read([]string{
		"ALMONER_ENV=production",
		"ALMONER_DATABASE_URL=postgres://ledger@db/ledger?sslmode=require",
		"ALMONER_STAFF= finance@example.org:accountant, ,admin@example.org:admin ",
		"STRIPE_SECRET_KEY=sk_test_123",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := settings{"production", "postgres://ledger@db/ledger?sslmode=require", NewSecret("sk_test_123"),
		[]string{"finance@example.org:accountant", "admin@example.org:admin"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v", got)
	}
}

func TestSecretFromAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "stripe-key")
	write(t, path, "sk_test_from_file\n")
	var got settings
	shown, err := table(&got).Read([]string{"STRIPE_SECRET_KEY_FILE=" + path})
	if err != nil {
		t.Fatal(err)
	}
	if got.stripeKey.Reveal() != "sk_test_from_file" {
		t.Errorf("read %q", got.stripeKey.Reveal())
	}
	if last := shown[len(shown)-1]; last.Origin != "file" || last.Value != "***" {
		t.Errorf("listed as %+v", last)
	}
}

func TestFilesThatCannotBeASecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "empty"), "\n")
	write(t, filepath.Join(dir, "huge"), strings.Repeat("x", largestFile+1))
	for _, name := range []string{"empty", "huge", "missing", "."} {
		_, err := table(&settings{}).Read([]string{"STRIPE_SECRET_KEY_FILE=" + filepath.Join(dir, name)})
		if err == nil || !strings.Contains(err.Error(), "STRIPE_SECRET_KEY: read file") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := table(&settings{}).Read([]string{"STRIPE_SECRET_KEY=sk_a", "STRIPE_SECRET_KEY_FILE=" + filepath.Join(dir, "empty")})
	if err == nil || !strings.Contains(err.Error(), "set one of them") {
		t.Errorf("both given: %v", err)
	}
}

// An operator who made three mistakes learns of three, and of no secret.
func TestEveryMistakeIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := table(&settings{}).Read([]string{
		"ALMONER_ENV=prod",
		"ALMONER_STAF=admin@example.org",
		"ALMONER_DATABSE_URL=x",
		"ALMONER_ENV_FILE=/etc/env",
		"ALMONER_COMPLETELY_ELSE=1",
		"STRIPE_SECRET_KEY=pk_live_visible",
		"ALMONER_WEB_SERVICE_HOST=10.0.0.1", "ALMONER_WEB_SERVICE_PORT=80", "ALMONER_WEB_PORT=tcp://10.0.0.1:80", "ALMONER_WEB_PORT_80_TCP_ADDR=10.0.0.1",
	})
	want := `ALMONER_COMPLETELY_ELSE: there is no such variable
ALMONER_DATABSE_URL: there is no such variable; did you mean ALMONER_DATABASE_URL?
ALMONER_ENV_FILE: there is no such variable
ALMONER_STAF: there is no such variable; did you mean ALMONER_STAFF?
ALMONER_ENV: is "prod", want one of development, production
STRIPE_SECRET_KEY: "***" is no secret key`
	if err == nil || err.Error() != want {
		t.Errorf("reported:\n%v\nwant:\n%s", err, want)
	}
}

func TestListingShowsNoSecret(t *testing.T) {
	t.Parallel()
	tests := []struct{ given, shown string }{
		{"postgres://ledger:hunter2@db:5432/ledger?sslmode=require", "postgres://ledger:***@db:5432/ledger?sslmode=require"},
		{"postgres://ledger@db/ledger", "postgres://ledger@db/ledger"},
		{"sqlite:/var/lib/almoner/ledger.db", "sqlite:/var/lib/almoner/ledger.db"},
		{"postgres://ledger:hunter2@db:port/ledger", "***"},
		{"plain\x7f", "plain\x7f"},
	}
	for _, tt := range tests {
		shown, err := table(&settings{}).Read([]string{"ALMONER_DATABASE_URL=" + tt.given, "STRIPE_SECRET_KEY=sk_test_hunter2"})
		if err != nil {
			t.Fatal(err)
		}
		want := []Setting{
			{"ALMONER_ENV", "development", "default", "where this runs"},
			{"ALMONER_DATABASE_URL", tt.shown, "environment", "where the books are"},
			{"ALMONER_STAFF", "", "default", "who may sign in"},
			{"STRIPE_SECRET_KEY", "***", "environment", "key of the Stripe account"},
		}
		if !reflect.DeepEqual(shown, want) {
			t.Errorf("listed %+v", shown)
		}
	}
}

func TestSecretPrintsAsStarsEverywhere(t *testing.T) {
	t.Parallel()
	type account struct {
		Name string
		Key  Secret
	}
	stripe := account{"main", NewSecret("sk_test_hunter2")}
	var printed []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%U", "%o", "%10v"} {
		printed = append(printed, fmt.Sprintf(verb, stripe.Key), fmt.Sprintf(verb, stripe), fmt.Sprintf(verb, &stripe), fmt.Sprintf(verb, []Secret{stripe.Key}))
	}
	encoded, err := json.Marshal(stripe)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("start", "key", stripe.Key, "account", stripe)
	slog.New(slog.NewTextHandler(&log, nil)).Info("start", "key", stripe.Key, "account", stripe)
	printed = append(printed, string(encoded), log.String(), stripe.Key.String(), stripe.Key.GoString(), fmt.Sprint(stripe.Key))
	for _, text := range printed {
		if strings.Contains(text, "hunter2") || strings.Contains(text, "68756e74657232") || strings.Contains(text, "104") {
			t.Errorf("the secret shows in %q", text)
		}
	}
	if stripe.Key.Reveal() != "sk_test_hunter2" || !stripe.Key.IsSet() || (Secret{}).IsSet() {
		t.Error("the secret is lost")
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	err := os.WriteFile(path, []byte(content), 0o600)
	if err != nil {
		t.Fatal(err)
	}
}
