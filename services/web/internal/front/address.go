package front

import (
	"context"
	"net/netip"

	"github.com/almoner/almoner/services/internal/platform/httpserver"
)

// network is how much of a longer address names a subscriber: each is given that
// many bits at least, and has more addresses below them than could ever be counted.
const network = 64

// ClientAddress is the network address that attempts are counted by: of version 6
// the network. Empty when the request did not come through the server's edge.
func ClientAddress(ctx context.Context) string {
	address := httpserver.ClientAddr(ctx)
	if !address.IsValid() {
		return ""
	}
	address = address.Unmap()
	if address.Is4() || address.IsLoopback() {
		return address.String()
	}
	return netip.PrefixFrom(address.WithZone(""), network).Masked().Addr().String()
}
