package node

import (
	"bytes"
	"maps"
	"slices"
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
	cfg, err = LoadConfig(append(good, "ALMONER_PAYMENT_METHODS=card,sepa_debit,bacs_debit,us_bank_account"))
	if err != nil || len(cfg.PaymentMethods) != 4 {
		t.Fatalf("bank debits in production: %v, %v", cfg.PaymentMethods, err)
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
		"metrics on the public site":         {append(good, "ALMONER_OPS_ADDR=127.0.0.1:8080"), "would be public"},
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
		"a way to pay that is none":          {[]string{"ALMONER_PAYMENT_METHODS=card,cash"}, "no method"},
		"debits alone":                       {[]string{"ALMONER_PAYMENT_METHODS=sepa_debit"}, "leaves out card"},
		"a limit without a currency":         {[]string{"ALMONER_REFUND_LIMIT=500"}, "does not begin with a currency"},
		"a limit that is no number":          {[]string{"ALMONER_REFUND_LIMIT=EUR much"}, "no whole amount"},
		"a limit below nothing":              {[]string{"ALMONER_REFUND_LIMIT=EUR -1"}, "no whole amount"},
		"two limits of one currency":         {[]string{"ALMONER_REFUND_LIMIT=EUR 500, EUR 600"}, "EUR twice"},
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

func TestHowDonorsPayAndWhatIsGivenBackAlone(t *testing.T) {
	t.Parallel()
	cfg, err := LoadConfig([]string{"ALMONER_PAYMENT_METHODS=card, sepa_debit,bacs_debit", "ALMONER_REFUND_LIMIT=EUR 500, JPY:50000,USD: 0"})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"card", "sepa_debit", "bacs_debit"}; !slices.Equal(cfg.PaymentMethods, want) {
		t.Errorf("methods %v, want %v", cfg.PaymentMethods, want)
	}
	if want := map[string]int64{"EUR": 500_00, "JPY": 50_000, "USD": 0}; !maps.Equal(cfg.RefundLimit, want) {
		t.Errorf("limits %v, want %v", cfg.RefundLimit, want)
	}
	cfg, err = LoadConfig(nil)
	if err != nil || !slices.Equal(cfg.PaymentMethods, []string{"card"}) || len(cfg.RefundLimit) != 0 {
		t.Errorf("by default %v, %v, %v", cfg.PaymentMethods, cfg.RefundLimit, err)
	}
}

// A part is told what it lacks, and is not asked for what others need.
func TestEachTargetStartsWithItsOwnVariables(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("ab", 32)
	common := []string{"ALMONER_NATS_URL=nats://127.0.0.1:4222", "ALMONER_GRPC_ADDR=127.0.0.1:7001", "ALMONER_OPS_ADDR=127.0.0.1:9001", "ALMONER_PERSON_PUBLIC_KEY=" + key}
	// A key that no part here reads is not looked at: one file may hold the
	// variables of all.
	foreign := []string{"STRIPE_SECRET_KEY=not-a-key", "ALMONER_SMTP_URL=smtp://mail", "ALMONER_STAFF=nobody"}
	ledger := with(slices.Concat(common, foreign), "ALMONER_DONATION_ADDR=127.0.0.1:7002", "ALMONER_FUNDRAISER_ADDR=127.0.0.1:7003")
	cfg, err := LoadConfig(ledger, "ledger")
	if err != nil || cfg.StripeKey.IsSet() || cfg.SMTPURL.IsSet() || cfg.simulated() || cfg.runs("donation") {
		t.Fatalf("a ledger of its own: %v, %+v", err, cfg)
	}
	web := []string{"ALMONER_PERSON_KEY=" + key, "ALMONER_DONATION_ADDR=127.0.0.1:7002", "ALMONER_FUNDRAISER_ADDR=127.0.0.1:7003",
		"ALMONER_RECEIPT_ADDR=127.0.0.1:7004", "ALMONER_LEDGER_ADDR=127.0.0.1:7005"}
	_, err = LoadConfig(web, "web")
	if err != nil {
		t.Fatalf("a site of its own: %v", err)
	}
	donation := with(common, "ALMONER_FUNDRAISER_ADDR=127.0.0.1:7003", "ALMONER_BASE_URL=http://127.0.0.1:8080",
		"STRIPE_SECRET_KEY=sk_test_x", "STRIPE_WEBHOOK_SECRETS=whsec_a", "ALMONER_STRIPE_URL=http://127.0.0.1:8081")
	_, err = LoadConfig(donation, "donation")
	if err != nil {
		t.Fatalf("a donation service of its own: %v", err)
	}
	secured := func(set []string) []string {
		return with(set, "ALMONER_GRPC_CERT=c.pem", "ALMONER_GRPC_KEY=k.pem", "ALMONER_GRPC_CA=ca.pem")
	}
	production := with(secured(ledger), "ALMONER_ENV=production", "ALMONER_GRPC_ADDR=10.0.0.5:7001", "ALMONER_DONATION_ADDR=donation.internal:7001")
	_, err = LoadConfig(production, "ledger")
	if err != nil {
		t.Fatalf("the books in production need neither Stripe nor mail: %v", err)
	}
	for name, change := range map[string]struct {
		set    []string
		target string
		says   string
	}{
		"without NATS":                      {with(ledger, "ALMONER_NATS_URL="), "ledger", "ALMONER_NATS_URL"},
		"where nobody can ask it":           {with(ledger, "ALMONER_GRPC_ADDR="), "ledger", "ALMONER_GRPC_ADDR"},
		"that does not know whom it asks":   {with(ledger, "ALMONER_FUNDRAISER_ADDR="), "ledger", "ALMONER_FUNDRAISER_ADDR: is empty; fundraiser is asked"},
		"whose health is nowhere":           {with(ledger, "ALMONER_OPS_ADDR="), "ledger", "ALMONER_OPS_ADDR"},
		"that believes nobody":              {with(ledger, "ALMONER_PERSON_PUBLIC_KEY="), "ledger", "ALMONER_PERSON_PUBLIC_KEY"},
		"a site that nobody believes":       {with(web, "ALMONER_PERSON_KEY="), "web", "ALMONER_PERSON_KEY"},
		"two halves of two keys":            {with(web, "ALMONER_PERSON_PUBLIC_KEY="+key), "web", "other half"},
		"the key of the example":            {with(ledger, "ALMONER_PERSON_PUBLIC_KEY="+strings.Repeat("00", 32)), "ledger", "nobody's"},
		"a database in the clear":           {with(production, "ALMONER_LEDGER_DATABASE_URL=postgres://almoner_ledger:hunter2@db/almoner_ledger"), "ledger", "reaches db over a network without TLS"},
		"a cut key":                         {with(web, "ALMONER_PERSON_KEY="+key[:40]), "web", "64 hex digits"},
		"with a simulator of its own":       {with(donation, "STRIPE_SECRET_KEY=", "STRIPE_WEBHOOK_SECRETS=", "ALMONER_STRIPE_URL="), "donation", "embedded simulator"},
		"that does not know the site":       {with(donation, "ALMONER_BASE_URL="), "donation", "ALMONER_BASE_URL"},
		"plain in production":               {with(production, "ALMONER_GRPC_CERT=", "ALMONER_GRPC_KEY=", "ALMONER_GRPC_CA="), "ledger", "mutual TLS"},
		"a certificate without its key":     {with(secured(ledger), "ALMONER_GRPC_KEY="), "ledger", "ALMONER_GRPC_KEY: is empty; certificate, key and authority"},
		"plain to another machine":          {with(ledger, "ALMONER_DONATION_ADDR=10.0.0.7:7002"), "ledger", "plain connections do not leave the machine"},
		"plain for the world":               {with(ledger, "ALMONER_GRPC_ADDR=0.0.0.0:7001"), "ledger", "loopback"},
		"production, and health on nothing": {with(production, "ALMONER_OPS_ADDR="), "ledger", "ALMONER_OPS_ADDR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := LoadConfig(change.set, change.target)
			if err == nil || !strings.Contains(err.Error(), change.says) {
				t.Errorf("got %v, want a refusal that says %q", err, change.says)
			}
		})
	}
}

