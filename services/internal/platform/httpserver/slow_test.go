package httpserver

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// Who sends a byte now and then holds a connection, and nothing else, until its time
// is up.
func TestSlowSendersAreCutOff(t *testing.T) {
	t.Parallel()
	read := make(chan error, 1)
	s := New(Config{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
	})})
	if s.http.ReadHeaderTimeout != readHeaderTimeout || s.http.ReadTimeout != readTimeout || s.http.WriteTimeout != writeTimeout || s.http.IdleTimeout != idleTimeout || s.http.MaxHeaderBytes != maxHeaderBytes {
		t.Error("the server has no limits")
	}
	s.http.ReadHeaderTimeout, s.http.ReadTimeout = 50*time.Millisecond, 200*time.Millisecond
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }()
	send := func(text string) net.Conn {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(conn, text)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	half := send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nname=A")
	if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("half a body was waited for: %v", err)
	}
	head := send("GET / HTTP/1.1\r\nHo")
	// The connection ends without anything of ours having run.
	_, _ = io.Copy(io.Discard, head)
	if len(read) != 0 {
		t.Error("half a head reached the handler")
	}
	half.Close()
	head.Close()
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
