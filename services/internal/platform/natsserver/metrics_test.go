package natsserver_test

import (
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/almoner/almoner/services/internal/platform/natsserver"
	"github.com/almoner/almoner/services/internal/testkit"
)

func TestOperatorsSeeWhetherNATSIsConnected(t *testing.T) {
	t.Parallel()
	server := start(t, filepath.Join(t.TempDir(), "nats"))
	conn, err := server.Connect("ledger")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	metrics := prometheus.NewRegistry()
	natsserver.Watch(metrics, "ledger", conn)
	natsserver.Watch(nil, "receipt", conn) // nobody counts there

	const connected = `almoner_nats_connected{service="ledger"}`
	if seen := testkit.Scrape(t, metrics); seen[connected] != 1 {
		t.Errorf("connected, it tells %v", seen)
	}
	err = server.Close()
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() bool { return testkit.Scrape(t, metrics)[connected] == 0 })
}
