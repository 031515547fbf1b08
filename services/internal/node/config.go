package node

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/almoner/almoner/services/internal/platform/config"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
)

// Config is everything that a process can be told. LoadConfig fills it from the
// environment; tests fill it by hand.
type Config struct {
	// Target are the services that the process runs; none named are all.
	Target []string
	// Environment is development or production.
	Environment string
	DataDir     string
	HTTPAddr    string
	// OpsAddr serves /livez, /readyz and /metrics; empty means the public address.
	OpsAddr string
	// BaseURL of the public site, without a final slash; empty means from the address.
	BaseURL   string
	SecretKey config.Secret
	// PersonKey is the seed, in hex, that web signs acting people with; empty in a
	// process that runs everything means one made from SecretKey. Where web does not
	// run, PersonPublicKey is its other half.
	PersonKey       config.Secret
	PersonPublicKey string
	// GRPCAddr is where other processes ask the services of this one; empty means
	// nowhere. The files prove who is at each end, and keep what is said secret.
	GRPCAddr                  string
	GRPCCert, GRPCKey, GRPCCA string
	// PeerAddrs are those of services that run elsewhere, by name.
	PeerAddrs map[string]string
	// DatabaseURLs by service; a service that is missing has a SQLite file.
	DatabaseURLs    map[string]string
	NATSURL         string
	NATSCredentials string
	NATSCA          string
	NATSReplicas    int
	StripeKey       config.Secret
	WebhookSecrets  []config.Secret
	// StripeURL is another API base than Stripe's, for test keys only.
	StripeURL     string
	StripesimAddr string
	// PaymentMethods are how donors may pay, RefundLimit what one person may give back
	// alone, in minor units by currency.
	PaymentMethods []string
	RefundLimit    map[string]int64
	SMTPURL        config.Secret
	MailFrom       string
	// MailDir is where mails are kept that are not sent; empty means below DataDir.
	MailDir        string
	TrustedProxies []netip.Prefix
	// Staff that may sign in: roles by mail address.
	Staff map[string][]string
	// FontDir holds fonts for documents besides those in the program and the
	// system's.
	FontDir string
	// Export says where spans go.
	Export telemetry.ExportConfig
	// Version of the program, for telemetry.
	Version string

	purpose purpose
}

// purpose is what a process reads its configuration for.
type purpose int

const (
	toRun purpose = iota
	toOperate
	toMigrate
)

const (
	development = "development"
	production  = "production"
	// developmentStaff can sign in where mails are read at /dev/mail. The domain is
	// reserved: nobody gets mail there.
	developmentStaff = "finance@example.org:accountant,admin@example.org:admin"
)

// ConfigError says that what a process was told is wrong: it fails in the same way
// when it is started again.
type ConfigError struct{ Err error }

func (e ConfigError) Error() string { return "configuration: " + e.Err.Error() }

func (e ConfigError) Unwrap() error { return e.Err }

// variable is a row of the table and who reads it.
type variable struct {
	config.Row
	// by are the services that read it; none named are all.
	by []string
	// run says that it is read only to run services, and not by an operator's
	// commands.
	run bool
}

