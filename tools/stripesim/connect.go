package stripesim

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
)

// accountsFolder holds the stores of connected accounts, a folder each, below the
// platform's own.
const accountsFolder = "accounts"

// errNoAccount is for accounts that are not there and for those of others alike.
var errNoAccount = errors.New("there is no such account here")

// connected are the accounts of a platform that are open. Each is a Server of its
// own: with its store, its seed, its clock and its knobs, so nothing that is asked
// of one can be answered from another.
//
// An account's lock may be held when the platform's is taken, never the other way.
type connected struct {
	mu   sync.Mutex
	open map[string]*Server
	// start runs what an account does by itself; nil while the platform's Run is not.
	start  func(*Server)
	closed bool
}

// Accounts are the ids of the platform's own account and of the live ones connected
// to it, in the order of creation.
func (s *Server) Accounts() []string {
	err := s.refresh()
	if err != nil {
		s.log.Error("bring state up to date", "error", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := []string{s.state.init.Account}
	for _, account := range s.state.accounts.all() {
		if !account.Deleted {
			out = append(out, account.ID)
		}
	}
	return out
}

// Account is the one with this id: the platform's own, or one connected to it. All
// that a Server tells and does is of that account alone; Run and Close are for the
// platform's, and hold for all of its accounts.
func (s *Server) Account(id string) (*Server, error) {
	if s.readOnly != nil {
		err := s.follow()
		if err != nil {
			return nil, err
		}
	}
	s.mu.RLock()
	own, account, seq := s.state.init.Account, s.state.accounts.byID[id], s.state.seq
	s.mu.RUnlock()
	if id == own {
		return s, nil
	}
	if account == nil || account.Deleted {
		return nil, errNoAccount
	}
	s.connected.mu.Lock()
	defer s.connected.mu.Unlock()
	world := s.connected.open[id]
	if world != nil {
		return world, nil
	}
	if s.connected.closed {
		return nil, errNoAccount
	}
	// An account that a power cut could still take back must not have a store: its
	// id would be given to another one.
	err := s.durable(seq)
	if err != nil {
		return nil, err
	}
	world, err = s.openAccount(account)
	if err != nil {
		return nil, err
	}
	s.connected.open[id] = world
	if s.connected.start != nil {
		s.connected.start(world)
	}
	return world, nil
}

// openAccount opens the store of a connected account, which is made at the first
// time: what was created when the process was killed has one at the next start.
func (s *Server) openAccount(account *ConnectedAccount) (*Server, error) {
	cfg := s.cfg
	cfg.Country, cfg.WebhookSecret = account.Country, ""
	s.mu.RLock()
	sum := digest(s.state.init.Seed, "account "+account.ID, 0)
	s.mu.RUnlock()
	cfg.Seed = binary.BigEndian.Uint64(sum[:8])
	if cfg.Dir != "" {
		cfg.Dir = filepath.Join(cfg.Dir, accountsFolder, account.ID)
	}
	cfg.Logger = s.log.With("account", account.ID)
	world := newServer(cfg)
	world.platform, world.as = s, account
	if s.readOnly == nil {
		err := world.openStore()
		if err == nil && cfg.Dir != "" {
			// A new folder outlives a power cut only when those above it say that it is there.
			err = errors.Join(syncDir(filepath.Join(s.cfg.Dir, accountsFolder)), syncDir(s.cfg.Dir))
		}
		if err != nil {
			return nil, errors.Join(err, world.Close())
		}
		return world, nil
	}
	err := world.openReading()
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errEmptyStore) {
		err = errNoAccount // the writer is about to make it
	}
	return world, err
}

// openAccounts opens all that are there at start, so that what they have not
// delivered goes out without anybody asking for them.
func (s *Server) openAccounts() error {
	for _, id := range s.Accounts() {
		_, err := s.Account(id)
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) closeAccounts() error {
	s.connected.mu.Lock()
	defer s.connected.mu.Unlock()
	s.connected.closed = true
	var failures []error
	for _, world := range s.connected.open {
		failures = append(failures, world.Close())
	}
	return errors.Join(failures...)
}

// eachAccount starts all accounts that are open, and those that come, until it is
// called with nil.
func (s *Server) eachAccount(start func(*Server)) {
	s.connected.mu.Lock()
	defer s.connected.mu.Unlock()
	s.connected.start = start
	if start == nil {
		return
	}
	for _, world := range s.connected.open {
		start(world)
	}
}

// ended tells whether this is a connected account that was deleted.
func (s *Server) ended() bool {
	if s.platform == nil {
		return false
	}
	s.platform.mu.RLock()
	defer s.platform.mu.RUnlock()
	return s.platform.state.accounts.byID[s.as.ID].Deleted
}

// dispatch hands a request to the account that it is about. The API and the control
// surface are told; a page is found by the object in its address, as links carry no
// header.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case strings.HasPrefix(path, "/v1/"):
		s.acting(r.Header.Get("Stripe-Account")).own.ServeHTTP(w, r)
	case path == "/_sim" || strings.HasPrefix(path, "/_sim/"):
		s.dispatchControl(w, r)
	default:
		s.showing(path).own.ServeHTTP(w, r)
	}
}

