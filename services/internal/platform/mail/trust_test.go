package mail

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/platform/config"
)

// elsewhere is a connection that ends on another machine.
type elsewhere struct {
	net.Conn
	address net.Addr
}

func (e elsewhere) RemoteAddr() net.Addr { return e.address }

func TestOnlyThisMachineIsTrusted(t *testing.T) {
	t.Parallel()
	here, there := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7)}
	tests := []struct {
		host string
		peer net.Addr
		want bool
	}{
		{"localhost", here, true},
		{"LOCALHOST", here, true},
		{"127.0.0.1", here, true},
		{"127.8.9.1", here, true},
		{"[::1]", &net.TCPAddr{IP: net.IPv6loopback}, true},
		{"[::ffff:127.0.0.1]", here, true},
		// Names lie: /etc/hosts may say anything.
		{"localhost", there, false},
		{"mail.example.org", here, false},
		{"localhost.example.org", here, false},
		{"192.0.2.7", there, false},
		{"0.0.0.0", here, false},
		{"localhost", &net.UnixAddr{Name: "/run/mail"}, false},
	}
	for _, tt := range tests {
		sender, err := NewSMTP(config.NewSecret("smtp://"+tt.host), newClock().Now)
		if err != nil {
			t.Fatal(err)
		}
		if got := sender.trusts(elsewhere{nil, tt.peer}); got != tt.want {
			t.Errorf("%s at %s: trusted is %v", tt.host, tt.peer, got)
		}
	}
}

func TestURLsThatNameNoServer(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "mail.example.org", "mail.example.org:587", "smtp:", "smtp://", "smtp://:587",
		"http://relief:hunter2@mail.example.org",
		"smtp://relief:hunter2@",
		"smtp://relief:hunter2@mail.example.org:0",
		"smtp://relief:hunter2@mail.example.org:65536",
		"smtp://relief:hunter2@mail.example.org:smtp",
		"smtp://relief:hunter2@mail.example.org/inbox",
		"smtp://relief:hunter2@mail.example.org?tls=no",
		"smtp://relief:hunter2@mail.example.org#x",
		"smtp://relief@mail.example.org",
		"smtp://:hunter2@mail.example.org",
		"smtp://relief:hunter2%0d%0a@mail.example.org",
		"smtp://relief%00:hunter2@mail.example.org",
		// Passwords with characters that end something in a URL.
		"smtp://relief:hunter2%@mail.example.org",
		"smtp://relief:hunter2/x@mail.example.org",
		"smtp://relief:25/hunter2@mail.example.org",
		"smtp://relief:hunter2#x@mail.example.org",
		"smtp://relief:hunter2?x@mail.example.org",
	} {
		_, err := NewSMTP(config.NewSecret(url), newClock().Now)
		if err == nil {
			t.Errorf("%s was accepted", url)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "relief") {
			t.Errorf("%s: the error holds the account: %v", url, err)
		}
	}
}

func TestSenderShowsNoPassword(t *testing.T) {
	t.Parallel()
	sender, err := NewSMTP(config.NewSecret(smtpURL), newClock().Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if shown := fmt.Sprintf(verb, sender); strings.Contains(shown, "horse") {
			t.Errorf("%s shows %s", verb, shown)
		}
	}
}
