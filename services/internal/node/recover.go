package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/natsserver"
)

// Feeds are the services that have one, whose log an operator can recover.
func Feeds() []string {
	var feeds []string
	for _, member := range feedMembers() {
		if member.Produces {
			feeds = append(feeds, member.Service)
		}
	}
	return feeds
}

// Recover looks for a fork of a feed and shows it to decide, who answers whether
// to end it. It answers whether there is a fork when it returns.
func (o *Operator) Recover(ctx context.Context, name string, decide func(*feed.Fork) (bool, error)) (forked bool, err error) {
	var open closers
	defer func() { err = errors.Join(err, open.close()) }()
	conn, err := o.broker(ctx, name, &open)
	if err != nil {
		return false, err
	}
	consumers := map[string]*database.DB{}
	for _, member := range feedMembers() {
		if slices.Contains(member.Consumes, name) {
			consumers[member.Service] = o.databases[member.Service]
		}
	}
	db := o.databases[name]
	recovery, err := feed.NewRecovery(feed.ProducerConfig{
		Feed: name, Log: feed.NewLog(db, name), DB: db, NATS: conn, Replicas: o.cfg.NATSReplicas, Logger: o.logger,
	}, consumers)
	if err != nil {
		return false, fmt.Errorf("recover feed %s: %w", name, err)
	}
	fork, err := recovery.Look(ctx)
	if err != nil {
		return false, fmt.Errorf("look at feed %s: %w", name, err)
	}
	if fork == nil {
		return false, nil
	}
	yes, err := decide(fork)
	if err != nil || !yes {
		return true, err
	}
	err = recovery.Do(ctx, fork)
	if err != nil {
		return true, fmt.Errorf("recover feed %s: %w", name, err)
	}
	return false, nil
}

// broker connects as the producer, whose stream it is. An embedded server runs in
// the instance and has no port, so that it is started here, and the instance is
// not.
func (o *Operator) broker(ctx context.Context, name string, open *closers) (*nats.Conn, error) {
	connect := dialNATS(o.cfg, o.logger)
	if o.cfg.NATSURL == "" {
		lock, err := lockDir(o.cfg.DataDir)
		if errors.Is(err, errLocked) {
			return nil, fmt.Errorf("stop it first, NATS is inside it: %w", err)
		}
		if err != nil {
			return nil, err
		}
		open.add("lock", lock.Close)
		embedded, err := natsserver.Start(natsserver.Config{Dir: filepath.Join(o.cfg.DataDir, "nats"), Logger: o.logger})
		if err != nil {
			return nil, err
		}
		open.add("embedded NATS", embedded.Close)
		connect = embedded.Connect
	}
	conn, err := connect(name)
	if err != nil {
		return nil, err
	}
	open.add("NATS connection", func() error { conn.Close(); return nil })
	// A connection is returned before it is made.
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err = conn.FlushWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("NATS cannot be reached as %s: %w", name, err)
	}
	return conn, nil
}
