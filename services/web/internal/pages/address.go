package pages

import (
	"net"
	"net/http"
)

// clientAddress is the network address that the limit on attempts counts.
func clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
