package session

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/database"
)

const (
	// LinkLifetime is how long a link works.
	LinkLifetime = 15 * time.Minute
	// Mails of an address in an hour and in a day, and those that one network
	// address may cause in an hour.
	mailsAnHour    = 3
	mailsADay      = 10
	mailsOfAClient = 10
	// wrongAddresses is how often somebody in another browser may guess.
	wrongAddresses = 3
	// draftsAnHour are pages begun from one network address without signing in.
	draftsAnHour = 20

	longestAddress = 254 // RFC 5321
)

// Errors of a link. What is wrong with one that does not work is nobody's
// business: there was none, or it is used up.
var (
	ErrLink         = apperr.New(apperr.Gone, "LINK_DEAD", "This link does not work any more.")
	ErrOtherAddress = apperr.New(apperr.InvalidArgument, "OTHER_ADDRESS", "The link was not sent to this address.")
)

// Address is a mail address as it is stored and compared; false for none.
func Address(typed string) (string, bool) {
	address := strings.ToLower(strings.TrimSpace(typed))
	parsed, err := netmail.ParseAddress(address)
	if err != nil || parsed.Address != address || parsed.Name != "" || len(address) > longestAddress {
		return "", false
	}
	_, host, _ := strings.Cut(address, "@")
	// A name without a dot is in nobody's network but one's own.
	if !strings.Contains(strings.Trim(host, "."), ".") || strings.ContainsAny(address, "\"\\ ") {
		return "", false
	}
	return address, true
}

// Ask is somebody's wish for a link.
type Ask struct {
	Address string
	Client  string // network address that mails are counted by; empty counts none
	Binding string // cookie of the asking browser
	Next    string // where to go when signed in
	Draft   string // page that was begun before
}

// Link is what a link is for.
type Link struct {
	Address string
	Next    string
	Draft   string
	Expires time.Time
	// Bound says that the browser that asked for the link is the one that has it.
	Bound bool

	hash string
}

// NewLink makes a link and returns its token, of which nothing but a hash is kept.
// The token is empty when there have been mails enough for now.
func (s *Sessions) NewLink(ctx context.Context, ask Ask) (token string, err error) {
	fresh, err := secret()
	if err != nil {
		return "", err
	}
	now := s.now()
	err = s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		token = ""
		// The address first, then the client: all take the rows in this order.
		for _, subject := range []string{"email " + ask.Address, "client " + ask.Client} {
			_, err := tx.ExecContext(ctx, `INSERT INTO sign_in_turn (subject, asked_at) VALUES ($1, $2)
				ON CONFLICT (subject) DO UPDATE SET asked_at = excluded.asked_at`, subject, now.UnixMicro())
			if err != nil {
				return err
			}
		}
		var hourly, daily, ofClient int
		err := tx.QueryRowContext(ctx, `SELECT
			(SELECT COUNT(*) FROM sign_in_link WHERE email = $1 AND created_at > $3),
			(SELECT COUNT(*) FROM sign_in_link WHERE email = $1 AND created_at > $4),
			(SELECT COUNT(*) FROM sign_in_link WHERE client = $2 AND client <> '' AND created_at > $3)`,
			ask.Address, ask.Client, now.Add(-time.Hour).UnixMicro(), now.Add(-day).UnixMicro()).Scan(&hourly, &daily, &ofClient)
		if err != nil {
			return err
		}
		if hourly >= mailsAnHour || daily >= mailsADay || ofClient >= mailsOfAClient {
			return nil
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO sign_in_link
			(token_hash, email, client, binding_hash, next_path, draft_id, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			hash(fresh), ask.Address, ask.Client, hash(ask.Binding), ask.Next, ask.Draft,
			now.UnixMicro(), now.Add(LinkLifetime).UnixMicro())
		token = fresh
		return err
	})
	if err != nil {
		return "", fmt.Errorf("make sign-in link: %w", err)
	}
	return token, nil
}

