package httpserver

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// ParseProxies reads a list of addresses and CIDR ranges: "10.0.0.0/8" or
// "127.0.0.1".
func ParseProxies(list []string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, text := range list {
		prefix, err := netip.ParsePrefix(text)
		if err == nil {
			prefixes = append(prefixes, prefix.Masked())
			continue
		}
		addr, addrErr := netip.ParseAddr(text)
		if addrErr != nil {
			return nil, fmt.Errorf("trusted proxy %q is neither an address nor a range", text)
		}
		prefixes = append(prefixes, netip.PrefixFrom(addr, addr.BitLen()))
	}
	return prefixes, nil
}

// proxies are the machines whose word is taken for where a request came from.
type proxies []netip.Prefix

func (p proxies) trust(addr netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// client walks X-Forwarded-For from the right, where the nearest proxy wrote,
// as long as who wrote is trusted. What stands further left may have been
// written by the client itself. trusted tells whether the connection is a
// proxy's.
func (p proxies) client(r *http.Request) (addr netip.Addr, trusted bool) {
	addr = connection(r)
	trusted = p.trust(addr)
	if !trusted {
		return addr, false
	}
	// A header may be repeated; the lines belong together in order.
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		next, err := parseHop(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = next
		if !p.trust(addr) {
			break
		}
	}
	return addr, true
}

// connection is the other end of the connection.
func connection(r *http.Request) netip.Addr {
	conn, ok := r.Context().Value(connKey{}).(*wholeConn)
	if ok {
		return conn.client
	}
	return addrOf(r.RemoteAddr)
}

// addrOf is unmapped, so that an IPv4 client is the same over either family.
func addrOf(remoteAddr string) netip.Addr {
	remote, err := netip.ParseAddrPort(remoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return remote.Addr().Unmap().WithZone("")
}

// parseHop reads an address with or without a port, as proxies write both.
func parseHop(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		withPort, portErr := netip.ParseAddrPort(text)
		if portErr != nil {
			return netip.Addr{}, errors.Join(err, portErr)
		}
		addr = withPort.Addr()
	}
	return addr.Unmap().WithZone(""), nil
}

// TooLarge reports whether reading a request failed because its body exceeds
// what the server takes: the answer is 413.
func TooLarge(err error) bool {
	var limit *http.MaxBytesError
	return errors.As(err, &limit)
}

// LimitBody takes less than the server's limit from one handler's requests.
// Reading beyond it fails with an error that TooLarge recognises.
func LimitBody(limit int64, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		handler.ServeHTTP(w, r)
	})
}