// variables are every variable of the program; `almoner help` prints them.
func (c *Config) variables() []variable {
	c.DatabaseURLs, c.PeerAddrs = map[string]string{}, map[string]string{}
	all := []variable{
		{Row: config.Row{Name: "ALMONER_ENV", Default: development, Doc: "development or production",
			Parse: config.OneOf(&c.Environment, development, production)}},
		{Row: config.Row{Name: "ALMONER_DATA_DIR", Default: "./data", Doc: "SQLite files, NATS store, stored mails, the simulator's state; each process has its own",
			Parse: config.Text(&c.DataDir)}},
		{by: []string{"donation", "web"}, Row: config.Row{Name: "ALMONER_HTTP_ADDR", Default: "127.0.0.1:8080", Doc: "the site and /webhooks/stripe",
			Parse: address(&c.HTTPAddr)}},
		{run: true, Row: config.Row{Name: "ALMONER_OPS_ADDR", Doc: "/livez, /readyz and /metrics; by default the site's address, required in production and where there is no site",
			Parse: address(&c.OpsAddr)}},
		{by: []string{"donation", "fundraiser", "receipt", "web"}, Row: config.Row{Name: "ALMONER_BASE_URL", Doc: "the site's public address, for links in mails and the way back from Stripe; by default from ALMONER_HTTP_ADDR",
			Parse: baseURL(&c.BaseURL)}},
		{by: []string{"donation", "receipt"}, Row: config.Row{Name: "ALMONER_SECRET_KEY", Secret: true, Doc: "signs receipt links, seals what Stripe sent; by default made in the data directory, required in production",
			Parse: config.Hidden(&c.SecretKey)}},
		{by: []string{"web"}, run: true, Row: config.Row{Name: "ALMONER_PERSON_KEY", Secret: true, Doc: "signs on whose behalf the site asks; by default made from ALMONER_SECRET_KEY where everything runs in one process",
			Parse: personSeed(&c.PersonKey)}},
		{run: true, Row: config.Row{Name: "ALMONER_PERSON_PUBLIC_KEY", Doc: "its public half, required where the site does not run (almoner keys person makes both)",
			Parse: personPublic(&c.PersonPublicKey)}},
		{run: true, Row: config.Row{Name: "ALMONER_GRPC_ADDR", Doc: "where the other processes ask this one's services; by default nowhere",
			Parse: address(&c.GRPCAddr)}},
		{run: true, Row: config.Row{Name: "ALMONER_GRPC_CERT", Doc: "PEM file with the certificate of this process, in the names of its services; read again when it changes",
			Parse: config.Text(&c.GRPCCert)}},
		{run: true, Row: config.Row{Name: "ALMONER_GRPC_KEY", Doc: "PEM file with its private key",
			Parse: config.Text(&c.GRPCKey)}},
		{run: true, Row: config.Row{Name: "ALMONER_GRPC_CA", Doc: "PEM file with the authority that signs the certificates of all processes; without the three, connections are plain (development, loopback)",
			Parse: config.Text(&c.GRPCCA)}},
	}
	for _, service := range Services() {
		all = append(all, variable{by: askers(service), run: true, Row: config.Row{Name: "ALMONER_" + strings.ToUpper(service) + "_ADDR",
			Doc: "where " + service + " is, when it runs in another process", Parse: peer(c.PeerAddrs, service)}})
	}
	for _, service := range Databases() {
		// A database URL may hold a password, so it is a secret: it may come from a file.
		all = append(all, variable{by: []string{service}, Row: config.Row{Name: "ALMONER_" + strings.ToUpper(service) + "_DATABASE_URL", Secret: true,
			Doc: "postgres://… or sqlite:PATH; by default a SQLite file in the data directory", Parse: entry(c.DatabaseURLs, service)}})
	}
	mailers := []string{"donation", "fundraiser", "receipt", "web"}
	return append(all,
		variable{by: Services(), run: true, Row: config.Row{Name: "ALMONER_NATS_URL", Doc: "NATS server, or those of a cluster separated by commas: nats://host:port or tls://host:port; by default embedded, without a port",
			Parse: natsURLs(&c.NATSURL)}},
		variable{by: Services(), run: true, Row: config.Row{Name: "ALMONER_NATS_CREDS", Doc: "file with an nkey seed or JWT credentials, or a directory with <service>.nk for each service of the process",
			Parse: config.Text(&c.NATSCredentials)}},
		variable{by: Services(), run: true, Row: config.Row{Name: "ALMONER_NATS_CA", Doc: "PEM file with the authorities that NATS servers' certificates come from; by default the system's",
			Parse: config.Text(&c.NATSCA)}},
		variable{by: Services(), run: true, Row: config.Row{Name: "ALMONER_NATS_REPLICAS", Default: "1", Doc: "copies of each stream: 1 or 3",
			Parse: replicas(&c.NATSReplicas)}},
		variable{by: []string{"donation"}, Row: config.Row{Name: "STRIPE_SECRET_KEY", Secret: true, Doc: "key of the Stripe account; by default the simulator is used",
			Parse: stripeKey(&c.StripeKey)}},
		variable{by: []string{"donation"}, Row: config.Row{Name: "STRIPE_WEBHOOK_SECRETS", Secret: true, Doc: "signing secrets of the webhook endpoint, separated by commas (two while one is replaced)",
			Parse: secrets(&c.WebhookSecrets)}},
		variable{by: []string{"donation", "web"}, Row: config.Row{Name: "ALMONER_STRIPE_URL", Doc: "another API base than Stripe's, for test keys only",
			Parse: config.Text(&c.StripeURL)}},
		variable{by: []string{"donation"}, Row: config.Row{Name: "ALMONER_STRIPESIM_ADDR", Default: "127.0.0.1:8081", Doc: "where the embedded simulator listens",
			Parse: address(&c.StripesimAddr)}},
		variable{by: []string{"donation"}, run: true, Row: config.Row{Name: "ALMONER_PAYMENT_METHODS", Default: "card",
			Doc:   "how single gifts can be paid: card, and sepa_debit (gifts in EUR), bacs_debit (in GBP) and us_bank_account (in USD) where the Stripe account has them, once all processes are of a version that has them; monthly gifts are paid by card",
			Parse: paymentMethods(&c.PaymentMethods)}},
		variable{by: []string{"donation"}, run: true, Row: config.Row{Name: "ALMONER_REFUND_LIMIT",
			Doc:   "how much of a gift one member of staff may give back without a second one, such as EUR:500,JPY:50000; by default 500, or 50000 of a currency without decimals",
			Parse: refundLimit(&c.RefundLimit)}},
		variable{by: mailers, Row: config.Row{Name: "ALMONER_SMTP_URL", Secret: true, Doc: "smtp:// or smtps:// with user, password, host and port; by default mails are stored and shown at /dev/mail",
			Parse: config.Hidden(&c.SMTPURL)}},
		variable{by: mailers, Row: config.Row{Name: "ALMONER_MAIL_FROM", Doc: "address that mails come from; by default one at the site's host",
			Parse: mailAddress(&c.MailFrom)}},
		variable{by: mailers, Row: config.Row{Name: "ALMONER_MAIL_DIR", Doc: "where mails are stored that are not sent, one directory for all processes; by default mail in the data directory",
			Parse: config.Text(&c.MailDir)}},
		variable{by: []string{"web"}, run: true, Row: config.Row{Name: "ALMONER_STAFF", Doc: "who may sign in as staff, email:role separated by commas, roles viewer, accountant, admin; by default " + developmentStaff + " in development, required in production",
			Parse: staff(&c.Staff)}},
		variable{by: []string{"receipt", "web"}, Row: config.Row{Name: "ALMONER_FONT_DIR", Doc: "directory with fonts for documents, besides those in the program and the system's",
			Parse: config.Text(&c.FontDir)}},
		variable{by: []string{"donation", "web"}, run: true, Row: config.Row{Name: "ALMONER_TRUSTED_PROXIES", Doc: "addresses (CIDR) whose X-Forwarded-For is believed",
			Parse: proxies(&c.TrustedProxies)}},
		variable{run: true, Row: config.Row{Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Doc: "where spans go, http://host:port or https://host:port; by default nowhere",
			Parse: config.Text(&c.Export.Endpoint)}},
		variable{run: true, Row: config.Row{Name: "OTEL_EXPORTER_OTLP_PROTOCOL", Default: telemetry.HTTP, Doc: "grpc or http/protobuf",
			Parse: config.OneOf(&c.Export.Protocol, telemetry.GRPC, telemetry.HTTP)}},
		variable{run: true, Row: config.Row{Name: "OTEL_EXPORTER_OTLP_HEADERS", Secret: true, Doc: "name=value separated by commas, such as a key for the collector",
			Parse: config.Hidden(&c.Export.Headers)}},
		variable{run: true, Row: config.Row{Name: "OTEL_EXPORTER_OTLP_CERTIFICATE", Doc: "PEM file with the authorities that the collector's certificate comes from; by default the system's",
			Parse: config.Text(&c.Export.Certificate)}},
		variable{run: true, Row: config.Row{Name: "OTEL_EXPORTER_OTLP_TIMEOUT", Default: "10000", Doc: "milliseconds after which spans that the collector does not take are dropped",
			Parse: milliseconds(&c.Export.Timeout)}},
		variable{run: true, Row: config.Row{Name: "OTEL_TRACES_SAMPLER", Default: "always_on", Doc: "which traces are exported: " + strings.Join(telemetry.Samplers(), ", ") + "; ids exist for all",
			Parse: config.OneOf(&c.Export.Sampler, telemetry.Samplers()...)}},
		variable{run: true, Row: config.Row{Name: "OTEL_TRACES_SAMPLER_ARG", Doc: "the part of 1 for samplers that keep a part",
			Parse: config.Text(&c.Export.SamplerArg)}},
	)
}

