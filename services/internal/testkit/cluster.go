package testkit

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/almoner/almoner/services/internal/platform/natsserver"
)

// clusterSize is the smallest number of nodes of which one can be lost.
const clusterSize = 3

// Cluster is three NATS servers on loopback, configured by the very files of
// deploy/nats: TLS, keys, limits. It takes seconds to start, so a test binary has
// one.
type Cluster struct {
	dir       string // with a folder for each node and the users' keys
	authority *Authority
	nodes     [clusterSize]clusterNode
}

type clusterNode struct {
	config  string
	url     string
	route   string         // host and port where the other nodes connect
	running *server.Server // nil while it is down
}

// NewCluster starts a cluster that knows these users.
func NewCluster(t testing.TB, users []natsserver.User) *Cluster {
	t.Helper()
	c := &Cluster{dir: t.TempDir(), authority: NewAuthority(t)}
	_, err := natsserver.WriteKeys(c.keys(), users)
	if err != nil {
		t.Fatal(err)
	}
	addresses := freeAddresses(t, 2*clusterSize)
	var routes []string
	for i := range c.nodes {
		routes = append(routes, "tls://"+addresses[clusterSize+i])
	}
	for i := range c.nodes {
		name := "nats-" + strconv.Itoa(i)
		certificate, key := c.authority.Issue(t, "127.0.0.1", asName+"127.0.0.1", name)
		node := filepath.Join(c.dir, name)
		c.nodes[i].url, c.nodes[i].route = "tls://"+addresses[i], addresses[clusterSize+i]
		c.nodes[i].config = c.configure(t, node, strings.NewReplacer(
			"$NATS_NAME", name, "$NATS_STORE", filepath.Join(node, "store"),
			"$NATS_LISTEN", addresses[i], "$NATS_MONITOR", "127.0.0.1:-1",
			"$NATS_CLUSTER_LISTEN", addresses[clusterSize+i], "$NATS_CLUSTER_ROUTES", "["+strings.Join(routes, ", ")+"]",
			"$NATS_CERT", certificate, "$NATS_KEY", key, "$NATS_CA", c.authority.File(),
		))
	}
	t.Cleanup(func() {
		for i := range c.nodes {
			c.Stop(i)
		}
	})
	for i := range c.nodes {
		c.start(t, i)
	}
	c.Ready(t)
	return c
}

// configure copies the files of deploy/nats with a node's own values in the place
// of variables: one process has one environment, and here it has three nodes.
func (c *Cluster) configure(t testing.TB, dir string, values *strings.Replacer) string {
	t.Helper()
	err := os.MkdirAll(dir, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{
		filepath.Join(Repository(t), "deploy", "nats", "common.conf"):  "common.conf",
		filepath.Join(Repository(t), "deploy", "nats", "cluster.conf"): "cluster.conf",
		filepath.Join(c.keys(), natsserver.UsersFile):                  natsserver.UsersFile,
	} {
		content, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, to), []byte(values.Replace(string(content))), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cluster.conf")
}

// Repository is the root of the working copy that a test runs in.
func Repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		_, err = os.Stat(filepath.Join(dir, "go.work"))
		if err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			break
		}
		dir, err = filepath.Dir(dir), nil
	}
	t.Fatalf("the repository's root was not found: %v", err)
	return ""
}

// freeAddresses are on loopback. A node comes back where it was, so it cannot
// take whatever is free.
func freeAddresses(t testing.TB, n int) []string {
	t.Helper()
	addresses := make([]string, n)
	for i := range addresses {
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		// Held until all are found, so that none is found twice.
		defer func() { _ = listener.Close() }()
		addresses[i] = listener.Addr().String()
	}
	return addresses
}

func (c *Cluster) keys() string { return filepath.Join(c.dir, "keys") }

func (c *Cluster) start(t testing.TB, i int) {
	t.Helper()
	options, err := server.ProcessConfigFile(c.nodes[i].config)
	if err != nil {
		t.Fatalf("configuration of node %d: %v", i, err)
	}
	options.NoSigs, options.NoLog = true, true
	started, err := server.NewServer(options)
	if err != nil {
		t.Fatalf("node %d: %v", i, err)
	}
	started.Start()
	c.nodes[i].running = started
}

