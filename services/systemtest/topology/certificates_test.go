package topology

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"testing"
)

// A certificate proves one name, at both ends, to who believes this authority and
// to nobody else.
func TestACertificateProvesOneName(t *testing.T) {
	t.Parallel()
	ours, err := newAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := newAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	files, err := ours.issue("ledger", net.IPv4(127, 0, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := tls.LoadX509KeyPair(files.cert, files.key)
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range []struct {
		by    *authority
		name  string
		use   x509.ExtKeyUsage
		holds bool
	}{
		{ours, "ledger", x509.ExtKeyUsageServerAuth, true},
		{ours, "ledger", x509.ExtKeyUsageClientAuth, true},
		{ours, "127.0.0.1", x509.ExtKeyUsageServerAuth, true},
		{ours, "web", x509.ExtKeyUsageServerAuth, false},
		{theirs, "ledger", x509.ExtKeyUsageServerAuth, false},
	} {
		roots := x509.NewCertPool()
		roots.AddCert(check.by.cert)
		_, err := loaded.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: check.name, KeyUsages: []x509.ExtKeyUsage{check.use}})
		if (err == nil) != check.holds {
			t.Errorf("as %s: %v", check.name, err)
		}
	}
	info, err := os.Stat(files.key)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key may be read by others: %v %v", info.Mode(), err)
	}
}

func TestPortsAreGivenOnce(t *testing.T) {
	t.Parallel()
	var p ports
	seen := map[string]bool{}
	for range 50 {
		addr, err := p.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if seen[addr] {
			t.Errorf("%s was given twice", addr)
		}
		seen[addr] = true
	}
}
