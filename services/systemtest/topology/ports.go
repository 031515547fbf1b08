package topology

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are taken from below those that the system gives to outgoing
// connections: a part that is down for a while must find its own free again.
const (
	firstPort = 20_000
	lastPort  = 32_000
)

// ports gives out addresses of this machine that nobody listens on.
type ports struct{ given map[int]bool }

func (p *ports) take(ctx context.Context) (string, error) {
	var config net.ListenConfig
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort) //nolint:gosec // not a secret
		if p.given[port] {
			continue
		}
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		listener, err := config.Listen(ctx, "tcp", addr)
		if err != nil {
			continue // somebody's
		}
		err = listener.Close()
		if err != nil {
			return "", fmt.Errorf("try port %d: %w", port, err)
		}
		if p.given == nil {
			p.given = map[int]bool{}
		}
		p.given[port] = true
		return addr, nil
	}
	return "", errors.New("no free port")
}
