package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/google/uuid"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/web/internal/front"
)

const (
	// idle is how long a session outlives its last visit, and absolute how long it
	// lives in any case.
	idle     = 14 * 24 * time.Hour
	absolute = 30 * 24 * time.Hour
	// staffIdle and staffAbsolute are the same for the desks of the staff.
	staffIdle     = time.Hour
	staffAbsolute = 12 * time.Hour
	// noted is how exactly visits are remembered: finer would be a write for every
	// picture of a page.
	noted = time.Minute
)

// Keys of what a session remembers.
const (
	keyPerson    = "person"    // id made from the mail address
	keySupporter = "supporter" // account at the fundraiser service
	keySignedIn  = "signed_in" // unix microseconds, as the following ones
	keySeen      = "seen"
	keyDesk      = "desk" // last visit while the staff's desks were open
	keyDraft     = "draft"
)

// Config is what sessions must be told.
type Config struct {
	// Secure says that browsers reach the site by https.
	Secure bool
	// Staff of the configuration: roles by mail address.
	Staff map[string][]string
}

// Deps is what they work with; all fields are needed.
type Deps struct {
	DB     *database.DB
	Logger *slog.Logger
	Now    func() time.Time
}

// Sessions are those of the site.
type Sessions struct {
	db         *database.DB
	scs        *scs.SessionManager
	secure     bool
	configured map[string]Member // by id
	logger     *slog.Logger
	now        func() time.Time
}

// New makes sessions on a database; it does not touch it. It fails on staff that
// cannot be: an address that is none, a role that there is not.
func New(cfg Config, deps Deps) (*Sessions, error) {
	s := &Sessions{db: deps.DB, scs: scs.New(), secure: cfg.Secure, configured: map[string]Member{}, logger: deps.Logger, now: deps.Now}
	for email, roles := range cfg.Staff {
		address, ok := Address(email)
		if !ok {
			return nil, errors.New("staff of the configuration: an address is malformed")
		}
		for _, role := range roles {
			if !knownRole(role) {
				return nil, fmt.Errorf("staff of the configuration: there is no role %q", role)
			}
		}
		id := PersonID(address)
		s.configured[id] = Member{ID: id, Email: address, Roles: sorted(append(s.configured[id].Roles, roles...)), Configured: true}
	}
	// When a session ends is decided by the store, with the clock that everything
	// else here goes by.
	s.scs.Lifetime = absolute
	s.scs.HashTokenInStore = true
	s.scs.Store = kept{db: deps.DB, now: deps.Now}
	return s, nil
}

// people keeps ids of people apart from everybody else's. It must never change:
// what staff did is recorded under these ids.
const people = "f7a1c8d2-9f35-4c4e-8b5a-6e0d41b7c930"

// PersonID is the id of whoever reads the mails of an address.
func PersonID(address string) string {
	return uuid.NewSHA1(uuid.MustParse(people), []byte(address)).String()
}

// SignIn makes the session that of a person, under a new token, so that one that
// was planted in the browser before is worth nothing. supporterID is empty when
// the account is not known. It is durable when SignIn returns.
func (s *Sessions) SignIn(ctx context.Context, address, supporterID string) error {
	err := s.scs.RenewToken(ctx)
	if err != nil {
		return fmt.Errorf("renew session: %w", err)
	}
	now := s.now().UnixMicro()
	for key, value := range map[string]any{
		keyPerson: PersonID(address), keySupporter: supporterID, keySignedIn: now, keySeen: now, keyDesk: now,
	} {
		s.scs.Put(ctx, key, value)
	}
	visitOf(ctx).changed(true)
	return s.save(ctx)
}

// SignOut ends the session.
func (s *Sessions) SignOut(ctx context.Context) error {
	err := s.scs.Destroy(ctx)
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	visitOf(ctx).changed(true)
	return nil
}

// SignOutEverywhere ends all sessions of the person, this one too.
func (s *Sessions) SignOutEverywhere(ctx context.Context) error {
	person := s.scs.GetString(ctx, keyPerson)
	if person == "" {
		return s.SignOut(ctx)
	}
	err := s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO sign_out_floor (person_id, at) VALUES ($1, $2)
			ON CONFLICT (person_id) DO UPDATE SET at = excluded.at WHERE sign_out_floor.at < excluded.at`, person, s.now().UnixMicro())
		return err
	})
	if err != nil {
		return fmt.Errorf("end sessions of a person: %w", err)
	}
	return s.SignOut(ctx)
}

// Draft is the page that the visitor began before signing in; empty for none.
func (s *Sessions) Draft(ctx context.Context) string { return s.scs.GetString(ctx, keyDraft) }

// KeepDraft remembers it; empty forgets it. It is durable when KeepDraft returns.
func (s *Sessions) KeepDraft(ctx context.Context, id string) error {
	if s.Draft(ctx) == id {
		return nil
	}
	s.scs.Put(ctx, keyDraft, id)
	visitOf(ctx).changed(false)
	return s.save(ctx)
}

// Visitor is who the session of the context belongs to. Where the session could
// not be read, the error says so.
func (s *Sessions) Visitor(ctx context.Context) (front.Visitor, error) {
	v := visitOf(ctx)
	if v.failure != nil {
		return front.Visitor{}, v.failure
	}
	person := s.scs.GetString(ctx, keyPerson)
	if person == "" {
		return front.Visitor{}, nil
	}
	if v.known != nil {
		return *v.known, nil
	}
	floor, roles, err := s.standing(ctx, person)
	if err != nil {
		return front.Visitor{}, err
	}
	signedIn := s.scs.GetInt64(ctx, keySignedIn)
	if signedIn <= floor {
		return front.Visitor{}, nil
	}
	visitor := front.Visitor{SupporterID: s.scs.GetString(ctx, keySupporter)}
	if len(roles) > 0 {
		now := s.now().UnixMicro()
		visitor.StaffID, visitor.Roles = person, roles
		visitor.Stale = now-signedIn > staffAbsolute.Microseconds() || now-s.scs.GetInt64(ctx, keyDesk) > staffIdle.Microseconds()
	}
	v.known = &visitor
	return visitor, nil
}

// standing is since when sessions of the person count, and the person's roles.
func (s *Sessions) standing(ctx context.Context, person string) (floor int64, roles []string, err error) {
	var stored string
	err = s.db.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT
			COALESCE((SELECT at FROM sign_out_floor WHERE person_id = $1), 0),
			COALESCE((SELECT roles FROM staff WHERE id = $1 AND removed_at = 0), '')`, person).Scan(&floor, &stored)
	})
	if err != nil {
		return 0, nil, fmt.Errorf("look up a person: %w", err)
	}
	return floor, sorted(append(splitRoles(stored), s.configured[person].Roles...)), nil
}

// secret is 256 bits that nobody can guess, as text for an address.
func secret() (string, error) {
	bits := make([]byte, 32)
	_, err := rand.Read(bits)
	if err != nil {
		return "", fmt.Errorf("draw a token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(bits), nil
}

// hash is what is stored of a secret. It has all its bits from a good source, so
// a slow hash would protect nothing.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func splitRoles(stored string) []string {
	if stored == "" {
		return nil
	}
	return strings.Split(stored, ",")
}
