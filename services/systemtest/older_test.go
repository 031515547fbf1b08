package systemtest

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/systemtest/topology"
)

// An upgrade as an operator does it, while donors give: everything is of the
// version before; databases are migrated first, then service after service is
// replaced. At each step some are of the one version and some of the other, and
// they understand each other.
func TestSplitUpgradesOneByOne(t *testing.T) {
	if *older == "" {
		t.Skip("there is no earlier build (-older)")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := t.TempDir()
	cfg, err := programs(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	newer := cfg.Almoner
	cfg.Dir, cfg.Almoner = filepath.Join(dir, "split"), *older
	running, err := topology.Open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := running.Close()
		if err != nil {
			t.Error(err)
		}
	})
	f := &five{Topology: running, dir: dir}
	t.Cleanup(func() {
		if t.Failed() {
			f.showLogs(t)
		}
	})
	f.resume(t)

	donors := gather(t, f.site(), crowdSize)
	donors.more(t, 2)
	f.Use(newer)
	err = f.Migrate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	donors.more(t, 2)
	for _, service := range node.Databases() {
		err := f.Stop(service)
		if err != nil {
			t.Fatal(err)
		}
		f.begin(t, service)
		donors.more(t, 2)
	}
	donors.leave()
	o := operator(t, f.config())
	agree(t, o)
	if paid, counted := truthAt(t, f.stripe()).paid(), gifts(t, o); paid != counted {
		t.Errorf("Stripe took %d payments, %d gifts are counted", paid, counted)
	}
	t.Logf("upgraded one by one during %d gifts: %d pages said to try again", donors.paid.Load(), donors.sorry.Load())
}