// DropLink takes back a link whose mail could not be sent, so that it does not
// count.
func (s *Sessions) DropLink(ctx context.Context, token string) error {
	err := s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM sign_in_link WHERE token_hash = $1`, hash(token))
		return err
	})
	if err != nil {
		return fmt.Errorf("take back sign-in link: %w", err)
	}
	return nil
}

// alive is what a link must be to work.
const alive = ` redeemed_at = 0 AND expires_at > $2 AND wrong_addresses < $3`

// FindLink looks at a link without using it up. One that does not work is ErrLink.
func (s *Sessions) FindLink(ctx context.Context, token, binding string) (Link, error) {
	link := Link{hash: hash(token)}
	var bindingHash string
	var expires int64
	err := s.db.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT email, binding_hash, next_path, draft_id, expires_at FROM sign_in_link
			WHERE token_hash = $1 AND`+alive, link.hash, s.now().UnixMicro(), wrongAddresses).
			Scan(&link.Address, &bindingHash, &link.Next, &link.Draft, &expires)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Link{}, ErrLink
	}
	if err != nil {
		return Link{}, fmt.Errorf("find sign-in link: %w", err)
	}
	link.Expires = time.UnixMicro(expires)
	link.Bound = binding != "" && subtle.ConstantTimeCompare([]byte(hash(binding)), []byte(bindingHash)) == 1
	return link, nil
}

// Prove compares the address that somebody in another browser typed. Whoever was
// sent somebody else's link, to be signed in as that person without noticing, does
// not know it. The third wrong one kills the link: ErrLink.
func (s *Sessions) Prove(ctx context.Context, link Link, typed string) error {
	address, ok := Address(typed)
	if ok && subtle.ConstantTimeCompare([]byte(address), []byte(link.Address)) == 1 {
		return nil
	}
	var wrong int
	err := s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRowContext(ctx, `UPDATE sign_in_link SET wrong_addresses = wrong_addresses + 1
			WHERE token_hash = $1 RETURNING wrong_addresses`, link.hash).Scan(&wrong)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ErrLink
	case err != nil:
		return fmt.Errorf("count a wrong address: %w", err)
	case wrong >= wrongAddresses:
		return ErrLink
	}
	return ErrOtherAddress
}

// Redeem uses the link up; of several attempts one succeeds and the others are
// ErrLink. Other links of the address end with it.
func (s *Sessions) Redeem(ctx context.Context, link Link) error {
	now := s.now().UnixMicro()
	var redeemed bool
	err := s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE sign_in_link SET redeemed_at = $2 WHERE token_hash = $1 AND`+alive, link.hash, now, wrongAddresses)
		if err != nil {
			return err
		}
		count, err := result.RowsAffected()
		if err != nil {
			return err
		}
		redeemed = count == 1
		if !redeemed {
			return nil
		}
		_, err = tx.ExecContext(ctx, `UPDATE sign_in_link SET redeemed_at = $2 WHERE email = $1 AND redeemed_at = 0`, link.Address, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("redeem sign-in link: %w", err)
	}
	if !redeemed {
		return ErrLink
	}
	return nil
}

// BeginDraft counts a page that is begun without signing in, once by its intent,
// and reports whether there were not too many from the network address.
func (s *Sessions) BeginDraft(ctx context.Context, intentID, client string) (bool, error) {
	if client == "" {
		return true, nil
	}
	now, allowed := s.now(), false
	err := s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO sign_in_turn (subject, asked_at) VALUES ($1, $2)
			ON CONFLICT (subject) DO UPDATE SET asked_at = excluded.asked_at`, "draft "+client, now.UnixMicro())
		if err != nil {
			return err
		}
		var begun int
		err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM draft_begun WHERE client = $1 AND begun_at > $2 AND intent_id <> $3`,
			client, now.Add(-time.Hour).UnixMicro(), intentID).Scan(&begun)
		if err != nil {
			return err
		}
		allowed = begun < draftsAnHour
		if !allowed {
			return nil
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO draft_begun (intent_id, client, begun_at) VALUES ($1, $2, $3)
			ON CONFLICT (intent_id) DO NOTHING`, intentID, client, now.UnixMicro())
		return err
	})
	if err != nil {
		return false, fmt.Errorf("count drafts: %w", err)
	}
	return allowed, nil
}
