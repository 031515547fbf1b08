package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

const (
	cachedGoal   = 0.3
	renderedGoal = 0.08
	// givenTo is how many gifts the page has before it is read.
	givenTo = 50
	// pagesTurn is how long one address is asked for before it is the next one's turn:
	// short, because the machine's own speed changes from one second to the next, and
	// the program is to be held against nginx on the same machine.
	pagesTurn = time.Second
)

// measurePages asks for a supporter's page as it is (drawn once, sent from
// memory) and under an address that nobody has asked for before (made for this
// reader), and nginx for a file with the same bytes.
func measurePages(ctx context.Context, p plan, t *table, say sayer) (err error) {
	s, err := openStripe(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	i, err := startInstance(ctx, p.program, filepath.Join(p.dir, "pages"), s.url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.stop()) }()
	b, err := openBooks(i.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	m := &measurement{plan: p, stripe: s, instance: i, books: b, table: t, say: say}
	_, err = m.burst(ctx, givenTo)
	if err != nil {
		return err
	}
	_, err = b.mailed(ctx)
	if err != nil {
		return err
	}
	body, err := fetch(ctx, i.url()+page)
	if err != nil {
		return err
	}
	n, err := startNginx(ctx, filepath.Join(p.dir, "nginx"), body)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	script := filepath.Join(p.dir, "shared.lua")
	err = os.WriteFile(script, []byte(freshAddresses), 0o600)
	if err != nil {
		return err
	}
	var file, cached, rendered asked
	for range p.rounds * int(p.pages/pagesTurn) {
		for _, turn := range []struct {
			into   *asked
			url    string
			script string
		}{
			{&file, n.url + "/page.html", ""}, {&cached, i.url() + page, ""}, {&rendered, i.url() + page, script},
		} {
			err = turn.into.round(ctx, i, turn.url, turn.script)
			if err != nil {
				return err
			}
		}
	}
	say("page of %d bytes: nginx %s, cached %s, rendered %s requests/s", len(body), file.rate(), cached.rate(), rendered.rate())
	t.add(fmt.Sprintf("nginx, a file of the page's %d bytes, requests/s", len(body)), file.rate().String())
	t.atLeast("fundraiser page from memory ÷ nginx in turn, requests/s", cached.rate().String(), cached.beside(file), cachedGoal)
	t.atLeast("fundraiser page rendered ÷ nginx in turn, requests/s", rendered.rate().String(), rendered.beside(file), renderedGoal)
	t.add("processor time a page: from memory, rendered", fmt.Sprintf("%s, %s µs", cached.cost(), rendered.cost()))
	return nil
}

// asked is what rounds of asking for one address brought.
type asked struct {
	perSecond []float64
	micros    []float64 // of the program's processor time, a request
}

func (a *asked) round(ctx context.Context, i *instance, address, script string) error {
	before, err := cpuTime(i.command.Process.Pid)
	if err != nil {
		return err
	}
	perSecond, requests, err := wrk(ctx, address, script)
	if err != nil {
		return err
	}
	after, err := cpuTime(i.command.Process.Pid)
	if err != nil {
		return err
	}
	a.perSecond = append(a.perSecond, perSecond)
	a.micros = append(a.micros, float64((after-before).Microseconds())/requests)
	return nil
}

func (a *asked) rate() spread { return spreadOf(a.perSecond) }
func (a *asked) cost() spread { return spreadOf(a.micros) }

// beside is the median of what each turn was of the other's turn in the same round.
func (a *asked) beside(other asked) float64 {
	shares := make([]float64, len(a.perSecond))
	for n := range shares {
		shares[n] = a.perSecond[n] / other.perSecond[n]
	}
	return spreadOf(shares).median
}

// freshAddresses puts another share code on each request: the page's links carry
// it, so no page that was sent before will do.
const freshAddresses = `local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", wrk.path .. "?s=code" .. n)
end
`

func fetch(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	// Like wrk, which takes pages as they are: the client must not ask for gzip.
	request.Header.Set("Accept-Encoding", "identity")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read the page: it answered %d", response.StatusCode)
	}
	return io.ReadAll(response.Body)
}

