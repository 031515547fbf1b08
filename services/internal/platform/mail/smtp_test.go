package mail

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/apperr"
)

// plainReceipt has one part only, so that composing it twice gives the same
// bytes; its lines begin with what SMTP has a use for.
func plainReceipt() Message {
	m := receipt()
	m.HTML = ""
	m.Text = "Dear Amira,\n.\n..\n.hidden\nFrom the first line to the last: €103.30\n" + strings.Repeat("x", 2_000) + "\nQUIT\n"
	return m
}

// assertSilent fails when err holds what must not reach a log.
func assertSilent(t *testing.T, err error) {
	t.Helper()
	for _, personal := range []string{"mira", "addad", "Receipt", "€", "receipts@", account + " ", password, "horse", "staple"} {
		if strings.Contains(err.Error(), personal) {
			t.Errorf("the error holds %q: %v", personal, err)
		}
	}
}

func TestReceiptArrivesOnceAndByteForByte(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, url, dialled string
		habits             habits
		encrypted          bool
	}{
		{"STARTTLS and PLAIN", smtpURL, "mail.example.org:587", habits{}, true},
		{"STARTTLS and LOGIN", smtpURL + ":2525/", "mail.example.org:2525", habits{extensions: []string{"STARTTLS", "AUTH CRAM-MD5 login"}}, true},
		{"TLS from the start", smtpsURL, "mail.example.org:465", habits{implicitTLS: true}, true},
		{"no account", "smtp://mail.example.org", "mail.example.org:587", habits{}, true},
		{"this machine", "smtp://localhost:25", "localhost:25", habits{}, false},
		{"this machine, with an account", strings.Replace(smtpURL, mailHost, "127.0.0.1", 1), "127.0.0.1:587", habits{extensions: []string{"AUTH PLAIN"}}, false},
		{"this machine by IPv6", strings.Replace(smtpURL, mailHost, "[::1]", 1), "[::1]:587", habits{extensions: []string{"AUTH LOGIN"}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, tt.habits)
			sender := server.sender(t, tt.url)
			want, err := compose(plainReceipt(), newClock().Now())
			if err != nil {
				t.Fatal(err)
			}
			err = sender.Send(t.Context(), plainReceipt())
			if err != nil {
				t.Fatal(err)
			}
			taken := server.taken()
			if len(taken) != 1 {
				t.Fatalf("%d deliveries", len(taken))
			}
			if !bytes.Equal(taken[0].content, want) {
				t.Errorf("sent %d bytes and others arrived, %d:\n%.700q", len(want), len(taken[0].content), taken[0].content)
			}
			if from, _, _ := strings.Cut(taken[0].from, " "); from != "<receipts@relief.example.org>" || taken[0].to != "<amira@example.org>" {
				t.Errorf("from %s to %s", taken[0].from, taken[0].to)
			}
			if len(server.dialled) != 1 || server.dialled[0] != tt.dialled {
				t.Errorf("dialled %v, want %s", server.dialled, tt.dialled)
			}
			inTheClear, secured := server.heard()
			if tt.encrypted && (strings.Contains(inTheClear, "AUTH") || strings.Contains(inTheClear, "MAIL")) {
				t.Errorf("without TLS the server heard\n%s", inTheClear)
			}
			if !strings.HasSuffix(inTheClear+secured, "QUIT") {
				t.Error("left without a goodbye")
			}
		})
	}
}

func TestEverythingInALetterArrives(t *testing.T) {
	t.Parallel()
	server := serve(t, habits{})
	sent := receipt()
	sent.Attachments = []Attachment{{"إيصال.pdf", "application/pdf", bytes.Repeat([]byte("\r\n.\r\n\x00\xff"), 5_000)}}
	err := server.sender(t, smtpURL).Send(t.Context(), sent)
	if err != nil {
		t.Fatal(err)
	}
	taken := server.taken()
	if len(taken) != 1 {
		t.Fatalf("%d deliveries", len(taken))
	}
	got, err := parse(taken[0].content)
	if err != nil {
		t.Fatal(err)
	}
	if got.Subject != sent.Subject || unix(got.Text) != sent.Text || unix(got.HTML) != sent.HTML {
		t.Errorf("arrived as %+v", got.Entry)
	}
	if len(got.Attachments) != 1 || !bytes.Equal(got.Attachments[0].Content, sent.Attachments[0].Content) {
		t.Error("the attachment arrived as another")
	}
	message, err := netmail.ReadMessage(bytes.NewReader(taken[0].content))
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]string{
		"Message-ID":     "<receipt-ORG-2026-000123-1@relief.example.org>",
		"Date":           "Sat, 21 Nov 2026 09:30:00 +0000",
		"Auto-Submitted": "auto-generated",
		"User-Agent":     "",
		"X-Mailer":       "",
	} {
		if message.Header.Get(header) != want {
			t.Errorf("%s is %q, want %q", header, message.Header.Get(header), want)
		}
	}
}

