package stripesim

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// Server is one simulated Stripe account, with the accounts that are connected to
// it. All its methods may be called at the same time.
type Server struct {
	cfg      Config
	log      *slog.Logger
	knobs    *knobs
	handler  http.Handler
	readOnly *follower

	// own answers for this account alone; the handler picks the account first.
	own       http.Handler
	connected connected
	// platform is the account that this one is connected to, and as what it says of
	// it; nil for the platform itself.
	platform *Server
	as       *ConnectedAccount

	// mu guards state. Stored objects are immutable: what was read under the
	// lock may be used after it.
	mu    sync.RWMutex
	state *state
	file  *logFile
	// nextPayout is the second of the next scheduled payout; zero without one.
	nextPayout int64

	requests  atomic.Uint64
	limiter   limiter
	inFlight  map[string]bool
	outbox    *outbox
	closeOnce sync.Once
	closeErr  error
}

// Open starts the simulator on its store, which it creates when there is none.
// The store is locked for other writers until Close.
func Open(cfg Config) (*Server, error) {
	err := errors.Join(checkSettlement(cfg.Settlement), checkSchedule(cfg.PayoutSchedule))
	if err != nil {
		return nil, err
	}
	s := newServer(cfg)
	err = s.openStore()
	if err == nil {
		err = s.openAccounts()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// openStore reads the log and begins the next start. The caller closes the server
// also when that fails.
func (s *Server) openStore() error {
	if s.cfg.Dir != "" {
		file, torn, err := openLog(s.cfg.Dir, s.state.apply)
		if err != nil {
			return err
		}
		s.file = file
		if torn > 0 {
			s.log.Warn("cut a half-written record off the store", "bytes", torn)
		}
	}
	return s.boot()
}

func newServer(cfg Config) *Server {
	s := &Server{cfg: cfg.withDefaults(), state: newState(), inFlight: make(map[string]bool)}
	s.log = s.cfg.Logger
	s.knobs = newKnobs(s.cfg.Settlement, s.cfg.PayoutSchedule)
	s.outbox = newOutbox()
	s.connected.open = make(map[string]*Server)
	s.own = s.routes()
	s.handler = http.HandlerFunc(s.dispatch)
	return s
}

// boot writes the first record of a new store, or the next start of an old one,
// and takes up what was not delivered.
func (s *Server) boot() error {
	s.mu.Lock()
	before := s.state.lastAt / 1_000_000
	t := s.begin(requestInfo{})
	t.rec.Boot = true
	if s.state.seq == 0 {
		seed := s.cfg.Seed
		if seed == 0 {
			var random [8]byte
			_, _ = rand.Read(random[:]) // documented never to fail
			seed = binary.BigEndian.Uint64(random[:])
		}
		t.rec.Init = &initRecord{
			Format: 1, Seed: seed, Account: makeID(seed, "account", 0), Created: t.now.Unix(),
		}
		if s.as != nil {
			t.rec.Init.Account, t.rec.Init.Created = s.as.ID, s.as.Created
			t.rec.ClockOffset = &s.as.ClockOffset
		}
	}
	err := s.commit(t)
	if err == nil {
		s.knobs.seed(s.state.init.Seed)
		s.recoverDeliveries()
		if before == 0 {
			before = s.now().Unix()
		}
		s.schedulePayouts(before)
	}
	seq := s.state.seq
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.durable(seq)
}

// OpenReadOnly follows a store that another process may be writing to. It takes
// no lock and changes nothing: its Handler answers GETs, with all that the
// writer has written by then, and refuses everything else.
func OpenReadOnly(cfg Config) (*Server, error) {
	s := newServer(cfg)
	err := s.openReading()
	if err != nil {
		return nil, err
	}
	return s, nil
}

var errEmptyStore = errors.New("store is empty")

func (s *Server) openReading() error {
	file, err := os.Open(filepath.Join(s.cfg.Dir, logName))
	if err != nil {
		return fmt.Errorf("open store for reading: %w", err)
	}
	s.readOnly = &follower{file: file}
	err = s.follow()
	if err == nil && s.state.seq == 0 {
		err = errEmptyStore
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	return nil
}

// follower is the place up to which another process's log has been read.
type follower struct {
	file   *os.File
	offset int64
}

// follow reads what was written since the last call.
func (s *Server) follow() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	end, err := replay(s.readOnly.file, s.readOnly.offset, s.state.apply)
	s.readOnly.offset = end
	return err
}

// Handler serves Stripe's API under /v1, the hosted pages and /_sim.
func (s *Server) Handler() http.Handler { return s.handler }

// Close waits for what is being written and lets go of the store. Run must have
// returned before.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		s.closeErr = s.closeAccounts()
		if s.file != nil {
			s.closeErr = errors.Join(s.closeErr, s.file.close())
		}
		if s.readOnly != nil {
			s.closeErr = errors.Join(s.closeErr, s.readOnly.file.Close())
		}
	})
	return s.closeErr
}

// transact runs one transition: what fn puts and emits becomes one record, or
// nothing does when fn fails. It returns when the record is on disk.
func (s *Server) transact(call requestInfo, fn func(*tx) error) error {
	if s.readOnly != nil {
		return errReadOnly
	}
	s.mu.Lock()
	err := s.fireTimers()
	if err == nil {
		t := s.begin(call)
		err = fn(t)
		if err == nil {
			err = s.commit(t)
		}
	}
	seq := s.state.seq
	s.mu.Unlock()
	// Timers may have written also when fn failed.
	s.outbox.signal()
	return errors.Join(err, s.durable(seq))
}

var errReadOnly = errors.New("this simulator is open for reading only")

func (s *Server) begin(call requestInfo) *tx {
	now := s.now()
	return &tx{s: s, now: now, call: call, rec: record{
		Seq: s.state.seq + 1, At: now.UnixMicro(), IDs: s.state.ids,
	}}
}

// commit writes the record and applies it. The caller holds the lock and waits
// for durable before it tells anyone.
func (s *Server) commit(t *tx) error {
	if t.rec.empty() {
		return nil
	}
	if s.file != nil {
		err := s.file.append(&t.rec)
		if err != nil {
			return err
		}
	}
	return s.state.apply(&t.rec)
}

// durable waits until everything up to this record survives a power cut.
func (s *Server) durable(seq uint64) error {
	if s.file == nil {
		return nil
	}
	return s.file.sync(seq)
}

// EnsureWebhookEndpoint makes sure that events go to url and returns the signing
// secret. An endpoint of that URL is brought in line, otherwise one is created;
// the process that embeds the simulator calls it at every start.
func (s *Server) EnsureWebhookEndpoint(url string, enabledEvents []string, apiVersion string) (string, error) {
	failure := checkEndpoint(url, enabledEvents)
	if failure == nil {
		failure = checkVersion(apiVersion)
	}
	if failure != nil {
		return "", fmt.Errorf("ensure webhook endpoint: %s", failure.Message)
	}
	var secret string
	err := s.transact(requestInfo{}, func(t *tx) error {
		endpoint := t.endpointOf(url)
		if endpoint == nil {
			endpoint = t.newEndpoint(url, s.cfg.WebhookSecret)
		}
		next := *endpoint
		next.EnabledEvents, next.APIVersion, next.Disabled = enabledEvents, apiVersion, false
		if s.cfg.WebhookSecret != "" {
			next.Secrets = []signingSecret{{Value: s.cfg.WebhookSecret}}
		}
		secret = next.currentSecret()
		if !sameEndpoint(s.state.endpoints.byID[next.ID], &next) {
			t.putEndpoint(next)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("ensure webhook endpoint: %w", err)
	}
	return secret, nil
}
