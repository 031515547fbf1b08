package topology

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// certificateLife is longer than anybody leaves a throwaway instance running.
const certificateLife = 30 * 24 * time.Hour

// authority signs the certificates of one instance. Its key is never written.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newAuthority makes one and writes its certificate into dir.
func newAuthority(dir string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("draw the authority's key: %w", err)
	}
	template, err := template("Almoner, thrown away")
	if err != nil {
		return nil, err
	}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make the authority: %w", err)
	}
	a := &authority{dir: dir, cert: cert, key: key}
	return a, writeFile(a.file(), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// file with the authority's certificate.
func (a *authority) file() string { return filepath.Join(a.dir, "ca.pem") }

// pair of files that prove a name: certificate and key.
type pair struct{ cert, key string }

// issue writes a certificate for name, which serves at both ends of a connection.
// The addresses are those that it is reached at, beside its name; they are among
// the names, too, for NATS looks for a node's route there and nowhere else.
func (a *authority) issue(name string, addresses ...net.IP) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fmt.Errorf("draw the key of %s: %w", name, err)
	}
	template, err := template(name)
	if err != nil {
		return pair{}, err
	}
	template.DNSNames, template.IPAddresses = []string{name}, addresses
	for _, address := range addresses {
		template.DNSNames = append(template.DNSNames, address.String())
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return pair{}, fmt.Errorf("sign the certificate of %s: %w", name, err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return pair{}, fmt.Errorf("write the key of %s: %w", name, err)
	}
	files := pair{cert: filepath.Join(a.dir, name+".pem"), key: filepath.Join(a.dir, name+".key")}
	return files, errors.Join(
		writeFile(files.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		writeFile(files.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
	)
}

func template(name string) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Minute), NotAfter: now.Add(certificateLife),
	}, nil
}

// writeFile for the owner alone: nearly everything here is a secret.
func writeFile(name string, content []byte) error {
	return os.WriteFile(name, content, 0o600) //nolint:gosec // below the directory that the caller named
}
