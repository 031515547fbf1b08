package database

import (
	"net/netip"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Unencrypted returns a host that a connection to the URL may reach over a network
// without TLS, and "" when there is none: a file, a socket and this machine itself are
// no network. sslmode prefer, the default, and allow are without it wherever somebody
// in between wants that. What cannot be read as a URL is found out when it is opened.
func Unencrypted(url string) string {
	engine, _, err := parseURL(url)
	if err != nil || engine != PostgreSQL {
		return ""
	}
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return ""
	}
	ways := append([]*pgconn.FallbackConfig{{Host: cfg.Host, TLSConfig: cfg.TLSConfig}}, cfg.Fallbacks...)
	for _, way := range ways {
		ip, err := netip.ParseAddr(way.Host)
		near := strings.HasPrefix(way.Host, "/") || way.Host == "localhost" || err == nil && ip.IsLoopback()
		if way.TLSConfig == nil && !near {
			return way.Host
		}
	}
	return ""
}
