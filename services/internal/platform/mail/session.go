package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/wneessen/go-mail/smtp"

	"github.com/almoner/almoner/services/internal/apperr"
)

// Check greets the server and signs in, and sends nothing.
func (s *SMTP) Check(ctx context.Context) error {
	return s.converse(ctx, func(*smtp.Client, net.Conn) error { return nil })
}

// deliver has one conversation with the server.
func (s *SMTP) deliver(ctx context.Context, m Message, content []byte) error {
	return s.converse(ctx, func(client *smtp.Client, conn net.Conn) error { return s.transfer(client, conn, m, content) })
}

// converse says what is between greeting and goodbye.
func (s *SMTP) converse(ctx context.Context, say func(*smtp.Client, net.Conn) error) error {
	conn, err := s.dial(ctx, "tcp", s.address)
	if err != nil {
		return fmt.Errorf("reach the mail server: %w", err)
	}
	defer conn.Close()
	// The protocol knows deadlines but no context, so the context's end is the
	// connection's.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	err = conn.SetDeadline(time.Now().Add(s.limits.talk))
	if err != nil {
		return fmt.Errorf("limit the conversation: %w", err)
	}

	client, err := s.meet(ctx, conn)
	if err != nil {
		return err
	}
	err = s.signIn(client, conn)
	if err != nil {
		return err
	}
	err = say(client, conn)
	if err == nil || apperr.Permanent(err) {
		// That is final, whatever becomes of the goodbye: to take a failed one
		// for a failed delivery would send the message twice.
		_ = conn.SetDeadline(time.Now().Add(s.limits.goodbye))
		_ = client.Quit()
	}
	return err
}

// meet exchanges greetings, and returns with TLS in place unless the server is
// on this machine.
func (s *SMTP) meet(ctx context.Context, conn net.Conn) (*smtp.Client, error) {
	stream := conn
	if s.implicitTLS {
		secured := tls.Client(conn, s.tls)
		err := secured.HandshakeContext(ctx)
		if err != nil {
			return nil, fmt.Errorf("start TLS: %w", err)
		}
		stream = secured
	}
	client, err := smtp.NewClient(stream, s.host)
	if err != nil {
		return nil, retryable("greeting", err)
	}
	err = client.Hello(ownName(conn))
	if err != nil {
		return nil, retryable("greeting", err)
	}
	if s.implicitTLS || s.trusts(conn) {
		return client, nil
	}
	offered, _ := client.Extension("STARTTLS")
	if !offered {
		// Somebody in between may have taken the offer out, to read along.
		return nil, errors.New("start TLS: the mail server does not offer it, and nothing is sent without")
	}
	err = client.StartTLS(s.tls)
	if err != nil {
		return nil, retryable("start TLS", err)
	}
	return client, nil
}

// ownName is an address literal: a container's host name is no name that a
// server could look up, and servers refuse those.
func ownName(conn net.Conn) string {
	own, isTCP := conn.LocalAddr().(*net.TCPAddr)
	if !isTCP {
		return "localhost"
	}
	address := own.AddrPort().Addr().Unmap().WithZone("")
	if address.Is6() {
		return "[IPv6:" + address.String() + "]"
	}
	return "[" + address.String() + "]"
}

// signIn uses PLAIN or LOGIN, which every submission server has one of; it is
// TLS, or the machine itself, that keeps the password.
func (s *SMTP) signIn(client *smtp.Client, conn net.Conn) error {
	if s.account == nil {
		return nil
	}
	_, offered := client.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	user, password := s.account()
	inTheClear := s.trusts(conn)
	var auth smtp.Auth
	switch {
	case slices.Contains(mechanisms, "PLAIN"):
		auth = smtp.PlainAuth("", user, password, s.host, inTheClear)
	case slices.Contains(mechanisms, "LOGIN"):
		auth = smtp.LoginAuth(user, password, s.host, inTheClear)
	default:
		return errors.New("sign in: the mail server offers neither PLAIN nor LOGIN")
	}
	return retryable("sign in", client.Auth(auth))
}

// transfer hands over the message.
func (s *SMTP) transfer(client *smtp.Client, conn net.Conn, m Message, content []byte) error {
	// Asked for without need, SMTPUTF8 would keep the message from every later
	// server that lacks it.
	plain := ascii(m.From.Email) && ascii(m.To.Email)
	client.SkipSMTPUTF8(plain)
	able, _ := client.Extension("SMTPUTF8")
	if !able && !ascii(m.To.Email) {
		return refused("The mail server cannot deliver to an address with letters beyond ASCII.")
	}
	err := client.Mail("<" + m.From.Email + ">")
	if err != nil {
		return retryable("sender", err)
	}
	err = client.Rcpt("<" + m.To.Email + ">")
	if err != nil {
		return final("recipient", err)
	}
	writer, err := client.Data()
	if err != nil {
		return final("recipient", err)
	}
	err = conn.SetDeadline(time.Now().Add(s.limits.delivery))
	if err != nil {
		return fmt.Errorf("limit the delivery: %w", err)
	}
	_, err = writer.Write(content)
	if err != nil {
		return retryable("content", err)
	}
	err = writer.Close()
	if err != nil {
		return final("content", err)
	}
	return nil
}

func ascii(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

// final is the error of a step at which a 5xx answer is about this message, and
// so ends it.
func final(step string, err error) error {
	var answer *textproto.Error
	if !errors.As(err, &answer) || answer.Code/100 != 5 {
		return retryable(step, err)
	}
	switch answer.Code {
	case 500, 502, 503, 521, 530, 534, 535, 538:
		// Of the conversation or of our account, whatever the step.
		return retryable(step, err)
	}
	return refused(fmt.Sprintf("The mail server refuses the %s for good (%s).", step, status(answer)))
}

func refused(message string) error {
	return apperr.New(apperr.FailedPrecondition, "MAIL_REFUSED", message)
}

// retryable says what failed without the server's words, in which the address
// would reach the log. A nil err stays nil.
func retryable(step string, err error) error {
	var answer *textproto.Error
	var garbled textproto.ProtocolError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &answer):
		return fmt.Errorf("%s: the mail server answered %s", step, status(answer))
	case errors.As(err, &garbled), errors.Is(err, smtp.ErrUnexpectedServerResponse):
		return fmt.Errorf("%s: the mail server's answer is not SMTP", step)
	}
	return fmt.Errorf("%s: %w", step, err)
}

// enhancedStatus is RFC 3463's: "5.1.1", no such mailbox.
var enhancedStatus = regexp.MustCompile(`^[245]\.[0-9]{1,3}\.[0-9]{1,3}$`)

// status is the part of an answer that is numbers.
func status(answer *textproto.Error) string {
	first, _, _ := strings.Cut(answer.Msg, " ")
	if enhancedStatus.MatchString(first) {
		return fmt.Sprintf("%d %s", answer.Code, first)
	}
	return fmt.Sprintf("%d", answer.Code)
}
