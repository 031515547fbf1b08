// Package natsserver runs NATS with JetStream inside this process, without a
// port, dials any NATS server or cluster with the options that the feeds count on,
// and writes what such a server has to know of the services: their keys and what
// each may do. The streams are a cache of what the databases hold: a store that
// cannot be read is put aside and a new one is begun.
package natsserver

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	startTimeout = 10 * time.Second
	readyPoll    = 100 * time.Millisecond
	// reservable is what the streams' size limits may add up to. The server
	// would otherwise derive it from the free space of the disk and refuse, on a
	// small one, to create streams that will never grow to their limits.
	reservable = 1 << 40
)

// Config says where the embedded server keeps its streams.
type Config struct {
	// Dir is created when it is missing.
	Dir string
	// Logger gets the server's warnings. Nil logs nothing.
	Logger *slog.Logger
}

// Server is NATS in this process. It is safe for concurrent use.
type Server struct {
	nats   *server.Server
	logger *slog.Logger
}

// Start runs the server and returns when JetStream is ready.
func Start(cfg Config) (*Server, error) {
	logger := cfg.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	started, err := start(cfg.Dir, logger)
	if err == nil {
		return &Server{nats: started, logger: logger}, nil
	}
	// The unreadable store is kept for whoever wants to know why.
	aside := fmt.Sprintf("%s.unreadable-%d", filepath.Clean(cfg.Dir), time.Now().UnixNano())
	moveErr := os.Rename(cfg.Dir, aside)
	if moveErr != nil {
		return nil, fmt.Errorf("start embedded NATS: %w", errors.Join(err, moveErr))
	}
	logger.Error("the stream store cannot be read; a new one is begun and filled from the databases", "error", err, "kept", aside)
	started, err = start(cfg.Dir, logger)
	if err != nil {
		return nil, fmt.Errorf("start embedded NATS: %w", err)
	}
	return &Server{nats: started, logger: logger}, nil
}

func start(dir string, logger *slog.Logger) (*server.Server, error) {
	embedded, err := server.NewServer(&server.Options{
		ServerName:        "almoner",
		DontListen:        true,
		JetStream:         true,
		StoreDir:          dir,
		JetStreamMaxStore: reservable,
		NoSigs:            true,
	})
	if err != nil {
		return nil, err
	}
	// The server reports why it could not start through its log alone.
	failures := &bridge{logger: logger}
	embedded.SetLoggerV2(failures, false, false, false)
	embedded.Start()
	deadline := time.Now().Add(startTimeout)
	for !failures.fatal() && time.Now().Before(deadline) {
		if embedded.ReadyForConnections(readyPoll) && embedded.JetStreamEnabled() {
			return embedded, nil
		}
	}
	embedded.Shutdown()
	embedded.WaitForShutdown()
	return nil, fmt.Errorf("the server is not ready: %s", failures.last())
}

// Connect opens a connection without a network. The name shows who it is.
// Close it before the server.
func (s *Server) Connect(name string) (*nats.Conn, error) {
	conn, err := nats.Connect("", append(options(name, s.logger), nats.InProcessServer(s.nats))...)
	if err != nil {
		return nil, fmt.Errorf("connect %s to embedded NATS: %w", name, err)
	}
	return conn, nil
}

// Close stops the server and waits until its files are written.
func (s *Server) Close() error {
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
	return nil
}