// nginx serves one file, set up to do nothing but that.
type nginx struct {
	url     string
	command *exec.Cmd
}

func startNginx(ctx context.Context, dir string, body []byte) (*nginx, error) {
	err := errors.Join(os.MkdirAll(filepath.Join(dir, "root"), 0o755), os.WriteFile(filepath.Join(dir, "root", "page.html"), body, 0o644)) //nolint:gosec // nginx's workers are other users
	if err != nil {
		return nil, fmt.Errorf("lay the page for nginx: %w", err)
	}
	// Its workers may be another user, who has to reach the file.
	for at := dir; at != filepath.Dir(os.TempDir()) && at != "/" && at != os.TempDir(); at = filepath.Dir(at) {
		_ = os.Chmod(at, 0o755) //nolint:gosec // see above; nothing secret is in a load test
	}
	addrs, err := freeAddrs(ctx, 1)
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "nginx.conf")
	err = os.WriteFile(conf, fmt.Appendf(nil, `
worker_processes 2;
pid %[1]s/nginx.pid;
error_log %[1]s/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  open_file_cache max=10;
  types { text/html html; }
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  server { listen %[2]s; root %[1]s/root; }
}
`, dir, addrs[0]), 0o600)
	if err != nil {
		return nil, err
	}
	n := &nginx{url: "http://" + addrs[0]}
	n.command = exec.CommandContext(context.WithoutCancel(ctx), "nginx", "-c", conf, "-e", filepath.Join(dir, "error.log"), "-g", "daemon off;") //nolint:gosec // our own configuration
	n.command.Stderr = os.Stderr
	err = n.command.Start()
	if err != nil {
		return nil, fmt.Errorf("start nginx (Debian: apt-get install nginx-light): %w", err)
	}
	err = eventually(ctx, "nginx answers", 50*time.Millisecond, func() (bool, error) {
		_, err := fetch(ctx, n.url+"/page.html")
		return err == nil, nil
	})
	if err != nil {
		return nil, errors.Join(err, n.stop())
	}
	return n, nil
}

func (n *nginx) stop() error {
	_ = n.command.Process.Signal(syscall.SIGQUIT)
	return n.command.Wait()
}

// wrk's report ends with what we want, unless answers were other than 200.
var (
	requestsPerSecond = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)
	requestsInAll     = regexp.MustCompile(`(\d+) requests in`)
	badAnswers        = regexp.MustCompile(`Non-2xx or 3xx responses: (\d+)`)
)

// wrk asks for one address with 64 connections on 2 threads, for one turn.
func wrk(ctx context.Context, address, script string) (perSecond, requests float64, err error) {
	args := []string{"-t2", "-c64", "-d" + strconv.Itoa(int(pagesTurn.Seconds())) + "s"}
	if script != "" {
		args = append(args, "-s", script)
	}
	out, err := exec.CommandContext(ctx, "wrk", append(args, address)...).CombinedOutput() //nolint:gosec // addresses that we listen on
	if err != nil {
		return 0, 0, fmt.Errorf("run wrk (Debian: apt-get install wrk): %w\n%s", err, out)
	}
	rate, all := requestsPerSecond.FindSubmatch(out), requestsInAll.FindSubmatch(out)
	if rate == nil || all == nil || badAnswers.Match(out) {
		return 0, 0, fmt.Errorf("wrk of %s did not go well:\n%s", address, out)
	}
	perSecond, err = strconv.ParseFloat(string(rate[1]), 64)
	if err != nil {
		return 0, 0, err
	}
	requests, err = strconv.ParseFloat(string(all[1]), 64)
	return perSecond, requests, err
}
