package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// promisedRate is the rate, in gifts a second, at which bookedGoal, in
	// milliseconds, bounds 99 of 100 gifts.
	promisedRate = 500
	bookedGoal   = 100
	// pgbenchGoal and clusterGoal are ratios of the whole path.
	pgbenchGoal = 0.7
	clusterGoal = 0.5
)

// measureOnPostgres runs the program with five databases on one server, beside
// pgbench on the same server before and after it; and then with three NATS servers
// in place of the embedded one.
func measureOnPostgres(ctx context.Context, p plan, t *table, say sayer) (err error) {
	server, err := startPostgres(ctx, filepath.Join(p.dir, "postgres"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	err = errors.Join(server.pgbenchInit(ctx), server.lay(ctx, p))
	if err != nil {
		return err
	}
	seconds := p.period
	var bare []float64
	var computed time.Duration
	bench := func() error {
		tps, each, err := server.pgbench(ctx, seconds)
		bare, computed = append(bare, tps), each
		say("pgbench -N -M prepared -c %d, scale %d, %s: %.0f tps; processor time of the server %.2f ms each", pgbenchClients, pgbenchScale, seconds, tps, millis(each, 1))
		return err
	}
	err = bench()
	if err != nil {
		return err
	}
	s, err := openStripe(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	b, err := server.books()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	m := &measurement{plan: p, stripe: s, server: server, books: b, table: t, say: say}

	embedded, err := m.onServer(ctx, true, server.variables("")...)
	if err != nil {
		return err
	}
	alone, err := m.serverAlone(ctx)
	if err != nil {
		return err
	}
	err = bench()
	if err != nil {
		return err
	}
	nats, err := startNATS(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, nats.stop()) }()
	clustered, err := m.onServer(ctx, false, append(server.variables(""), "ALMONER_NATS_URL="+nats.url, "ALMONER_NATS_REPLICAS=3")...)
	if err != nil {
		return err
	}
	err = bench()
	if err != nil {
		return err
	}
	t.add(fmt.Sprintf("pgbench -N -M prepared -c %d, scale %d, %s, tps", pgbenchClients, pgbenchScale, seconds), spreadOf(bare).String())
	t.add("processor time of the server for one of pgbench's transactions", fmt.Sprintf("%.2f ms", millis(computed, 1)))
	t.atLeast("whole path ÷ pgbench, gifts/s", spreadOf(embedded).String(), spreadOf(embedded).median/spreadOf(bare).median, pgbenchGoal)
	t.add("PostgreSQL alone, the same rows over four connections, gifts/s", alone.String())
	t.add("PostgreSQL alone ÷ pgbench: no program that keeps these rows can do more", fmt.Sprintf("%.2f", alone.median/spreadOf(bare).median))
	t.add("whole path ÷ PostgreSQL alone", fmt.Sprintf("%.2f", spreadOf(embedded).median/alone.median))
	t.atLeast("whole path with three NATS servers (R3) ÷ with the embedded one, gifts/s", spreadOf(clustered).String(),
		spreadOf(clustered).median/spreadOf(embedded).median, clusterGoal)
	return nil
}

// onServer runs the program on the server and sends it gifts as fast as it takes
// them, and at fixed rates if that is wanted. It returns how many a second.
func (m *measurement) onServer(ctx context.Context, rates bool, variables ...string) (path []float64, err error) {
	m.instance, err = startInstance(ctx, m.program, filepath.Join(m.dir, "gifts"), m.stripe.url, variables...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.instance.stop()) }()
	_, err = m.burst(ctx, warmUp)
	if err != nil {
		return nil, err
	}
	for _, rate := range m.rates {
		if !rates {
			break
		}
		err = m.steady(ctx, rate)
		if err != nil {
			return nil, err
		}
	}
	rush, err := m.rush(ctx)
	if err != nil {
		return nil, err
	}
	if rates {
		m.table.add("processor time a gift: program, sender, server", fmt.Sprintf("%.2f, %.2f, %.2f ms",
			millis(rush.last.computed, m.gifts), millis(rush.last.sending, m.gifts), millis(rush.last.served, m.gifts)))
		m.table.add(fmt.Sprintf("webhook → 200 at saturation (%s webhooks/s), p50 / p99", spreadOf(rush.answered)), percentiles(rush.took))
	}
	_, err = m.books.mailed(ctx)
	if err != nil {
		return nil, err
	}
	if rates {
		m.written, err = m.books.rowsOf(ctx, rush.last.before, m.gifts)
		if err != nil {
			return nil, err
		}
	}
	return rush.path, m.instance.audit(ctx)
}

// serverAlone has the server write the rows of the last burst again, without the
// program.
func (m *measurement) serverAlone(ctx context.Context) (spread, error) {
	var bare []float64
	rows := 0
	for _, set := range m.written {
		rows += len(set.rows)
	}
	for range max(m.bursts, 3) {
		perSecond, err := m.server.insertBare(ctx, m.written, m.gifts)
		if err != nil {
			return spread{}, err
		}
		bare = append(bare, perSecond)
	}
	m.say("PostgreSQL alone: %s gifts/s of %.1f rows", spreadOf(bare), float64(rows)/float64(m.gifts))
	return spreadOf(bare), nil
}

// natsCluster is three nats-servers on loopback.
type natsCluster struct {
	url      string
	commands []*exec.Cmd
}

func startNATS(ctx context.Context, p plan) (_ *natsCluster, err error) {
	program, err := filepath.Abs(filepath.Join(p.tools, "nats-server"))
	if err != nil {
		return nil, err
	}
	addrs, err := freeAddrs(ctx, 6)
	if err != nil {
		return nil, err
	}
	c := &natsCluster{}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.stop())
		}
	}()
	routes := ""
	for n := range 3 {
		routes += fmt.Sprintf("nats://%s,", addrs[3+n])
	}
	for n := range 3 {
		name := fmt.Sprintf("nats%d", n)
		dir := filepath.Join(p.dir, name)
		err = os.MkdirAll(dir, 0o700)
		if err != nil {
			return nil, fmt.Errorf("make the folder of %s: %w", name, err)
		}
		settings := fmt.Sprintf("server_name: %s\nlisten: %q\nlog_file: %q\njetstream { store_dir: %q }\ncluster { name: loadtest, listen: %q, routes: [%s] }\n",
			name, addrs[n], filepath.Join(dir, "log"), dir, addrs[3+n], routes[:len(routes)-1])
		file := filepath.Join(dir, "nats.conf")
		err = os.WriteFile(file, []byte(settings), 0o600)
		if err != nil {
			return nil, fmt.Errorf("configure %s: %w", name, err)
		}
		command := exec.CommandContext(context.WithoutCancel(ctx), program, "-c", file) //nolint:gosec // the pinned tool
		err = command.Start()
		if err != nil {
			return nil, fmt.Errorf("start %s (`make bin/nats-server`): %w", program, err)
		}
		c.commands = append(c.commands, command)
		if n > 0 {
			c.url += ","
		}
		c.url += "nats://" + addrs[n]
	}
	// The program itself waits for the cluster to have elected whom it needs.
	return c, nil
}

func (c *natsCluster) stop() error {
	var failures []error
	for _, command := range c.commands {
		failures = append(failures, command.Process.Signal(syscall.SIGTERM))
		ended := make(chan error, 1)
		go func() { ended <- command.Wait() }()
		select {
		case <-ended: // by the signal, which is no failure
		case <-time.After(patience):
			failures = append(failures, command.Process.Kill())
		}
	}
	c.commands = nil
	return errors.Join(failures...)
}
