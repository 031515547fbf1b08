package node

import (
	"errors"
	"fmt"
	"io"
	"net"
	netmail "net/mail"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/almoner/almoner/services/internal/platform/config"
	"github.com/almoner/almoner/services/internal/platform/httpserver"
)

// Config is everything that a process can be told. LoadConfig fills it from the
// environment; tests fill it by hand.
type Config struct {
	// Environment is development or production.
	Environment string
	DataDir     string
	HTTPAddr    string
	// OpsAddr serves /livez, /readyz; empty means the public address.
	OpsAddr string
	// BaseURL of the public site, without a final slash; empty means from the address.
	BaseURL   string
	SecretKey config.Secret
	// DatabaseURLs by service; a service that is missing has a SQLite file.
	DatabaseURLs    map[string]string
	NATSURL         string
	NATSCredentials string
	NATSCA          string
	NATSReplicas    int
	StripeKey       config.Secret
	WebhookSecrets  []config.Secret
	// StripeURL is another API base than Stripe's, for test keys only.
	StripeURL      string
	StripesimAddr  string
	SMTPURL        config.Secret
	MailFrom       string
	TrustedProxies []netip.Prefix
	// Staff that may sign in: roles by mail address.
	Staff map[string][]string
	// FontDir holds fonts for documents besides those in the program and the
	// system's.
	FontDir string
	// Version of the program, for telemetry.
	Version string
}

const (
	development = "development"
	production  = "production"
	// developmentStaff can sign in where mails are read at /dev/mail. The domain is
	// reserved: nobody gets mail there.
	developmentStaff = "finance@example.org:accountant,admin@example.org:admin"
)

// Services that tell and listen, in the order in which they are opened.
func Services() []string { return []string{"donation", "fundraiser", "receipt", "ledger"} }

// Databases are those of the services, and of web, which keeps sessions and has
// no feed.
func Databases() []string { return append(Services(), "web") }

// table is every variable of the program; `almoner help` prints it.
func (c *Config) table() config.Table {
	rows := config.Table{
		{Name: "ALMONER_ENV", Default: development, Doc: "development or production",
			Parse: config.OneOf(&c.Environment, development, production)},
		{Name: "ALMONER_DATA_DIR", Default: "./data", Doc: "SQLite files, NATS store, stored mails, the simulator's state",
			Parse: config.Text(&c.DataDir)},
		{Name: "ALMONER_HTTP_ADDR", Default: "127.0.0.1:8080", Doc: "the site and /webhooks/stripe",
			Parse: address(&c.HTTPAddr)},
		{Name: "ALMONER_OPS_ADDR", Doc: "/livez and /readyz; by default the site's address, required in production",
			Parse: address(&c.OpsAddr)},
		{Name: "ALMONER_BASE_URL", Doc: "the site's public address, for links in mails and the way back from Stripe; by default from ALMONER_HTTP_ADDR",
			Parse: baseURL(&c.BaseURL)},
		{Name: "ALMONER_SECRET_KEY", Secret: true, Doc: "signs receipt links; by default made in the data directory, required in production",
			Parse: config.Hidden(&c.SecretKey)},
	}
	c.DatabaseURLs = map[string]string{}
	for _, service := range Databases() {
		// A database URL may hold a password, so it is a secret: it may come from a file.
		rows = append(rows, config.Row{Name: "ALMONER_" + strings.ToUpper(service) + "_DATABASE_URL", Secret: true,
			Doc: "postgres://… or sqlite:PATH; by default a SQLite file in the data directory",
			Parse: func(value string) error {
				if value != "" {
					c.DatabaseURLs[service] = value
				}
				return nil
			}})
	}
	return append(rows,
		config.Row{Name: "ALMONER_NATS_URL", Doc: "NATS server, or those of a cluster separated by commas: nats://host:port or tls://host:port; by default embedded, without a port",
			Parse: natsURLs(&c.NATSURL)},
		config.Row{Name: "ALMONER_NATS_CREDS", Doc: "file with an nkey seed or JWT credentials, or a directory with <service>.nk for each service of the process",
			Parse: config.Text(&c.NATSCredentials)},
		config.Row{Name: "ALMONER_NATS_CA", Doc: "PEM file with the authorities that NATS servers' certificates come from; by default the system's",
			Parse: config.Text(&c.NATSCA)},
		config.Row{Name: "ALMONER_NATS_REPLICAS", Default: "1", Doc: "copies of each stream: 1 or 3",
			Parse: replicas(&c.NATSReplicas)},
		config.Row{Name: "STRIPE_SECRET_KEY", Secret: true, Doc: "key of the Stripe account; by default the simulator is used",
			Parse: stripeKey(&c.StripeKey)},
		config.Row{Name: "STRIPE_WEBHOOK_SECRETS", Secret: true, Doc: "signing secrets of the webhook endpoint, separated by commas (two while one is replaced)",
			Parse: secrets(&c.WebhookSecrets)},
		config.Row{Name: "ALMONER_STRIPE_URL", Doc: "another API base than Stripe's, for test keys only",
			Parse: config.Text(&c.StripeURL)},
		config.Row{Name: "ALMONER_STRIPESIM_ADDR", Default: "127.0.0.1:8081", Doc: "where the embedded simulator listens",
			Parse: address(&c.StripesimAddr)},
		config.Row{Name: "ALMONER_SMTP_URL", Secret: true, Doc: "smtp:// or smtps:// with user, password, host and port; by default mails are stored and shown at /dev/mail",
			Parse: config.Hidden(&c.SMTPURL)},
		config.Row{Name: "ALMONER_MAIL_FROM", Doc: "address that mails come from; by default one at the site's host",
			Parse: mailAddress(&c.MailFrom)},
		config.Row{Name: "ALMONER_STAFF", Doc: "who may sign in as staff, email:role separated by commas, roles viewer, accountant, admin; by default " + developmentStaff + " in development, required in production",
			Parse: staff(&c.Staff)},
		config.Row{Name: "ALMONER_FONT_DIR", Doc: "directory with fonts for documents, besides those in the program and the system's",
			Parse: config.Text(&c.FontDir)},
		config.Row{Name: "ALMONER_TRUSTED_PROXIES", Doc: "addresses (CIDR) whose X-Forwarded-For is believed",
			Parse: proxies(&c.TrustedProxies)},
	)
}