// table holds the variables, of which this process reads its own alone.
func (c *Config) table() config.Table {
	var rows config.Table
	for _, v := range c.variables() {
		row := v.Row
		row.Unread = !c.reads(v)
		rows = append(rows, row)
	}
	return rows
}

func (c *Config) reads(v variable) bool {
	if c.purpose == toMigrate {
		return v.Name == "ALMONER_ENV" || v.Name == "ALMONER_DATA_DIR" || strings.HasSuffix(v.Name, "_DATABASE_URL") && c.runs(v.by...)
	}
	if c.purpose == toOperate {
		return !v.run
	}
	return len(v.by) == 0 || c.runs(v.by...)
}

// askers are the services that have questions for a service.
func askers(of string) []string {
	return slices.DeleteFunc(Databases(), func(service string) bool { return !slices.Contains(asks(service), of) })
}

// LoadConfig reads the environment for a process that runs the services of
// target, or all when none are named. Every wrong variable is reported at once;
// those that the target does not read are not looked at.
func LoadConfig(environ []string, target ...string) (Config, error) {
	return load(environ, Config{Target: target})
}

// LoadOperatorConfig reads the environment for a command that an operator runs
// beside the instance. It asks for less: an audit needs no mail server.
func LoadOperatorConfig(environ []string) (Config, error) {
	return load(environ, Config{purpose: toOperate})
}

