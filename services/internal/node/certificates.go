package node

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/almoner/almoner/services/internal/platform/rpc"
)

// countExpiry shows Prometheus when the others stop believing this process: alarms
// ring while there is time. Without anybody who looks, metrics are nil.
func countExpiry(certificates *rpc.Certificates, metrics prometheus.Registerer) {
	if metrics == nil {
		return
	}
	metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "almoner_certificate_expires_timestamp_seconds", Help: "When the certificate ends by which this process proves itself to the others.",
	}, func() float64 { return float64(certificates.Expires().Unix()) }),
		// What is soon depends on how long it was made for: a day, or a year.
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "almoner_certificate_issued_timestamp_seconds", Help: "Since when that certificate may be believed.",
		}, func() float64 { return float64(certificates.Issued().Unix()) }))
}

// certificates are those that the process proves itself with, nil where none are
// configured. What the others would refuse is refused here already: a process that
// nobody lets in should not look as if it ran.
func (c *Config) certificates(now func() time.Time, logger *slog.Logger) (*rpc.Certificates, error) {
	if c.GRPCCert == "" {
		return nil, nil
	}
	loaded, err := rpc.LoadCertificates(rpc.CertificateFiles{Cert: c.GRPCCert, Key: c.GRPCKey, CA: c.GRPCCA}, now, logger)
	if err != nil {
		return nil, ConfigError{fmt.Errorf("ALMONER_GRPC_CERT, _KEY, _CA: %w", err)}
	}
	for _, service := range c.services() {
		if !slices.Contains(loaded.Names(), service) {
			return nil, ConfigError{fmt.Errorf("ALMONER_GRPC_CERT: %s is a certificate of %s, and this process runs %s",
				c.GRPCCert, strings.Join(loaded.Names(), ", "), service)}
		}
	}
	return loaded, nil
}
