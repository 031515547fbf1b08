package archtest

import (
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"testing"
)

func TestNobodyImportsWhatHeShouldNot(t *testing.T) {
	t.Parallel()
	for _, violation := range Violations(load(t)) {
		t.Error(violation)
	}
}

// The rule must be able to fail: each of these is a mistake that somebody makes.
func TestTheRuleFindsMistakes(t *testing.T) {
	t.Parallel()
	for name, mistake := range map[string]struct{ from, to string }{
		"a service that imports another":    {"ledger", Module + "/donation"},
		"another's layers":                  {"web/internal/pages", Module + "/receipt/internal/domain"},
		"the platform that knows a service": {"internal/platform/feed", Module + "/ledger"},
		"money that knows the platform":     {"internal/money", Module + "/internal/platform/config"},
		"domain that logs":                  {"ledger/internal/domain", "log/slog"},
		"domain that takes a context":       {"ledger/internal/domain", "context"},
		"domain that speaks protobuf":       {"ledger/internal/domain", "google.golang.org/protobuf/proto"},
		"domain with contracts":             {"ledger/internal/domain", "github.com/almoner/almoner/proto/gen/almoner/money/v1"},
		"app with SQL":                      {"receipt/internal/app", "database/sql"},
		"app with the store":                {"receipt/internal/app", Module + "/receipt/internal/store"},
		"app with the feed's broker":        {"receipt/internal/app", Module + "/internal/platform/feed"},
		"app with Stripe's client":          {"donation/internal/app", "github.com/stripe/stripe-go/v76"},
		"app with grpc":                     {"donation/internal/app", "google.golang.org/grpc/status"},
		"a consumer that writes SQL":        {"ledger/internal/consume", Module + "/ledger/internal/store"},
		"a webhook that calls Stripe":       {"donation/internal/webhook", Module + "/donation/internal/payments"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := Violations([]Package{{Path: Module + "/" + mistake.from, Imports: []string{mistake.to}}})
			if len(found) != 1 {
				t.Errorf("%s → %s was not found", mistake.from, mistake.to)
			}
		})
	}
}

func TestTheRuleAllowsTheUsual(t *testing.T) {
	t.Parallel()
	for from, to := range map[string]string{
		"ledger":                      Module + "/ledger/internal/store",
		"ledger/internal/store":       Module + "/ledger/internal/app",
		"ledger/internal/app":         Module + "/ledger/internal/domain",
		"ledger/internal/domain":      Module + "/internal/money",
		"donation/internal/app":       Module + "/internal/platform/feed/envelope",
		"donation/internal/domain":    "net/mail",
		"internal/node":               Module + "/ledger",
		"ledger/internal/app/apptest": Module + "/internal/testkit",
	} {
		if found := Violations([]Package{{Path: Module + "/" + from, Imports: []string{to}}}); len(found) != 0 {
			t.Errorf("%s → %s should be allowed: %v", from, to, found)
		}
	}
}

// load asks the go command for every package of the module; it resolves build
// tags and generated files as the compiler does.
func load(t *testing.T) []Package {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", Module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var packages []Package
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		err := decoder.Decode(&p)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("read go list: %v", err)
		}
		packages = append(packages, Package{Path: p.ImportPath, Imports: p.Imports})
	}
	if len(packages) < 10 || !strings.HasPrefix(packages[0].Path, Module) {
		t.Fatalf("go list found %d packages; the rule would hold for want of code", len(packages))
	}
	return packages
}