// LoadMigrateConfig reads the environment for the migration of the databases of
// target: their URLs and nothing else.
func LoadMigrateConfig(environ []string, target ...string) (Config, error) {
	return load(environ, Config{Target: target, purpose: toMigrate})
}

func load(environ []string, c Config) (Config, error) {
	_, err := c.table().Read(environ)
	if err == nil && len(c.Staff) == 0 && c.Environment != production {
		err = staff(&c.Staff)(developmentStaff)
	}
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return Config{}, ConfigError{err}
	}
	return c, nil
}

// DescribeVariables prints the table, with the services that read each.
func DescribeVariables(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range (&Config{}).variables() {
		name, by := v.Name, "all"
		if v.Secret {
			name += "[_FILE]"
		}
		if len(v.by) > 0 {
			by = strings.Join(v.by, ",")
		}
		fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\n", name, by, v.Default, v.Doc)
	}
	return tw.Flush()
}

// simulated says that the embedded simulator stands in for Stripe.
func (c *Config) simulated() bool { return c.runs("donation") && !c.StripeKey.IsSet() }

// plaintext says that connections between processes prove nothing and hide nothing:
// development on one machine.
func (c *Config) plaintext() bool { return c.GRPCCert == "" && c.Environment != production }

// databaseURL of a service.
func (c *Config) databaseURL(service string) string {
	if configured := c.DatabaseURLs[service]; configured != "" {
		return configured
	}
	return "sqlite:" + filepath.Join(c.DataDir, service+".db")
}

// local says that something that an operator's command reads is in the data
// directory.
func (c *Config) local() bool { return c.simulated() || len(c.DatabaseURLs) < len(c.services()) }

// mailDir is where mails are kept that are not sent; empty when they are.
func (c *Config) mailDir() string {
	switch {
	case c.SMTPURL.IsSet():
		return ""
	case c.MailDir != "":
		return c.MailDir
	default:
		return filepath.Join(c.DataDir, "mail")
	}
}

// prepare makes the data directory, readable by its owner alone.
func (c *Config) prepare() error {
	err := os.MkdirAll(c.DataDir, 0o700)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}