func TestManyLettersAtOnce(t *testing.T) {
	t.Parallel()
	server := serve(t, habits{})
	sender := server.sender(t, smtpURL)
	var sending sync.WaitGroup
	for i := range 8 {
		sending.Go(func() {
			m := receipt()
			m.To.Email = fmt.Sprintf("donor%d@example.org", i)
			err := sender.Send(context.Background(), m)
			if err != nil {
				t.Error(err)
			}
		})
	}
	sending.Wait()
	recipients := map[string]bool{}
	for _, d := range server.taken() {
		recipients[d.to] = bytes.Contains(d.content, []byte("To: \"Amira Haddad\" "+d.to))
	}
	for i := range 8 {
		if !recipients[fmt.Sprintf("<donor%d@example.org>", i)] {
			t.Errorf("letter %d did not arrive, or with another's", i)
		}
	}
}

// What a server says today and not tomorrow, and what the operator repairs.
func TestAnswersWorthAnotherTry(t *testing.T) {
	t.Parallel()
	tests := []struct{ verb, answer, want string }{
		{"greeting", "421 4.3.2 relief and amira@example.org later", "greeting: the mail server answered 421 4.3.2"},
		{"greeting", "554 not you", "greeting: the mail server answered 554"},
		{"greeting", "Dear amira@example.org", "greeting: the mail server's answer is not SMTP"},
		{"EHLO", "421 amira@example.org", "greeting: the mail server answered 421"},
		{"STARTTLS", "454 4.7.0 amira@example.org", "start TLS: the mail server answered 454 4.7.0"},
		{"AUTH", "454 4.7.0 amira@example.org", "sign in: the mail server answered 454 4.7.0"},
		{"AUTH", "535 5.7.8 " + password, "sign in: the mail server answered 535 5.7.8"},
		{"AUTH", "334 aG9yc2U=", "sign in: "},
		{"AUTH", "334 horse!", "sign in: "},
		{"MAIL", "451 4.3.0 receipts@relief.example.org", "sender: the mail server answered 451 4.3.0"},
		{"MAIL", "550 5.7.1 receipts@relief.example.org", "sender: the mail server answered 550 5.7.1"},
		{"RCPT", "450 4.2.1 <amira@example.org>: busy", "recipient: the mail server answered 450 4.2.1"},
		{"RCPT", "452-4.2.2 <amira@example.org>:\r\n452 4.2.2 full", "recipient: the mail server answered 452 4.2.2"},
		{"RCPT", "503 5.5.1 <amira@example.org>: MAIL first", "recipient: the mail server answered 503 5.5.1"},
		{"RCPT", "530 5.7.0 <amira@example.org>: sign in first", "recipient: the mail server answered 530 5.7.0"},
		{"RCPT", "250", "recipient: the mail server's answer is not SMTP"},
		{"RCPT", hangup, "recipient: "},
		{"DATA", "421 5.mira", "recipient: the mail server answered 421"},
		{"DATA", hangup, "recipient: "},
		{".", "452 4.3.1 disk full of <amira@example.org>", "content: the mail server answered 452 4.3.1"},
		{".", "421", "content: the mail server's answer is not SMTP"},
		{".", hangup, "content: "},
	}
	for _, tt := range tests {
		t.Run(tt.verb+" "+tt.answer, func(t *testing.T) {
			t.Parallel()
			server := serve(t, habits{answers: map[string]string{tt.verb: tt.answer, "HELO": tt.answer}})
			err := server.sender(t, smtpURL).Send(t.Context(), receipt())
			if err == nil || apperr.Permanent(err) {
				t.Fatalf("Send: %v, want an error worth another try", err)
			}
			if !strings.HasPrefix(err.Error(), "mail receipt-ORG-2026-000123-1: "+tt.want) {
				t.Errorf("Send: %v, want %s", err, tt.want)
			}
			assertSilent(t, err)
			if len(server.taken()) != 0 {
				t.Error("the letter was taken all the same")
			}
		})
	}
}

