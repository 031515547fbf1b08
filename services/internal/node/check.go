package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/almoner/almoner/services/internal/platform/config"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/internal/platform/natsserver"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

// reachTimeout bounds how long one thing is tried.
const reachTimeout = 5 * time.Second

// Checkup is what a process would find if it were started now.
type Checkup struct {
	// Settings are the variables that the target reads, without their secrets.
	Settings []config.Setting
	// Unread are secrets that were given and that no service of the target needs.
	Unread   []string
	Findings []Finding
}

// Finding is about one thing; Err is nil when all is well with it.
type Finding struct {
	About string
	Said  string
	Err   error
}

// Check looks at everything that a process with this target would stand on, and
// changes nothing: neither a file nor a table is made.
func Check(ctx context.Context, environ []string, target ...string) Checkup {
	cfg := Config{Target: target}
	settings, err := cfg.table().Read(environ)
	found := Checkup{Settings: settings, Unread: unreadSecrets(&cfg, environ)}
	if err == nil {
		cfg, err = LoadConfig(environ, target...)
	}
	if err != nil {
		found.add("configuration", "", err)
		return found
	}
	found.add("configuration", strings.Join(cfg.services(), ", "), nil)
	certificates, err := cfg.certificates(time.Now, nil)
	if err != nil || certificates != nil {
		found.add("certificate", describeCertificate(certificates), err)
	}
	for _, service := range cfg.services() {
		found.checkDatabase(ctx, cfg, service)
	}
	found.checkNATS(ctx, cfg)
	for _, sibling := range cfg.siblings() {
		found.checkSibling(ctx, cfg, sibling, certificates)
	}
	if cfg.runs("donation") {
		found.checkStripe(ctx, cfg)
	}
	if cfg.runs("donation", "fundraiser", "receipt", "web") {
		found.checkMail(ctx, cfg)
	}
	return found
}

// OK says that nothing is wrong.
func (c Checkup) OK() bool {
	return !slices.ContainsFunc(c.Findings, func(f Finding) bool { return f.Err != nil })
}