// acting is the account that a request to the API acts for. One that is not there
// is refused by the platform itself, once it has looked at the key.
func (s *Server) acting(id string) *Server {
	if id == "" {
		return s
	}
	world, err := s.Account(id)
	if err != nil {
		s.unlessMissing(err)
		return s
	}
	return world
}

func (s *Server) unlessMissing(err error) {
	if !errors.Is(err, errNoAccount) {
		s.log.Error("open a connected account", "error", err)
	}
}

// dispatchControl takes the account from ?account= or the header; it is the
// platform's without.
func (s *Server) dispatchControl(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("account")
	if id == "" {
		id = r.Header.Get("Stripe-Account")
	}
	if id == "" {
		s.own.ServeHTTP(w, r)
		return
	}
	world, err := s.Account(id)
	switch {
	case err == nil:
		world.own.ServeHTTP(w, r)
	case strings.Trim(r.URL.Path, "/") == "_sim":
		s.unlessMissing(err)
		s.message(w, http.StatusNotFound, "No such account", "There is no account of this id here.", "/_sim", "The platform's account")
	default:
		s.unlessMissing(err)
		sendJSON(w, http.StatusNotFound, map[string]string{"error": errNoAccount.Error()})
	}
}

// showing is the account that has the object of a page.
func (s *Server) showing(path string) *Server {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for _, id := range s.Accounts()[1:] {
		world, err := s.Account(id)
		if err != nil {
			s.unlessMissing(err)
			continue
		}
		if world.readOnly != nil {
			err = world.follow()
			if err != nil {
				world.log.Error("bring state up to date", "error", err)
			}
		}
		if world.hasPage(parts) {
			return world
		}
	}
	return s
}

func (s *Server) hasPage(parts []string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, id := range parts {
		if s.state.sessions.byID[id] != nil || s.state.intents.byID[id] != nil ||
			s.state.invoices.byID[id] != nil || s.state.portals.byID[id] != nil || s.state.charges.byID[id] != nil {
			return true
		}
	}
	return false
}

// listeners are the endpoints that events of this account may go to: its own, then
// those of its platform that listen to all connected accounts.
func (t *tx) listeners() []*WebhookEndpoint {
	var out []*WebhookEndpoint
	for _, id := range t.s.state.endpoints.order {
		endpoint := t.endpoint(id)
		if !endpoint.Connect {
			out = append(out, endpoint)
		}
	}
	if t.s.platform == nil {
		return out
	}
	t.s.platform.mu.RLock()
	defer t.s.platform.mu.RUnlock()
	for _, endpoint := range t.s.platform.state.endpoints.all() {
		if endpoint.Connect {
			out = append(out, endpoint)
		}
	}
	return out
}

// listening has the ids of the endpoints that events of this account may go to.
func (s *Server) listening() map[string]bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := map[string]bool{}
	for _, endpoint := range (&tx{s: s}).listeners() {
		out[endpoint.ID] = !endpoint.Deleted
	}
	return out
}

// receiver is the endpoint of a delivery, and the time by the clock that its secrets
// end by. The caller holds the read lock.
func (s *Server) receiver(id string) (endpoint *WebhookEndpoint, now int64) {
	endpoint = s.state.endpoints.byID[id]
	if endpoint != nil || s.platform == nil {
		return endpoint, s.now().Unix()
	}
	s.platform.mu.RLock()
	defer s.platform.mu.RUnlock()
	return s.platform.state.endpoints.byID[id], s.platform.now().Unix()
}

// siblings are the ids of all accounts, the platform's own first.
func (s *Server) siblings() []string {
	if s.platform != nil {
		return s.platform.Accounts()
	}
	return s.Accounts()
}

// accountQuery leads an address of the control surface to this account; the
// platform's need none.
func (s *Server) accountQuery() string {
	if s.platform == nil {
		return ""
	}
	return "?account=" + s.as.ID
}

// getAccounts lists all accounts, also to one who asks in the name of one of them.
func (s *Server) getAccounts(w http.ResponseWriter, _ *http.Request) {
	ids := s.siblings()
	sendJSON(w, http.StatusOK, map[string]any{"platform": ids[0], "connected": ids[1:]})
}
