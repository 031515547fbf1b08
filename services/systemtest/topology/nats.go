package topology

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// natsNodes is the size of the cluster: the smallest that loses one and goes on.
const natsNodes = 3

// natsCluster makes the servers' files and processes. They run on the very
// configuration that deploy/ ships; keys is the directory with users.conf.
func (t *Topology) natsCluster(keys string, take func() (string, error)) error {
	// The shipped files include users.conf from beside them.
	for _, name := range []string{"cluster.conf", "common.conf"} {
		content, err := os.ReadFile(filepath.Join(t.cfg.Root, "deploy", "nats", name))
		if err != nil {
			return fmt.Errorf("read NATS's configuration: %w", err)
		}
		err = writeFile(filepath.Join(keys, name), content)
		if err != nil {
			return err
		}
	}
	var clients, monitors, routes, listens [natsNodes]string
	for i := range natsNodes {
		for _, target := range []*string{&clients[i], &monitors[i], &listens[i]} {
			addr, err := take()
			if err != nil {
				return err
			}
			*target = addr
		}
		routes[i] = "tls://" + listens[i]
		t.natsURLs = append(t.natsURLs, "tls://"+clients[i])
	}
	for i := range natsNodes {
		name := fmt.Sprintf("nats-%d", i+1)
		files, err := t.authority.issue(name, net.IPv4(127, 0, 0, 1))
		if err != nil {
			return err
		}
		t.add(&process{
			name: name, program: t.cfg.NATSServer, args: []string{"-c", filepath.Join(keys, "cluster.conf")},
			env: []string{
				"NATS_NAME=" + name, "NATS_LISTEN=" + clients[i], "NATS_MONITOR=" + monitors[i],
				"NATS_STORE=" + filepath.Join(t.cfg.Dir, name), "NATS_CERT=" + files.cert, "NATS_KEY=" + files.key, "NATS_CA=" + t.authority.file(),
				"NATS_CLUSTER_LISTEN=" + listens[i], "NATS_CLUSTER_ROUTES=[" + strings.Join(routes[:], ", ") + "]",
			},
			ready: answers("http://" + monitors[i] + "/healthz"),
			quit:  syscall.SIGINT, orphaned: syscall.SIGKILL,
		})
	}
	return nil
}