// Start brings a node back. Ready waits until it follows the others.
func (c *Cluster) Start(t testing.TB, i int) {
	t.Helper()
	if c.nodes[i].running == nil {
		c.start(t, i)
	}
}

// Stop takes a node down; its connections are cut.
func (c *Cluster) Stop(i int) {
	node := c.nodes[i].running
	if node == nil {
		return
	}
	node.Shutdown()
	node.WaitForShutdown()
	c.nodes[i].running = nil
}

// Ready waits until those that run have a leader that all of them follow.
func (c *Cluster) Ready(t testing.TB) {
	t.Helper()
	Eventually(t, func() bool {
		leaders, followers := 0, 0
		for _, node := range c.nodes {
			if node.running == nil || !node.running.ReadyForConnections(eventually) {
				continue
			}
			if node.running.JetStreamIsLeader() {
				leaders++
			}
			if node.running.JetStreamIsCurrent() {
				followers++
			}
		}
		return leaders == 1 && followers == c.Up()
	})
}

// Up counts the nodes that run.
func (c *Cluster) Up() int {
	up := 0
	for _, node := range c.nodes {
		if node.running != nil {
			up++
		}
	}
	return up
}

// Leader is the node that leads a stream, -1 while none does.
func (c *Cluster) Leader(stream string) int {
	for i, node := range c.nodes {
		if node.running != nil && node.running.JetStreamIsStreamLeader(globalAccount, stream) {
			return i
		}
	}
	return -1
}

// globalAccount is where users without an account of their own are.
const globalAccount = "$G"

// StepDown makes a stream's leader leave that to another node.
func (c *Cluster) StepDown(t testing.TB, stream string) {
	t.Helper()
	before := c.Leader(stream)
	if before < 0 {
		t.Fatalf("%s has no leader", stream)
	}
	err := c.nodes[before].running.JetStreamStepdownStream(globalAccount, stream)
	if err != nil {
		t.Fatal(err)
	}
	Eventually(t, func() bool { now := c.Leader(stream); return now >= 0 && now != before })
}

// Dial says how a service connects, with its own key.
func (c *Cluster) Dial(service string) natsserver.DialConfig {
	urls := make([]string, len(c.nodes))
	for i, node := range c.nodes {
		urls[i] = node.url
	}
	return natsserver.DialConfig{URLs: strings.Join(urls, ","), Name: service, Credentials: c.keys(), CA: c.authority.File()}
}

// Connect opens a service's connection, as the program does.
func (c *Cluster) Connect(t testing.TB, service string) *nats.Conn {
	t.Helper()
	conn, err := natsserver.Dial(c.Dial(service))
	if err != nil {
		t.Fatal(fmt.Errorf("connect to the cluster: %w", err))
	}
	t.Cleanup(conn.Close)
	Eventually(t, conn.IsConnected)
	return conn
}

// Join tries to become a node, with a certificate that our authority signed for
// these names, and returns what it is told. "PONG" is a welcome.
func (c *Cluster) Join(t testing.TB, names ...string) string {
	t.Helper()
	own, err := tls.LoadX509KeyPair(c.authority.Issue(t, names...))
	if err != nil {
		t.Fatal(err)
	}
	authorities, err := os.ReadFile(c.authority.File())
	if err != nil {
		t.Fatal(err)
	}
	believed := x509.NewCertPool()
	believed.AppendCertsFromPEM(authorities)
	dialer := tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}, RootCAs: believed}}
	conn, err := dialer.DialContext(t.Context(), "tcp", c.nodes[0].route)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "CONNECT {\"name\":\"one-more\",\"cluster\":\"almoner\"}\r\nPING\r\n")
	if err != nil {
		return err.Error()
	}
	var said strings.Builder
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		fmt.Fprintln(&said, lines.Text())
		if lines.Text() == "PONG" {
			return lines.Text()
		}
	}
	return said.String()
}