func TestLettersThatAreRefusedForGood(t *testing.T) {
	t.Parallel()
	tests := []struct {
		verb, answer, want string
	}{
		{"RCPT", "550 5.1.1 <amira@example.org>: no such user", "The mail server refuses the recipient for good (550 5.1.1)."},
		{"RCPT", "553-Amira\r\n553 is not here", "The mail server refuses the recipient for good (553)."},
		{"DATA", "554 5.5.1 <amira@example.org>", "The mail server refuses the recipient for good (554 5.5.1)."},
		{".", "552 5.3.4 too big for amira@example.org", "The mail server refuses the content for good (552 5.3.4)."},
	}
	for _, tt := range tests {
		t.Run(tt.verb+" "+tt.answer, func(t *testing.T) {
			t.Parallel()
			server := serve(t, habits{answers: map[string]string{tt.verb: tt.answer}})
			err := server.sender(t, smtpURL).Send(t.Context(), receipt())
			if !apperr.Permanent(err) || apperr.Public(err).Message != tt.want {
				t.Fatalf("Send: %v, want it refused for good: %s", err, tt.want)
			}
			assertSilent(t, err)
			_, secured := server.heard()
			if !strings.HasSuffix(secured, "QUIT") || len(server.taken()) != 0 {
				t.Errorf("%d deliveries, and the server heard\n%s", len(server.taken()), secured)
			}
		})
	}
}

// Malformed messages are the same to both senders, and nobody is dialled.
func TestMalformedLettersAreRefusedForGood(t *testing.T) {
	t.Parallel()
	server := serve(t, habits{})
	sink, _, _ := open(t)
	type sender interface {
		Send(ctx context.Context, m Message) error
	}
	for _, s := range []sender{sink, server.sender(t, smtpURL)} {
		for _, address := range []string{"", "amira", "amira@example.org, all@example.org", "amira@example.org>\r\nRCPT TO:<all@example.org", "amira @example.org"} {
			m := receipt()
			m.To.Email = address
			err := s.Send(t.Context(), m)
			if !errors.Is(err, ErrAddress) || !apperr.Permanent(err) {
				t.Errorf("%T, %q: %v, want ErrAddress for good", s, address, err)
				continue
			}
			assertSilent(t, err)
		}
	}
	if len(server.dialled) != 0 {
		t.Errorf("dialled %v", server.dialled)
	}
}

func TestAddressBeyondASCII(t *testing.T) {
	t.Parallel()
	m := plainReceipt()
	m.To.Email = "أميرة@example.org"

	without := serve(t, habits{})
	err := without.sender(t, smtpURL).Send(t.Context(), m)
	if !apperr.Permanent(err) || strings.Contains(err.Error(), "أ") {
		t.Errorf("Send: %v, want it refused for good", err)
	}

	able := serve(t, habits{extensions: []string{"STARTTLS", "SMTPUTF8", "8BITMIME", "AUTH PLAIN"}})
	sender := able.sender(t, smtpURL)
	for _, letter := range []Message{m, plainReceipt()} {
		err := sender.Send(t.Context(), letter)
		if err != nil {
			t.Fatal(err)
		}
	}
	taken := able.taken()
	if len(taken) != 2 || taken[0].to != "<أميرة@example.org>" || !strings.HasSuffix(taken[0].from, "SMTPUTF8") {
		t.Fatalf("taken: %v", taken)
	}
	if strings.Contains(taken[1].from, "SMTPUTF8") {
		t.Error("SMTPUTF8 was asked for without need")
	}
}

func TestServerThatIsGone(t *testing.T) {
	t.Parallel()
	server := serve(t, habits{})
	sender := server.sender(t, smtpURL)
	server.listener.Close()
	err := sender.Send(t.Context(), receipt())
	var network *net.OpError
	if !errors.As(err, &network) || apperr.Permanent(err) {
		t.Fatalf("Send: %v, want a network's error", err)
	}
	assertSilent(t, err)
}

// untilSilent is a context that ends as soon as the server is silent.
func untilSilent(t *testing.T, server *server) context.Context {
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		defer stop()
		select {
		case <-server.silent:
		case <-ctx.Done():
		}
	}()
	return ctx
}

