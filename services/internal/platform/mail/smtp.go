package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/config"
)

const (
	longestDial = 10 * time.Second
	longestTalk = 30 * time.Second
	// A server that takes a message and answers after we gave up gets it once
	// more, so it has long.
	longestDelivery = 5 * time.Minute
	longestGoodbye  = 2 * time.Second
)

// limits bound the parts of a conversation.
type limits struct {
	talk     time.Duration // up to where the server wants the message
	delivery time.Duration // the message, and the answer to it
	goodbye  time.Duration
}

// SMTP hands messages to a mail server, each over a connection of its own. It
// is safe for concurrent use.
type SMTP struct {
	host, address string
	implicitTLS   bool // from the first byte, instead of by STARTTLS
	// account is nil where there is none. It is a function because everything
	// else in a field can be printed, also by mistake.
	account func() (user, password string)
	tls     *tls.Config
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	now     func() time.Time
	limits  limits
}

// NewSMTP sends by the server at smtp://user:password@host:587, which must
// offer STARTTLS, or at smtps://user:password@host:465, which speaks TLS from
// the start; the ports may be left out, and so may user and password together.
// The server's certificate must be valid for host. A loopback host with smtp is
// spoken to without TLS: nothing leaves the machine, and the certificates of
// local relays are mostly made up. now dates the messages. Nothing is dialled
// before the first Send.
func NewSMTP(server config.Secret, now func() time.Time) (*SMTP, error) {
	target, err := url.Parse(server.Reveal())
	if err != nil {
		// The parser's error quotes what it parsed, password and all.
		return nil, errors.New("mail server: the URL is malformed (write special characters in a password as %XX)")
	}
	port := target.Port()
	switch target.Scheme {
	case "smtp":
		port = orElse(port, "587")
	case "smtps":
		port = orElse(port, "465")
	default:
		return nil, errors.New("mail server: the URL begins neither with smtp:// nor with smtps://")
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return nil, errors.New("mail server: the URL's port is not 1 to 65535")
	}
	user := target.User.Username()
	password, _ := target.User.Password()
	switch {
	case target.Hostname() == "":
		return nil, errors.New("mail server: the URL has no host")
	case strings.Trim(target.Path, "/")+target.RawQuery+target.Fragment != "":
		return nil, errors.New("mail server: the URL goes on after the host (write special characters in a password as %XX)")
	case (user == "") != (password == ""):
		return nil, errors.New("mail server: the URL has a user or a password, but not both")
	case strings.IndexFunc(user+password, unicode.IsControl) >= 0:
		return nil, errors.New("mail server: the URL's user or password has control characters")
	}
	var account func() (string, string)
	if user != "" {
		account = func() (string, string) { return user, password }
	}
	dialer := &net.Dialer{Timeout: longestDial}
	return &SMTP{
		host:        target.Hostname(),
		address:     net.JoinHostPort(target.Hostname(), port),
		implicitTLS: target.Scheme == "smtps",
		account:     account,
		tls:         &tls.Config{ServerName: target.Hostname(), MinVersion: tls.VersionTLS12},
		dial:        dialer.DialContext,
		now:         now,
		limits:      limits{talk: longestTalk, delivery: longestDelivery, goodbye: longestGoodbye},
	}, nil
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// Send returns nil once the server has taken the message. When the connection
// breaks after the message and before the answer, the message may have been
// taken all the same: the next Send then delivers it again, with the same
// Message-ID.
//
// Permanent errors are a malformed message and a 5xx answer to the recipient
// or to the content. A 5xx answer to anything else speaks of this site and its
// configuration, which somebody will repair.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	content, err := compose(m, s.now())
	if err != nil {
		return err
	}
	err = s.deliver(ctx, m, content)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && !apperr.Permanent(err):
		// Why we stopped explains more than the connection that it closed.
		return fmt.Errorf("mail %s: %w: %w", m.ID, ctx.Err(), err)
	}
	return fmt.Errorf("mail %s: %w", m.ID, err)
}

// trusts reports whether conn may carry a password as it is: the host is meant
// to be this machine and, whatever its name resolves to, is.
func (s *SMTP) trusts(conn net.Conn) bool {
	peer, isTCP := conn.RemoteAddr().(*net.TCPAddr)
	return loopback(s.host) && isTCP && peer.IP.IsLoopback()
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	if err != nil {
		return strings.EqualFold(host, "localhost")
	}
	return address.Unmap().IsLoopback()
}