// LoadConfig reads the environment. Every wrong variable is reported at once.
func LoadConfig(environ []string) (Config, error) {
	var c Config
	_, err := c.table().Read(environ)
	if err != nil {
		return Config{}, err
	}
	if len(c.Staff) == 0 && c.Environment != production {
		err = staff(&c.Staff)(developmentStaff)
		if err != nil {
			return Config{}, err
		}
	}
	return c, c.check()
}

// DescribeVariables prints the table.
func DescribeVariables(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range (&Config{}).table() {
		name := row.Name
		if row.Secret {
			name += "[_FILE]"
		}
		fmt.Fprintf(tw, "  %s\t%s\t%s\n", name, row.Default, row.Doc)
	}
	return tw.Flush()
}

// check holds variables against each other. Production refuses whatever could
// lose money or publish it; development refuses whatever could touch the real
// world.
func (c *Config) check() error {
	var problems []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	live := strings.Contains(c.StripeKey.Reveal(), "_live_")
	refuse(c.StripeKey.IsSet() && len(c.WebhookSecrets) == 0,
		"STRIPE_WEBHOOK_SECRETS: is empty; anybody could send forged webhooks")
	refuse(!c.StripeKey.IsSet() && len(c.WebhookSecrets) > 0,
		"STRIPE_WEBHOOK_SECRETS: is set without STRIPE_SECRET_KEY")
	refuse(!c.StripeKey.IsSet() && c.StripeURL != "",
		"ALMONER_STRIPE_URL: is set without STRIPE_SECRET_KEY (a simulator takes any sk_test_ key)")
	refuse(live && c.StripeURL != "", "ALMONER_STRIPE_URL: is for test keys only")
	if c.Environment == production {
		refuse(!c.StripeKey.IsSet(), "STRIPE_SECRET_KEY: is empty; production refuses the simulator")
		refuse(!c.SecretKey.IsSet(), "ALMONER_SECRET_KEY: is empty; production needs a key that outlives the machine")
		refuse(c.SecretKey.IsSet() && len(c.SecretKey.Reveal()) < 32, "ALMONER_SECRET_KEY: is shorter than 32 characters")
		refuse(!strings.HasPrefix(c.BaseURL, "https://"), "ALMONER_BASE_URL: must be an https address in production")
		refuse(c.OpsAddr == "", "ALMONER_OPS_ADDR: is required in production, so that the site does not serve it")
		refuse(!c.SMTPURL.IsSet(), "ALMONER_SMTP_URL: is empty; receipts would not reach anybody")
		refuse(!c.hasAdmin(), "ALMONER_STAFF: names no admin; nobody could add staff")
		return errors.Join(problems...)
	}
	refuse(live, "STRIPE_SECRET_KEY: is a live key; development refuses real money (set ALMONER_ENV=production)")
	for name, addr := range map[string]string{
		"ALMONER_HTTP_ADDR": c.HTTPAddr, "ALMONER_OPS_ADDR": c.OpsAddr, "ALMONER_STRIPESIM_ADDR": c.StripesimAddr,
	} {
		refuse(addr != "" && !loopback(addr), "%s: %s is not a loopback address; development shows mails and a simulator", name, addr)
	}
	return errors.Join(problems...)
}

