package node

import (
	"bytes"
	"strings"
	"testing"
)

func TestNothingNeedsToBeSet(t *testing.T) {
	t.Parallel()
	cfg, err := LoadConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !cfg.simulated() || cfg.HTTPAddr != "127.0.0.1:8080" || cfg.databaseURL("ledger") != "sqlite:data/ledger.db" {
		t.Errorf("the defaults are %+v", cfg)
	}
	if len(cfg.Staff) != 2 || !cfg.hasAdmin() {
		t.Errorf("staff of development: %v", cfg.Staff)
	}
}

// Each of these would lose money, publish it, or touch real money by mistake.
func TestDangerousConfigurationsAreRefused(t *testing.T) {
	t.Parallel()
	good := []string{
		"ALMONER_ENV=production", "ALMONER_BASE_URL=https://give.example.org", "ALMONER_OPS_ADDR=127.0.0.1:9090",
		"ALMONER_SECRET_KEY=0123456789abcdef0123456789abcdef", "STRIPE_SECRET_KEY=sk_live_x", "STRIPE_WEBHOOK_SECRETS=whsec_a,whsec_b",
		"ALMONER_SMTP_URL=smtps://user:password@mail.example.org",
		"ALMONER_STAFF=books@example.org:accountant,books@example.org:viewer,Chair@Example.org:admin",
	}
	cfg, err := LoadConfig(good)
	if err != nil || len(cfg.WebhookSecrets) != 2 || len(cfg.Staff["books@example.org"]) != 2 || len(cfg.Staff["chair@example.org"]) != 1 {
		t.Fatalf("a good production configuration is refused: %v", err)
	}
	// Later settings win, as in a shell.
	for name, change := range map[string]struct {
		set  []string
		says string
	}{
		"the simulator in production":        {append(good, "STRIPE_SECRET_KEY=", "STRIPE_WEBHOOK_SECRETS="), "refuses the simulator"},
		"no webhook secret":                  {append(good, "STRIPE_WEBHOOK_SECRETS="), "forged webhooks"},
		"webhook secrets that are commas":    {append(good, "STRIPE_WEBHOOK_SECRETS=, ,"), "forged webhooks"},
		"http":                               {append(good, "ALMONER_BASE_URL=http://give.example.org"), "https"},
		"a site below a path":                {append(good, "ALMONER_BASE_URL=https://example.org/give"), "root"},
		"no secret key":                      {append(good, "ALMONER_SECRET_KEY="), "outlives the machine"},
		"a short secret key":                 {append(good, "ALMONER_SECRET_KEY=secret"), "shorter"},
		"health on the public site":          {append(good, "ALMONER_OPS_ADDR="), "ALMONER_OPS_ADDR"},
		"mails to nowhere":                   {append(good, "ALMONER_SMTP_URL="), "reach anybody"},
		"a live key with another Stripe":     {append(good, "ALMONER_STRIPE_URL=http://127.0.0.1:1"), "test keys only"},
		"a live key in development":          {[]string{"STRIPE_SECRET_KEY=rk_live_x", "STRIPE_WEBHOOK_SECRETS=whsec_a"}, "real money"},
		"a public address in development":    {[]string{"ALMONER_HTTP_ADDR=0.0.0.0:8080"}, "loopback"},
		"every interface in development":     {[]string{"ALMONER_HTTP_ADDR=:8080"}, "loopback"},
		"a simulator for the world":          {[]string{"ALMONER_STRIPESIM_ADDR=192.0.2.1:8081"}, "loopback"},
		"a key that is none":                 {[]string{"STRIPE_SECRET_KEY=hunter2"}, "no secret key"},
		"an address without a port":          {[]string{"ALMONER_HTTP_ADDR=127.0.0.1"}, "host:port"},
		"two replicas":                       {[]string{"ALMONER_NATS_REPLICAS=2"}, "1 or 3"},
		"a proxy that is no address":         {[]string{"ALMONER_TRUSTED_PROXIES=proxy"}, "neither an address"},
		"a variable with a typing mistake":   {[]string{"ALMONER_DATADIR=/x"}, "ALMONER_DATA_DIR"},
		"nobody who may add staff":           {append(good, "ALMONER_STAFF=books@example.org:accountant"), "names no admin"},
		"no staff in production":             {append(good, "ALMONER_STAFF="), "names no admin"},
		"staff with a role that is none":     {[]string{"ALMONER_STAFF=books@example.org:boss"}, "no role"},
		"staff without a role":               {[]string{"ALMONER_STAFF=books@example.org"}, "no role"},
		"staff without an address":           {[]string{"ALMONER_STAFF=books:admin"}, "not email:role"},
		"webhook secrets without a key":      {[]string{"STRIPE_WEBHOOK_SECRETS=whsec_a"}, "without STRIPE_SECRET_KEY"},
		"another Stripe without a test key":  {[]string{"ALMONER_STRIPE_URL=http://127.0.0.1:1"}, "without STRIPE_SECRET_KEY"},
		"an environment that does not exist": {[]string{"ALMONER_ENV=staging"}, "production"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := LoadConfig(change.set)
			if err == nil || !strings.Contains(err.Error(), change.says) {
				t.Errorf("got %v, want a refusal that says %q", err, change.says)
			}
			if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "rk_live_x")) {
				t.Errorf("the refusal prints a secret: %v", err)
			}
		})
	}
}

func TestEveryVariableIsDescribed(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := DescribeVariables(&out)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range (&Config{}).table() {
		if row.Doc == "" || !strings.Contains(out.String(), row.Name) {
			t.Errorf("%s is not described", row.Name)
		}
	}
}
