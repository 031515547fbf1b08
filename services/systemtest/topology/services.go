package topology

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/internal/platform/database"
)

// webhookPath is where donation takes what Stripe tells.
const webhookPath = "/webhooks/stripe"

// shared is what services agree upon.
type shared struct {
	// secret signs what leaves in links; persons are web's private key and the half
	// that the others know, by the name of their variable.
	secret, webhookSecret string
	persons               map[string]string
	keys                  string
	// grpc and ops are addresses by process, http those that browsers and Stripe
	// reach.
	grpc, ops, http map[string]string
}

// service makes the process that runs one service; name differs from service for
// a second one of its kind.
func (t *Topology) service(name, service string, take func() (string, error)) error {
	files := pair{cert: filepath.Join(t.authority.dir, service+".pem"), key: filepath.Join(t.authority.dir, service+".key")}
	if !exists(files.cert) {
		var err error
		files, err = t.authority.issue(service)
		if err != nil {
			return err
		}
	}
	dir := filepath.Join(t.cfg.Dir, name)
	env := append(inherited(), t.serviceEnv(service)...)
	env = append(env,
		"ALMONER_DATA_DIR="+dir, "ALMONER_GRPC_CERT="+files.cert, "ALMONER_GRPC_KEY="+files.key, "ALMONER_GRPC_CA="+t.authority.file())
	ops, err := take()
	if err != nil {
		return err
	}
	env = append(env, "ALMONER_OPS_ADDR="+ops)
	t.shared.ops[name] = ops
	if t.shared.http[name] != "" {
		env = append(env, "ALMONER_HTTP_ADDR="+t.shared.http[name])
	}
	if t.shared.grpc[name] != "" {
		env = append(env, "ALMONER_GRPC_ADDR="+t.shared.grpc[name])
	}
	t.add(&process{
		name: name, program: t.cfg.Almoner, args: []string{"run", "--target=" + service}, env: env,
		ready: answers("http://" + ops + "/readyz"), quit: syscall.SIGTERM, orphaned: syscall.SIGKILL,
	})
	return nil
}

// serviceEnv is what a service is told and no other needs to know.
func (t *Topology) serviceEnv(service string) []string {
	env := []string{
		databaseVariable(service) + "=" + t.postgres.url(service, database.AppRole(service)),
		"ALMONER_BASE_URL=" + t.Site(),
	}
	for _, sibling := range asked(service) {
		env = append(env, "ALMONER_"+strings.ToUpper(sibling)+"_ADDR="+t.shared.grpc[sibling])
	}
	if service == "web" {
		env = append(env, "ALMONER_PERSON_KEY="+t.shared.persons["ALMONER_PERSON_KEY"])
	} else {
		env = append(env, "ALMONER_PERSON_PUBLIC_KEY="+t.shared.persons["ALMONER_PERSON_PUBLIC_KEY"],
			"ALMONER_NATS_URL="+strings.Join(t.natsURLs, ","), "ALMONER_NATS_CA="+t.authority.file(),
			"ALMONER_NATS_CREDS="+filepath.Join(t.shared.keys, service+".nk"), "ALMONER_NATS_REPLICAS=3")
	}
	switch service {
	case "donation":
		env = append(env, t.stripeEnv()...)
		env = append(env, "ALMONER_SECRET_KEY="+t.shared.secret)
	case "receipt":
		env = append(env, "ALMONER_SECRET_KEY="+t.shared.secret, t.mailEnv())
	case "fundraiser":
		env = append(env, t.mailEnv())
	case "web":
		env = append(env, "ALMONER_STRIPE_URL="+t.Stripe(), t.mailEnv())
	}
	return env
}

func (t *Topology) stripeEnv() []string {
	return []string{
		t.mailEnv(), "STRIPE_SECRET_KEY=sk_test_split", "STRIPE_WEBHOOK_SECRETS=" + t.shared.webhookSecret, "ALMONER_STRIPE_URL=" + t.Stripe(),
		"ALMONER_PAYMENT_METHODS=card,sepa_debit,bacs_debit,us_bank_account",
	}
}

// mailEnv lets web show at /dev/mail what the others "sent".
func (t *Topology) mailEnv() string {
	return "ALMONER_MAIL_DIR=" + filepath.Join(t.cfg.Dir, "mail")
}

// OperatorEnv is what an operator's commands need: every database, and no way to
// any service. It holds secrets.
func (t *Topology) OperatorEnv() []string {
	env := []string{"ALMONER_DATA_DIR=" + filepath.Join(t.cfg.Dir, "operator"), "ALMONER_BASE_URL=" + t.Site(), "ALMONER_SECRET_KEY=" + t.shared.secret, t.mailEnv()}
	env = append(env, t.stripeEnv()...)
	for _, service := range node.Databases() {
		env = append(env, databaseVariable(service)+"="+t.postgres.url(service, database.AppRole(service)))
	}
	return env
}

// WriteEnv leaves the operator's variables for a shell, whole or not at all: it is
// the sign that everything is up.
func (t *Topology) WriteEnv() error {
	var text strings.Builder
	for _, variable := range t.OperatorEnv() {
		name, value, _ := strings.Cut(variable, "=")
		fmt.Fprintf(&text, "%s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	beside := t.EnvFile() + ".new"
	err := writeFile(beside, []byte(text.String()))
	if err != nil {
		return err
	}
	return os.Rename(beside, t.EnvFile())
}

func databaseVariable(service string) string {
	return "ALMONER_" + strings.ToUpper(service) + "_DATABASE_URL"
}

// asked are the services that a service has questions for, and whose feeds it
// reads. It is told of no others.
func asked(service string) []string {
	return map[string][]string{
		"donation":   {"fundraiser"},
		"fundraiser": {"donation"},
		"receipt":    {"donation", "fundraiser"},
		"ledger":     {"donation", "fundraiser"},
		"web":        node.Services(),
	}[service]
}

// inherited are the few variables that a service keeps from whoever started this:
// where telemetry goes, and what the system itself needs.
func inherited() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return !strings.HasPrefix(name, "OTEL_") && !slices.Contains([]string{"PATH", "HOME", "TMPDIR", "TZ", "GOCOVERDIR"}, name)
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
