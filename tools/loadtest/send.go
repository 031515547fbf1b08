package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// senders are how many webhooks are under way at once at most. SQLite alone has 100 gifts,
// 200 webhooks, to a commit; with fewer senders the program has far smaller ones.
const senders = 128

// sent is how one webhook went. due is when it should have left: waiting for a
// free connection counts, or a program that hangs would look fast.
type sent struct {
	due, answered time.Time
}

func (s sent) took() time.Duration { return s.answered.Sub(s.due) }

// deliver sends the webhooks of gifts in order, at so many gifts a second, or as
// fast as they are answered when that is 0. It returns how each one went, two a
// gift.
func (s *stripe) deliver(ctx context.Context, addr string, gifts []gift, perSecond int) ([]sent, error) {
	each := len(kinds())
	log := make([]sent, each*len(gifts))
	var next atomic.Int64
	began := time.Now()
	failures := make([]error, senders)
	var group sync.WaitGroup
	for sender := range senders {
		group.Go(func() {
			line, err := dial(ctx, addr)
			if err != nil {
				failures[sender] = err
				return
			}
			defer func() { _ = line.conn.Close() }()
			for failures[sender] == nil {
				at := int(next.Add(1) - 1)
				if at >= len(log) || ctx.Err() != nil {
					return
				}
				g := &gifts[at/each]
				log[at].due = time.Now()
				if perSecond > 0 {
					log[at].due = began.Add(time.Duration(at) * time.Second / time.Duration(each*perSecond))
					wait(ctx, time.Until(log[at].due))
				}
				if at%each == 0 {
					s.money.show(g.place)
				}
				failures[sender] = line.post(g.webhooks[at%each])
				log[at].answered = time.Now()
			}
		})
	}
	group.Wait()
	return log, errors.Join(append(failures, ctx.Err())...)
}

func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// connection posts webhooks with as little of the machine as possible: what it
// uses is missing to the program that is measured.
type connection struct {
	conn   net.Conn
	reader *bufio.Reader
	out    bytes.Buffer
	addr   string
}

func dial(ctx context.Context, addr string) (*connection, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &connection{conn: conn, reader: bufio.NewReader(conn), addr: addr}, nil
}

// post sends one webhook, signed now, and waits for its 200.
func (c *connection) post(body []byte) error {
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(webhookSecret))
	_, _ = mac.Write([]byte(stamp + "."))
	_, _ = mac.Write(body)
	c.out.Reset()
	fmt.Fprintf(&c.out, "POST /webhooks/stripe HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json; charset=utf-8\r\n"+
		"User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\nStripe-Signature: t=%s,v1=%s\r\nContent-Length: %d\r\n\r\n",
		c.addr, stamp, hex.EncodeToString(mac.Sum(nil)), len(body))
	c.out.Write(body)
	_, err := c.conn.Write(c.out.Bytes())
	if err != nil {
		return fmt.Errorf("send a webhook: %w", err)
	}
	return c.readAnswer()
}

func (c *connection) readAnswer() error {
	status, length := "", 0
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("read the answer to a webhook: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if status == "" {
			status = string(line)
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			length, err = strconv.Atoi(string(value))
			if err != nil {
				return fmt.Errorf("read the answer to a webhook: %w", err)
			}
		}
	}
	_, err := c.reader.Discard(length)
	if err != nil {
		return fmt.Errorf("read the answer to a webhook: %w", err)
	}
	if status != "HTTP/1.1 200 OK" {
		return fmt.Errorf("a webhook was answered with %q", status)
	}
	return nil
}
