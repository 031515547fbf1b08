package mail

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/platform/config"
)

const (
	mailHost = "mail.example.org"
	account  = "relief"
	password = "correct horse: battery@staple"
	// smtpURL is what an operator writes for that server and account.
	smtpURL  = "smtp://relief:correct%20horse%3A%20battery%40staple@mail.example.org"
	smtpsURL = "smtps://relief:correct%20horse%3A%20battery%40staple@mail.example.org"
)

// Answers that stand for what a server does instead of answering.
const (
	silence = "(silence)"
	hangup  = "(hangup)"
)

// habits are how a server differs from a well-behaved one.
type habits struct {
	implicitTLS bool
	extensions  []string          // nil for STARTTLS, 8BITMIME and AUTH PLAIN LOGIN after it
	answers     map[string]string // verb to answer; "greeting" and "." are verbs too
}

// delivery is a letter that the server has taken.
type delivery struct {
	from, to string // as in the commands, with what follows the address
	content  []byte // as sent, without the dots that transport adds
}

// server is a small real mail server on 127.0.0.1.
type server struct {
	listener net.Listener
	habits   habits
	tls      *tls.Config
	roots    *x509.CertPool
	silent   chan struct{} // gets one when a silence begins
	stop     context.CancelFunc

	mu         sync.Mutex
	inTheClear []string // lines received without TLS
	secured    []string // lines received with TLS, the letters' left out
	deliveries []delivery
	dialled    []string
}

func serve(t *testing.T, h habits) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &server{listener: listener, habits: h, silent: make(chan struct{}, 100), stop: stop}
	s.tls, s.roots = selfSigned(t)
	var conversations sync.WaitGroup
	conversations.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conversations.Go(func() {
				hangUp := context.AfterFunc(ctx, func() { conn.Close() })
				defer hangUp()
				defer conn.Close()
				s.converse(ctx, conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		stop()
		conversations.Wait()
	})
	return s
}

// selfSigned makes a certificate for mail.example.org, and what trusts it.
func selfSigned(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		DNSNames:     []string{mailHost},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, roots
}

// sender reaches this server under the name that the URL has.
func (s *server) sender(t *testing.T, url string) *SMTP {
	t.Helper()
	sender, err := NewSMTP(config.NewSecret(url), newClock().Now)
	if err != nil {
		t.Fatal(err)
	}
	sender.tls.RootCAs = s.roots
	sender.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		s.mu.Lock()
		s.dialled = append(s.dialled, address)
		s.mu.Unlock()
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, s.listener.Addr().String())
	}
	return sender
}

func (s *server) taken() []delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deliveries
}

// heard are the lines received without and with TLS.
func (s *server) heard() (inTheClear, secured string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.inTheClear, "\n"), strings.Join(s.secured, "\n")
}

// conversation is one connection's.
type conversation struct {
	*server
	ctx     context.Context
	conn    net.Conn
	lines   *bufio.Reader
	secured bool
	letter  delivery
}

func (s *server) converse(ctx context.Context, conn net.Conn) {
	c := &conversation{server: s, ctx: ctx, conn: conn, lines: bufio.NewReader(conn)}
	if s.habits.implicitTLS {
		c.secure()
	}
	if !c.answer("greeting", "220 mail.example.org ESMTP") {
		return
	}
	for {
		line, err := c.read()
		if err != nil || !c.obey(line) {
			return
		}
	}
}

func (c *conversation) secure() {
	c.conn = tls.Server(c.conn, c.tls)
	c.lines, c.secured = bufio.NewReader(c.conn), true
}

// read returns a line without its end, and notes it.
func (c *conversation) read() (string, error) {
	line, err := c.lines.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.secured {
		c.server.secured = append(c.server.secured, line)
	} else {
		c.inTheClear = append(c.inTheClear, line)
	}
	return line, nil
}

// answer says what is usual for verb, unless the server's habit is another. It
// reports whether the conversation goes on.
func (c *conversation) answer(verb, usual string) bool {
	said, other := c.habits.answers[verb]
	if !other {
		said = usual
	}
	switch said {
	case hangup:
		return false
	case silence:
		c.silent <- struct{}{}
		<-c.ctx.Done()
		return false
	}
	_, err := fmt.Fprintf(c.conn, "%s\r\n", said)
	return err == nil
}

// agrees reports whether the server's habits let a command succeed.
func (c *conversation) agrees(verb string) bool {
	_, other := c.habits.answers[verb]
	return !other
}

func (c *conversation) obey(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "EHLO":
		lines := append([]string{"mail.example.org"}, c.extensions()...)
		return c.answer(verb, "250-"+strings.Join(lines[:len(lines)-1], "\r\n250-")+"\r\n250 "+lines[len(lines)-1])
	case "HELO", "RSET", "NOOP":
		return c.answer(verb, "250 fine")
	case "STARTTLS":
		goesOn := c.answer(verb, "220 go ahead")
		if goesOn && c.agrees(verb) {
			c.secure()
		}
		return goesOn
	case "AUTH":
		return c.answer(verb, c.signIn(rest))
	case "MAIL":
		c.letter = delivery{from: strings.TrimPrefix(rest, "FROM:")}
		return c.answer(verb, "250 2.1.0 sender fine")
	case "RCPT":
		c.letter.to = strings.TrimPrefix(rest, "TO:")
		return c.answer(verb, "250 2.1.5 recipient fine")
	case "DATA":
		goesOn := c.answer(verb, "354 end with a dot")
		if goesOn && c.agrees(verb) {
			return c.take()
		}
		return goesOn
	case "QUIT":
		c.answer(verb, "221 bye")
		return false
	}
	return c.answer(verb, "501 what?")
}

func (c *conversation) extensions() []string {
	switch {
	case c.habits.extensions != nil:
		return c.habits.extensions
	case c.secured:
		return []string{"8BITMIME", "AUTH PLAIN LOGIN"}
	}
	return []string{"8BITMIME", "STARTTLS"}
}

func (c *conversation) signIn(rest string) string {
	decoded := func(text string) string {
		plain, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return ""
		}
		return string(plain)
	}
	mechanism, initial, _ := strings.Cut(rest, " ")
	given := decoded(initial)
	if mechanism == "LOGIN" {
		for _, prompt := range []string{"Username:", "Password:"} {
			fmt.Fprintf(c.conn, "334 %s\r\n", base64.StdEncoding.EncodeToString([]byte(prompt)))
			line, err := c.read()
			if err != nil {
				return "501 gone"
			}
			given += "\x00" + decoded(line)
		}
	}
	if given != "\x00"+account+"\x00"+password {
		return "535 5.7.8 wrong password " + given
	}
	return "235 2.7.0 welcome"
}

// take receives a letter up to its dot.
func (c *conversation) take() bool {
	var content bytes.Buffer
	for {
		line, err := c.lines.ReadBytes('\n')
		if err != nil {
			return false
		}
		if string(line) == ".\r\n" {
			break
		}
		content.Write(bytes.TrimPrefix(line, []byte(".")))
	}
	if c.agrees(".") {
		c.letter.content = content.Bytes()
		c.mu.Lock()
		c.deliveries = append(c.deliveries, c.letter)
		c.mu.Unlock()
	}
	return c.answer(".", "250 2.0.0 taken")
}