func TestServerThatFallsSilent(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "."} {
		t.Run("stopped at "+verb, func(t *testing.T) {
			t.Parallel()
			server := serve(t, habits{answers: map[string]string{verb: silence}})
			err := server.sender(t, smtpURL).Send(untilSilent(t, server), receipt())
			if !errors.Is(err, context.Canceled) || apperr.Permanent(err) {
				t.Errorf("Send: %v", err)
			}
		})
		t.Run("out of time at "+verb, func(t *testing.T) {
			t.Parallel()
			server := serve(t, habits{answers: map[string]string{verb: silence}})
			sender := server.sender(t, smtpURL)
			sender.limits = limits{talk: 300 * time.Millisecond, delivery: 50 * time.Millisecond}
			err := sender.Send(t.Context(), receipt())
			if !errors.Is(err, os.ErrDeadlineExceeded) || apperr.Permanent(err) {
				t.Errorf("Send: %v", err)
			}
			assertSilent(t, err)
		})
	}
	t.Run("the caller's deadline", func(t *testing.T) {
		t.Parallel()
		server := serve(t, habits{answers: map[string]string{"greeting": silence}})
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer stop()
		err := server.sender(t, smtpURL).Send(ctx, receipt())
		if !errors.Is(err, context.DeadlineExceeded) || apperr.Permanent(err) {
			t.Errorf("Send: %v", err)
		}
	})
	t.Run("in the handshake", func(t *testing.T) {
		t.Parallel()
		// To a client that waits for TLS, a server that waits for a greeting's
		// answer is silent.
		server := serve(t, habits{answers: map[string]string{"greeting": silence}})
		err := server.sender(t, smtpsURL).Send(untilSilent(t, server), receipt())
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Send: %v", err)
		}
	})
}

// The letter was taken; a second try would deliver it twice.
func TestServerWithoutAGoodbye(t *testing.T) {
	t.Parallel()
	for _, manner := range []string{silence, hangup, "421 too late"} {
		server := serve(t, habits{answers: map[string]string{"QUIT": manner}})
		sender := server.sender(t, smtpURL)
		sender.limits.goodbye = 20 * time.Millisecond
		err := sender.Send(t.Context(), receipt())
		if err != nil || len(server.taken()) != 1 {
			t.Errorf("%s: %v, %d deliveries", manner, err, len(server.taken()))
		}
	}
}

func TestGivenUpBeforeAnybodyIsReached(t *testing.T) {
	t.Parallel()
	server := serve(t, habits{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := server.sender(t, smtpURL).Send(ctx, receipt())
	if !errors.Is(err, context.Canceled) || len(server.taken()) != 0 {
		t.Errorf("Send: %v", err)
	}
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"PLAIN", "LOGIN"} {
		server := serve(t, habits{extensions: []string{"STARTTLS", "AUTH " + mechanism}})
		err := server.sender(t, "smtp://relief:old%20horse@mail.example.org").Send(t.Context(), receipt())
		// Permanent would park every receipt for a typing error of the operator.
		if err == nil || apperr.Permanent(err) || !strings.Contains(err.Error(), "sign in: the mail server answered 535 5.7.8") {
			t.Fatalf("%s: %v", mechanism, err)
		}
		assertSilent(t, err)
		err = server.sender(t, smtpURL).Send(t.Context(), receipt())
		if err != nil || len(server.taken()) != 1 {
			t.Errorf("%s, repaired: %v", mechanism, err)
		}
	}
}

func distrust(s *SMTP) { s.tls.RootCAs = x509.NewCertPool() }

// In each case the server, or who plays it, must not get to see password or
// letter.
func TestNothingIsSentThatOthersCouldRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, url string
		habits    habits
		change    func(*SMTP)
		want      string
	}{
		{"no STARTTLS", smtpURL, habits{extensions: []string{"AUTH PLAIN LOGIN"}}, nil, "does not offer it"},
		{"no STARTTLS and no account", "smtp://mail.example.org", habits{extensions: []string{"8BITMIME"}}, nil, "does not offer it"},
		{"no EHLO", smtpURL, habits{answers: map[string]string{"EHLO": "502 old"}}, nil, "does not offer it"},
		{"a stranger's certificate", smtpURL, habits{}, distrust, "certificate"},
		{"a stranger's certificate from the start", smtpsURL, habits{implicitTLS: true}, distrust, "certificate"},
		{"another's certificate", strings.Replace(smtpURL, mailHost, "mail.example.com", 1), habits{}, nil, "certificate"},
		{"TLS expected", smtpsURL, habits{}, nil, "TLS"},
		{"unknown mechanisms", smtpURL, habits{extensions: []string{"STARTTLS", "AUTH GSSAPI"}}, nil, "neither PLAIN nor LOGIN"},
		{"no mechanism", smtpURL, habits{extensions: []string{"STARTTLS"}}, nil, "neither PLAIN nor LOGIN"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, tt.habits)
			sender := server.sender(t, tt.url)
			if tt.change != nil {
				tt.change(sender)
			}
			err := sender.Send(t.Context(), receipt())
			if err == nil || apperr.Permanent(err) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Send: %v, want %q", err, tt.want)
			}
			inTheClear, secured := server.heard()
			for _, line := range []string{"AUTH", "MAIL", "RCPT"} {
				if strings.Contains(inTheClear+secured, line) {
					t.Errorf("the server heard\n%s\n%s", inTheClear, secured)
				}
			}
		})
	}
}