// Write prints a line for each setting and each finding.
func (c Checkup) Write(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range c.Settings {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", s.Name, s.Value, s.Origin)
	}
	for _, name := range c.Unread {
		fmt.Fprintf(tw, "%s\t\tgiven and not needed: take it away\n", name)
	}
	if len(c.Settings)+len(c.Unread) > 0 {
		fmt.Fprintln(tw)
	}
	for _, f := range c.Findings {
		verdict, said := "ok", f.Said
		if f.Err != nil {
			// One line each: a configuration may be wrong in several ways.
			verdict, said = "WRONG", strings.ReplaceAll(f.Err.Error(), "\n", "; ")
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\n", verdict, f.About, said)
	}
	return tw.Flush()
}

func (c *Checkup) add(about, said string, err error) {
	c.Findings = append(c.Findings, Finding{about, said, err})
}

// clock adds how far another clock is from ours; one that cannot be read adds
// nothing, for that its owner is away has been said.
func (c *Checkup) clock(ctx context.Context, other clock) {
	skew, err := other.ahead(ctx)
	if err != nil {
		return
	}
	if skew.Abs() > largestSkew {
		err = errors.New(sayskew(other.against, skew))
	}
	c.add("clock of "+other.against, fmt.Sprintf("differs by %s", skew.Abs().Round(100*time.Millisecond)), err)
}

// unreadSecrets are keys that lie in a process which has no use for them: whoever
// breaks into it has them, too.
func unreadSecrets(cfg *Config, environ []string) []string {
	var found []string
	for _, v := range cfg.variables() {
		given := slices.ContainsFunc(environ, func(set string) bool {
			name, value, _ := strings.Cut(set, "=")
			return value != "" && (name == v.Name || name == v.Name+"_FILE")
		})
		if v.Secret && given && !cfg.reads(v) {
			found = append(found, v.Name)
		}
	}
	return found
}

func describeCertificate(certificates *rpc.Certificates) string {
	if certificates == nil {
		return ""
	}
	return fmt.Sprintf("of %s until %s", strings.Join(certificates.Names(), ", "), certificates.Expires().UTC().Format(time.RFC3339))
}

func (c *Checkup) checkDatabase(ctx context.Context, cfg Config, service string) {
	about, url := "database of "+service, cfg.databaseURL(service)
	file, isFile := strings.CutPrefix(url, "sqlite:")
	if isFile {
		_, err := os.Stat(file)
		if errors.Is(err, os.ErrNotExist) {
			c.add(about, file+" will be made", halfRestored(cfg.DataDir))
			return
		}
	}
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	var open closers
	cfg.Target = []string{service}
	databases, err := openDatabases(ctx, cfg, slog.New(slog.DiscardHandler), unobserved(cfg, &open), &open)
	if err == nil {
		err = c.lookAt(ctx, service, databases[service])
	}
	c.add(about, "up to date", errors.Join(err, open.close()))
}

// lookAt finds a missing migration; a file is migrated at the start.
func (c *Checkup) lookAt(ctx context.Context, service string, db *database.DB) error {
	if db.Engine() == database.SQLite {
		return db.Ping(ctx)
	}
	err := db.Ready(ctx)
	if err == nil {
		c.clock(ctx, clock{"database of " + service, db.ClockAhead})
	}
	return err
}

func (c *Checkup) checkNATS(ctx context.Context, cfg Config) {
	if cfg.NATSURL == "" {
		return
	}
	for _, member := range feedMembers() {
		if !cfg.runs(member.Service) {
			continue
		}
		broker, err := natsserver.Dial(natsserver.DialConfig{URLs: cfg.NATSURL, Name: member.Service, Credentials: cfg.NATSCredentials, CA: cfg.NATSCA})
		if err != nil {
			c.add("NATS for "+member.Service, "", err)
			continue
		}
		reach, cancel := context.WithTimeout(ctx, reachTimeout)
		err = broker.FlushWithContext(reach)
		cancel()
		if err != nil {
			err = errors.Join(fmt.Errorf("is not reached within %s: %w", reachTimeout, err), broker.LastError())
		}
		c.add("NATS for "+member.Service, broker.ConnectedUrlRedacted(), err)
		if err == nil {
			c.clock(ctx, natsClock(broker, member))
		}
		broker.Close()
	}
}

func (c *Checkup) checkSibling(ctx context.Context, cfg Config, sibling string, certificates *rpc.Certificates) {
	caller := cfg.services()[slices.IndexFunc(cfg.services(), func(service string) bool { return slices.Contains(asks(service), sibling) })]
	remote, err := rpc.Dial(sibling, cfg.PeerAddrs[sibling], caller, certificates)
	if err != nil {
		c.add(sibling, "", err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	err = remote.Reachable(ctx)
	c.add(sibling, "answers at "+cfg.PeerAddrs[sibling], errors.Join(err, remote.Close()))
}

func (c *Checkup) checkStripe(ctx context.Context, cfg Config) {
	if cfg.simulated() {
		c.add("Stripe", "the embedded simulator stands in for it", nil)
		return
	}
	account := configuredAccount(cfg)
	c.add("Stripe", "knows the key", account.checkKey(ctx))
	if account.live {
		c.add("webhook endpoint", "there is one of this mode", account.checkEndpoint(ctx))
	}
	c.clock(ctx, account.clock())
}

func (c *Checkup) checkMail(ctx context.Context, cfg Config) {
	if !cfg.SMTPURL.IsSet() {
		c.add("mail", "is kept in "+cfg.mailDir(), nil)
		return
	}
	server, err := mail.NewSMTP(cfg.SMTPURL, time.Now)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, reachTimeout)
		defer cancel()
		err = server.Check(ctx)
	}
	c.add("mail", "the server takes us in", err)
}
