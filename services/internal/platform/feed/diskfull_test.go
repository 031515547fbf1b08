package feed_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/almoner/almoner/services/internal/testkit"
)

// storeVariable makes this test binary a NATS server with its store there.
const storeVariable = "FEED_TEST_NATS_STORE"

// serveNATS is a server in a process of its own, whose disk can be full. It says
// where it listens, does what it is told line by line and ends with its input.
func serveNATS(store string) error {
	// The limit's signal would end the process; what is wanted is the error.
	signal.Ignore(syscall.SIGXFSZ)
	nats, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: store, JetStreamMaxStore: 1 << 40, NoSigs: true, NoLog: true,
	})
	if err != nil {
		return err
	}
	nats.Start()
	if !nats.ReadyForConnections(10 * time.Second) {
		return fmt.Errorf("NATS is not ready")
	}
	_, err = fmt.Fprintln(os.Stdout, nats.Addr())
	if err != nil {
		return err
	}
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		// From now on the kernel refuses to make any file longer, which is what a
		// process sees of a full disk.
		var limit syscall.Rlimit
		err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit)
		if err != nil {
			return err
		}
		limit.Cur = 0
		if orders.Text() == "free" {
			limit.Cur = limit.Max
		}
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(os.Stdout, "done")
		if err != nil {
			return err
		}
	}
	return nil
}

// outside is a broker in a process of its own.
type outside struct {
	t     *testing.T
	store string

	mu      sync.Mutex
	address string
	cmd     *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Scanner
}

func startOutside(t *testing.T) *outside {
	t.Helper()
	o := &outside{t: t, store: filepath.Join(t.TempDir(), "nats")}
	o.start()
	t.Cleanup(o.kill)
	return o
}

func (o *outside) start() {
	o.t.Helper()
	program, err := os.Executable()
	if err != nil {
		o.t.Fatal(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.cmd = exec.CommandContext(context.Background(), program)
	o.cmd.Env = []string{storeVariable + "=" + o.store}
	o.orders, err = o.cmd.StdinPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	output, err := o.cmd.StdoutPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	err = o.cmd.Start()
	if err != nil {
		o.t.Fatal(err)
	}
	o.answers = bufio.NewScanner(output)
	if !o.answers.Scan() || !strings.HasPrefix(o.answers.Text(), "127.0.0.1:") {
		o.t.Fatalf("the server did not start: %q", o.answers.Text())
	}
	o.address = o.answers.Text()
}

// kill ends the server without a word, as a power cut does.
func (o *outside) kill() {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.cmd.Process.Kill()
	_ = o.cmd.Wait()
}

func (o *outside) tell(order string) {
	o.t.Helper()
	_, err := fmt.Fprintln(o.orders, order)
	if err != nil || !o.answers.Scan() {
		o.t.Fatalf("%s: %v", order, err)
	}
}

// InProcessConn dials the server where it is now.
func (o *outside) InProcessConn() (net.Conn, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return net.DialTimeout("tcp", o.address, time.Second)
}

// Given a broker whose disk is full, then nothing that was acknowledged is lost,
// events go on by being pulled, and when there is room and the server was started
// again, the stream is filled.
func TestAFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	broker := startOutside(t)
	w := worldAt(t, testkit.SQLite, nil, func(t testing.TB, name string) *nats.Conn {
		return testkit.ConnectThrough(t, name, broker)
	})
	producer := w.newProducer()
	w.run(producer.Run)
	w.run(w.newConsumer().Run)
	full := 0
	for range 2 {
		w.giveMany(50)
		w.settle()
		w.laid()
		broker.tell("full")
		full++
		w.giveMany(100)
		testkit.Eventually(t, func() bool { return producer.Health() != nil })
		w.giveMany(50)
		w.settle()
		w.verify()
		broker.tell("free")
		broker.kill()
		broker.start()
		w.giveMany(10)
		w.laid()
		testkit.Eventually(t, func() bool { return producer.Health() == nil })
	}
	w.settle()
	w.verify()
	t.Logf("full %d times, %d events", full, w.status().Head)
}