// with leaves set as it was; later settings win, as in a shell.
func with(set []string, more ...string) []string { return slices.Concat(set, more) }

func TestTargets(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "ledger": "ledger", "web, donation": "web donation"} {
		target, err := ParseTarget(text)
		if err != nil || strings.Join(target, " ") != want {
			t.Errorf("%q is %v, %v", text, target, err)
		}
	}
	for _, text := range []string{"bank", "ledger,", "ledger,ledger", "Ledger"} {
		_, err := ParseTarget(text)
		if err == nil {
			t.Errorf("%q is a target", text)
		}
	}
	part := Config{Target: []string{"ledger", "receipt"}}
	if part.whole() || !slices.Equal(part.siblings(), []string{"donation", "fundraiser"}) || !slices.Equal(part.services(), []string{"receipt", "ledger"}) {
		t.Errorf("services %v, siblings %v", part.services(), part.siblings())
	}
	whole := Config{Target: []string{"web", "ledger", "receipt", "fundraiser", "donation"}}
	if !whole.whole() || len(whole.siblings()) != 0 {
		t.Errorf("all by name are not all: %v", whole.siblings())
	}
}

// An operator's command works beside production with what it needs: an audit has
// no mail server and no staff.
func TestOperatorsAreAskedForLess(t *testing.T) {
	t.Parallel()
	_, err := LoadOperatorConfig([]string{"ALMONER_ENV=production", "STRIPE_SECRET_KEY=rk_live_x"})
	if err != nil {
		t.Errorf("an audit: %v", err)
	}
	_, err = LoadOperatorConfig([]string{"ALMONER_ENV=production", "STRIPE_SECRET_KEY=rk_live_x", "ALMONER_SMTP_URL=smtps://mail.example.org"})
	if err == nil || !strings.Contains(err.Error(), "dead") {
		t.Errorf("mails with links that nobody can follow: %v", err)
	}
	cfg, err := LoadMigrateConfig([]string{"ALMONER_ENV=production", "ALMONER_LEDGER_DATABASE_URL=postgres://migrator@db/ledger?sslmode=require", "ALMONER_WEB_DATABASE_URL=postgres://web@db/web"}, "ledger")
	if err != nil || len(cfg.DatabaseURLs) != 1 {
		t.Errorf("a migration of one database: %v, %v", err, cfg.DatabaseURLs)
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
