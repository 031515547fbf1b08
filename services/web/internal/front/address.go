package front

import (
	"context"

	"github.com/almoner/almoner/services/internal/platform/httpserver"
)

// ClientAddress is the network address that attempts are counted by; empty
// when the request did not come through the server's edge.
func ClientAddress(ctx context.Context) string {
	address := httpserver.ClientAddr(ctx)
	if !address.IsValid() {
		return ""
	}
	return address.String()
}
