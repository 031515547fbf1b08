package rpc

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// lookEvery is how often, at most, files are looked at: handshakes may come in
// thousands after a restart.
const lookEvery = 3 * time.Second

// CertificateFiles name what a process proves itself with, in PEM.
type CertificateFiles struct {
	// Cert is the certificate, with those between it and the authority. Its DNS
	// names are those of the services that it speaks for; the common name counts
	// for nothing.
	Cert string
	// Key is its private key.
	Key string
	// CA are the authorities whose certificates are believed, of servers and of
	// clients alike.
	CA string
}

// Certificates are read from their files at each handshake, when those have
// changed: a certificate is replaced without a restart. Files that cannot be used
// change nothing; see Fault. It is safe for concurrent use.
type Certificates struct {
	files  CertificateFiles
	now    func() time.Time
	logger *slog.Logger

	mu     sync.Mutex
	looked time.Time
	stamps [3]stamp
	held   material
	fault  error
}

// material is one whole set.
type material struct {
	own         tls.Certificate
	authorities *x509.CertPool
}

// stamp tells a file from its successor.
type stamp struct {
	modified time.Time
	size     int64
	inode    uint64
}

// LoadCertificates reads the files. It fails when they cannot be used now: when
// the key is another's, the certificate has expired, comes from another authority
// or names no service. The error does not name variables.
func LoadCertificates(files CertificateFiles, now func() time.Time, logger *slog.Logger) (*Certificates, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	c := &Certificates{files: files, now: now, logger: logger}
	var err error
	c.stamps, err = files.stamps()
	if err != nil {
		return nil, err
	}
	c.held, err = files.read(now())
	if err != nil {
		return nil, err
	}
	c.looked = now()
	return c, nil
}

// Names are the services that the certificate speaks for.
func (c *Certificates) Names() []string { return slices.Clone(c.current().own.Leaf.DNSNames) }

// Expires is when others stop believing the certificate.
func (c *Certificates) Expires() time.Time { return c.current().own.Leaf.NotAfter }

// Issued is since when the certificate may be believed.
func (c *Certificates) Issued() time.Time { return c.current().own.Leaf.NotBefore }

// Fault says why files that changed are not used, or that what is used has
// expired; nil when all is well.
func (c *Certificates) Fault() error {
	held := c.current()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fault != nil {
		return c.fault
	}
	return inForce(held.own.Leaf, c.now())
}

// current is what to prove oneself with now.
func (c *Certificates) current() material {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	// A clock that was set back must not keep the old files in use.
	since := now.Sub(c.looked)
	if since >= 0 && since < lookEvery {
		return c.held
	}
	c.looked = now
	stamps, err := c.files.stamps()
	if err == nil && stamps == c.stamps {
		return c.held
	}
	var fresh material
	if err == nil {
		fresh, err = c.files.read(now)
	}
	if err != nil {
		// Three files cannot be replaced at once, so this may be the moment between:
		// they are read again at the next look.
		if c.fault == nil || c.fault.Error() != err.Error() {
			c.logger.Error("the new certificate is not used, the old one stays", "error", err)
		}
		c.fault = err
		return c.held
	}
	c.held, c.stamps, c.fault = fresh, stamps, nil
	c.logger.Info("certificate read anew", "names", fresh.own.Leaf.DNSNames, "expires", fresh.own.Leaf.NotAfter)
	return c.held
}

func (f CertificateFiles) stamps() (stamps [3]stamp, err error) {
	for i, name := range []string{f.Cert, f.Key, f.CA} {
		info, err := os.Stat(name)
		if err != nil {
			return stamps, fmt.Errorf("look at the certificate's files: %w", err)
		}
		stamps[i] = stamp{modified: info.ModTime(), size: info.Size()}
		// A link that is turned to another file, as Kubernetes does it, may keep both.
		if system, ok := info.Sys().(*syscall.Stat_t); ok {
			stamps[i].inode = system.Ino
		}
	}
	return stamps, nil
}

func (f CertificateFiles) read(now time.Time) (m material, err error) {
	m.own, err = tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return material{}, fmt.Errorf("read certificate %s with key %s: %w", f.Cert, f.Key, err)
	}
	authorities, err := os.ReadFile(f.CA)
	if err != nil {
		return material{}, fmt.Errorf("read authority: %w", err)
	}
	m.authorities = x509.NewCertPool()
	if !m.authorities.AppendCertsFromPEM(authorities) {
		return material{}, fmt.Errorf("read authority %s: it holds no certificate", f.CA)
	}
	leaf := m.own.Leaf
	if len(leaf.DNSNames) == 0 {
		return material{}, fmt.Errorf("certificate %s names no service (DNS names count, the common name does not)", f.Cert)
	}
	err = inForce(leaf, now)
	if err != nil {
		return material{}, fmt.Errorf("certificate %s: %w", f.Cert, err)
	}
	between := x509.NewCertPool()
	for _, der := range m.own.Certificate[1:] {
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			return material{}, fmt.Errorf("read certificate %s: %w", f.Cert, err)
		}
		between.AddCert(parsed)
	}
	// A process is at both ends: it answers and it asks.
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		_, err = leaf.Verify(x509.VerifyOptions{Roots: m.authorities, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage}})
		if err != nil {
			return material{}, fmt.Errorf("certificate %s is not believed by the authority in %s: %w", f.Cert, f.CA, err)
		}
	}
	return m, nil
}

// inForce says whether a certificate has begun and not ended.
func inForce(leaf *x509.Certificate, now time.Time) error {
	switch {
	case now.After(leaf.NotAfter):
		return fmt.Errorf("has expired on %s", leaf.NotAfter.UTC().Format(time.RFC3339))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("is not valid before %s", leaf.NotBefore.UTC().Format(time.RFC3339))
	}
	return nil
}

// server is what answers: nobody is let in who does not prove a name.
func (m material) server(now func() time.Time) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{m.own}, Time: now,
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: m.authorities,
		// Each connection is proved anew: an authority that is believed no more must not
		// live on in tickets.
		SessionTicketsDisabled: true,
	}
}

// client is what asks a service, and believes nobody else to be it.
func (m material) client(service string, now func() time.Time) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{m.own}, Time: now,
		RootCAs: m.authorities, ServerName: service,
	}
}