// simulated says that the embedded simulator stands in for Stripe.
func (c *Config) simulated() bool { return !c.StripeKey.IsSet() }

func (c *Config) hasAdmin() bool {
	for _, roles := range c.Staff {
		if slices.Contains(roles, "admin") {
			return true
		}
	}
	return false
}

// databaseURL of a service.
func (c *Config) databaseURL(service string) string {
	if configured := c.DatabaseURLs[service]; configured != "" {
		return configured
	}
	return "sqlite:" + filepath.Join(c.DataDir, service+".db")
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func address(target *string) func(string) error {
	return func(value string) error {
		*target = value
		if value == "" {
			return nil
		}
		_, port, err := net.SplitHostPort(value)
		if err != nil {
			return fmt.Errorf("%q is not host:port", value)
		}
		_, err = strconv.ParseUint(port, 10, 16)
		if err != nil {
			return fmt.Errorf("%q has no port number", value)
		}
		return nil
	}
}

func baseURL(target *string) func(string) error {
	return func(value string) error {
		*target = strings.TrimSuffix(value, "/")
		if value == "" {
			return nil
		}
		parsed, err := url.Parse(value)
		if err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
			return fmt.Errorf("%q is not an http or https address", value)
		}
		if parsed.Path != "" && parsed.Path != "/" || parsed.RawQuery != "" || parsed.Fragment != "" {
			return fmt.Errorf("%q has more than a host; links within the site start at its root", value)
		}
		return nil
	}
}

func mailAddress(target *string) func(string) error {
	return func(value string) error {
		*target = value
		if value == "" {
			return nil
		}
		parsed, err := netmail.ParseAddress(value)
		if err != nil || parsed.Address != value {
			return fmt.Errorf("%q is not a plain mail address", value)
		}
		return nil
	}
}

// staff reads email:role pairs; the roles of one address join.
func staff(target *map[string][]string) func(string) error {
	return func(value string) error {
		var parts []string
		err := config.List(&parts)(value)
		if err != nil {
			return err
		}
		*target = map[string][]string{}
		for _, part := range parts {
			email, role, _ := strings.Cut(part, ":")
			var address string
			err := mailAddress(&address)(strings.ToLower(email))
			if err != nil || address == "" {
				return fmt.Errorf("%q is not email:role", part)
			}
			if !slices.Contains([]string{"viewer", "accountant", "admin"}, role) {
				return fmt.Errorf("there is no role %q; viewer, accountant or admin", role)
			}
			(*target)[address] = append((*target)[address], role)
		}
		return nil
	}
}

func replicas(target *int) func(string) error {
	return func(value string) error {
		if value != "1" && value != "3" {
			return fmt.Errorf("is %q; 1 or 3 (2 and 4 survive no more failures)", value)
		}
		*target = int(value[0] - '0')
		return nil
	}
}

func stripeKey(target *config.Secret) func(string) error {
	return func(value string) error {
		for _, prefix := range []string{"sk_test_", "sk_live_", "rk_test_", "rk_live_"} {
			if strings.HasPrefix(value, prefix) {
				return config.Hidden(target)(value)
			}
		}
		if value != "" {
			return errors.New("is no secret key (sk_… or rk_…)")
		}
		return nil
	}
}

func secrets(target *[]config.Secret) func(string) error {
	return func(value string) error {
		var parts []string
		err := config.List(&parts)(value)
		if err != nil {
			return err
		}
		*target = nil
		for _, part := range parts {
			*target = append(*target, config.NewSecret(part))
		}
		return nil
	}
}

func proxies(target *[]netip.Prefix) func(string) error {
	return func(value string) error {
		var parts []string
		err := config.List(&parts)(value)
		if err != nil {
			return err
		}
		*target, err = httpserver.ParseProxies(parts)
		return err
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
