package natsserver

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// DialConfig says which servers to connect to, and as whom.
type DialConfig struct {
	// URLs of the servers of one cluster, separated by commas. See CheckURLs.
	URLs string
	// Name of the service that connects.
	Name string
	// Credentials names a file with an nkey seed or with JWT credentials, or a
	// directory in which <Name>.nk is such a file. Empty means none.
	Credentials string
	// CA names a PEM file with the authorities whose servers are believed. Empty
	// means the system's. Given, TLS is used whatever the URLs say.
	CA string
	// Logger gets what disturbs the connection; nil logs nothing.
	Logger *slog.Logger
}

// Dial connects to a NATS server or cluster that may be down: the connection is
// returned at once and is made, and made again, for as long as it is open. The
// error is about the URLs or the files, never about the network.
func Dial(cfg DialConfig) (*nats.Conn, error) {
	conn, err := dial(cfg)
	if err != nil {
		return nil, fmt.Errorf("dial NATS as %s: %w", cfg.Name, err)
	}
	return conn, nil
}

func dial(cfg DialConfig) (*nats.Conn, error) {
	err := CheckURLs(cfg.URLs)
	if err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	settings := options(cfg.Name, cfg.Logger)
	if cfg.CA != "" || strings.Contains(cfg.URLs, "tls://") {
		settings = append(settings, nats.Secure(&tls.Config{MinVersion: tls.VersionTLS13}))
	}
	if cfg.CA != "" {
		err := readable(cfg.CA)
		if err != nil {
			return nil, err
		}
		// The file is read at each connection, so authorities are replaced without
		// a restart.
		settings = append(settings, nats.RootCAs(cfg.CA))
	}
	if cfg.Credentials != "" {
		identity, err := identify(cfg.Credentials, cfg.Name)
		if err != nil {
			return nil, err
		}
		settings = append(settings, identity)
	}
	return nats.Connect(cfg.URLs, settings...)
}

// CheckURLs says what is wrong with a list of servers: each is nats://host:port
// or tls://host:port, all of one kind, and none holds a password, for addresses
// are shown and logged.
func CheckURLs(list string) error {
	scheme := ""
	for one := range strings.SplitSeq(list, ",") {
		parsed, err := url.Parse(strings.TrimSpace(one))
		switch {
		case err != nil || parsed.Host == "" || (parsed.Scheme != "nats" && parsed.Scheme != "tls"):
			// Not quoted: what cannot be read may hold a password.
			return errors.New("is not a list of nats://host:port or tls://host:port, separated by commas")
		case parsed.User != nil:
			return errors.New("holds a user or a password; name a credentials file instead")
		case parsed.Path != "" && parsed.Path != "/", parsed.RawQuery != "", parsed.Fragment != "":
			return fmt.Errorf("%s has more than host and port", parsed.Redacted())
		case scheme != "" && scheme != parsed.Scheme:
			return errors.New("mixes nats:// and tls://; the servers of one cluster are reached alike")
		}
		scheme = parsed.Scheme
	}
	return nil
}

// readable refuses a file without a certificate now. The connection would fail
// because of it for ever, in the background.
func readable(ca string) error {
	content, err := os.ReadFile(ca)
	if err != nil {
		return fmt.Errorf("read certificate authorities: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(content) {
		return fmt.Errorf("read certificate authorities: %s holds no certificate", ca)
	}
	return nil
}

// identify finds a service's own credentials, and tells JWT credentials from a
// bare seed by what is in the file.
func identify(path, name string) (nats.Option, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read credentials: %w", err)
	}
	if info.IsDir() {
		path = filepath.Join(path, name+seedSuffix)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read credentials: %w", err)
	}
	if strings.Contains(string(content), "BEGIN NATS USER JWT") {
		return nats.UserCredentials(path), nil
	}
	seed, err := nats.NkeyOptionFromSeed(path)
	if err != nil {
		return nil, fmt.Errorf("read nkey seed from %s: %w", path, err)
	}
	return seed, nil
}

// inboxPrefix is where answers to a connection arrive. Each has its own, so that
// none may listen to another's.
func inboxPrefix(name string) string { return "_INBOX_" + name }

// options are the same for every connection. It is never given up, and nothing
// is held back in memory while it is down: what was "sent" then would be sent
// later, after the relay has long gone another way.
func options(name string, logger *slog.Logger) []nats.Option {
	return []nats.Option{
		nats.Name(name),
		nats.CustomInboxPrefix(inboxPrefix(name)),
		nats.MaxReconnects(-1),
		nats.ReconnectBufSize(-1),
		nats.RetryOnFailedConnect(true),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, 250*time.Millisecond),
		nats.Timeout(2 * time.Second),
		nats.PingInterval(10 * time.Second),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			logger.Warn("NATS connection", "name", name, "error", err)
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				logger.Warn("NATS connection lost", "name", name, "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			logger.Info("NATS connection restored", "name", name)
		}),
	}
}
