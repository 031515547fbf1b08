package mail

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
)

// Carrier takes messages to where they are going: to a server, or in development
// into a directory. A message that is refused for good comes back with a permanent
// error; sent again after any other, it has the same id.
type Carrier interface {
	Send(ctx context.Context, message Message) error
}

// AddressAt is the address of a mailbox at the site's host: where mails come from
// when an operator named no other.
func AddressAt(baseURL, mailbox string) (string, error) {
	base, err := url.Parse(baseURL)
	if err != nil || base.Hostname() == "" {
		return "", errors.New("the base URL is not an absolute address")
	}
	host := base.Hostname()
	_, err = netip.ParseAddr(host)
	if err == nil {
		// A number is no mail domain; it is a machine under somebody's desk.
		host = "localhost"
	}
	return mailbox + "@" + host, nil
}
