package httpserver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
)

// serving starts the site and answers a connection to it.
func serving(t *testing.T, s *site) *net.TCPConn {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- s.Serve(ctx, listener) }()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		stop()
		err := <-stopped
		if err != nil {
			t.Error(err)
		}
	})
	return conn.(*net.TCPConn)
}

// page is what nobody could confuse with another part of itself.
func page(size int) []byte {
	var text bytes.Buffer
	for n := 0; text.Len() < size; n++ {
		text.WriteString("line " + strconv.Itoa(n) + "\n")
	}
	return text.Bytes()[:size]
}

// Sizes around the buffer, one after the other on one connection: nothing is kept back
// until the next answer, and nothing of the one before is in it.
func TestAnswersOfAllSizesArriveWhole(t *testing.T) {
	t.Parallel()
	s := build(Config{Handler: mux("GET /{size}/{parts}", func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.PathValue("size"))
		parts, _ := strconv.Atoi(r.PathValue("parts"))
		body := page(size)
		if parts == 1 {
			w.Header().Set("Content-Length", strconv.Itoa(size))
		}
		for n := range parts { // without a length they go as chunks
			_, err := w.Write(body[size*n/parts : size*(n+1)/parts])
			if err != nil {
				t.Error(err)
			}
		}
	})})
	conn := serving(t, s)
	answers := bufio.NewReader(conn)
	for _, size := range []int{0, 1, 3900, 4095, 4096, 4097, 5000, 8191, 8192, 8193, 12_400, 100_000, 3_000_000} {
		for _, parts := range []int{1, 2, 7} {
			_, err := io.WriteString(conn, "GET /"+strconv.Itoa(size)+"/"+strconv.Itoa(parts)+" HTTP/1.1\r\nHost: give.example.org\r\n\r\n")
			if err != nil {
				t.Fatal(err)
			}
			answer, err := http.ReadResponse(answers, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(answer.Body)
			err = errors.Join(err, answer.Body.Close())
			if err != nil || !bytes.Equal(got, page(size)) {
				t.Errorf("%d bytes in %d parts arrived as %d, %v", size, parts, len(got), err)
			}
		}
	}
}

// What this is for: the server's two writes are one.
func TestAPageAndItsHeaderAreSentAtOnce(t *testing.T) {
	t.Parallel()
	written := make(chan int, 1)
	s := build(Config{Handler: mux("GET /{size}", func(w http.ResponseWriter, r *http.Request) {
		written <- w.(*answer).conn.writes // of the answers before this one
		size, _ := strconv.Atoi(r.PathValue("size"))
		w.Header().Set("Content-Length", strconv.Itoa(size))
		_, err := w.Write(page(size))
		if err != nil {
			t.Error(err)
		}
	})})
	conn := serving(t, s)
	answers := bufio.NewReader(conn)
	for n, size := range []int{100, 1900, 2049, 3500, 3900, 4096, 4097, 5000, 7200, 8192, 9000, 12_400, 100_000, 0} {
		_, err := io.WriteString(conn, "GET /"+strconv.Itoa(size)+" HTTP/1.1\r\nHost: give.example.org\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		if writes := <-written; writes != n {
			t.Fatalf("%d answers before the one of %d bytes took %d writes", n, size, writes)
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, answer.Body)
		err = errors.Join(err, answer.Body.Close())
		if err != nil {
			t.Error(err)
		}
	}
}

// While a body is read the server may have to ask for it, at any moment.
func TestAnswersToABodyAreNotHeldBack(t *testing.T) {
	t.Parallel()
	s := build(Config{Handler: mux("POST /", func(w http.ResponseWriter, r *http.Request) {
		if w.(*answer).conn != nil {
			t.Error("it is held back")
		}
		_, err := io.Copy(w, r.Body)
		if err != nil {
			t.Error(err)
		}
	})})
	conn := serving(t, s)
	_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: give.example.org\r\nExpect: 100-continue\r\nContent-Length: 8\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	line, err := answers.ReadString('\n')
	if err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q, %v", line, err)
	}
	_, err = io.WriteString(conn, "25 euros")
	if err != nil {
		t.Fatal(err)
	}
	_, err = answers.ReadString('\n') // the empty line behind it
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(answer.Body)
	err = errors.Join(err, answer.Body.Close())
	if err != nil || string(got) != "25 euros" {
		t.Errorf("answered %q, %v", got, err)
	}
}

func TestWhoWritesToAReaderThatLeftIsTold(t *testing.T) {
	t.Parallel()
	told := make(chan error, 1)
	s := build(Config{Handler: mux("GET /", func(w http.ResponseWriter, _ *http.Request) {
		_ = w.(*answer).conn.Close() // as by the kernel, when the line is cut
		n, err := w.Write(page(12_400))
		if n != 0 {
			t.Errorf("it believes that %d bytes were sent", n)
		}
		told <- err
	})})
	conn := serving(t, s)
	_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: give.example.org\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := <-told; err == nil {
		t.Error("it believes that the page was sent")
	}
	rest, err := io.ReadAll(conn)
	if len(rest) > 0 {
		t.Errorf("%d bytes of it arrived, %v", len(rest), err)
	}
}
