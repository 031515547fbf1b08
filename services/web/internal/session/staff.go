package session

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/database"
)

// Roles of the staff, the one that may least first.
func Roles() []string { return []string{"viewer", "accountant", "admin"} }

func knownRole(role string) bool { return slices.Contains(Roles(), role) }

// sorted is each role once, in the order of Roles.
func sorted(roles []string) []string {
	var found []string
	for _, role := range Roles() {
		if slices.Contains(roles, role) {
			found = append(found, role)
		}
	}
	return found
}

// Member is somebody of the staff.
type Member struct {
	ID    string
	Email string
	Roles []string
	// Configured members are those of the configuration: they can be changed only
	// there, so that a site cannot lose its last admin.
	Configured bool
	AddedAt    time.Time // zero for configured ones
}

// Change is something that an admin did with the staff.
type Change struct {
	At    time.Time
	By    string // mail addresses; an id where the person is not known any more
	Whom  string
	Roles []string // none: removed
}

// Errors of changes to the staff.
var (
	errNoMember   = apperr.New(apperr.NotFound, "STAFF_NOT_FOUND", "There is no such person.")
	errConfigured = apperr.New(apperr.FailedPrecondition, "STAFF_CONFIGURED", "This person is set in the configuration and can be changed only there.")
)

// fault is what is wrong with one field.
func fault(field, reason, message string) error {
	return apperr.Invalid(apperr.Field{Name: field, Reason: reason, Message: message})
}

// Staff lists everybody, by mail address.
func (s *Sessions) Staff(ctx context.Context) ([]Member, error) {
	members := map[string]Member{}
	for id, member := range s.configured {
		members[id] = member
	}
	err := s.eachStored(ctx, func(stored Member, removed bool) {
		if removed {
			return
		}
		if configured, both := members[stored.ID]; both {
			stored.Configured = true
			stored.Roles = sorted(append(stored.Roles, configured.Roles...))
		}
		members[stored.ID] = stored
	})
	if err != nil {
		return nil, err
	}
	list := make([]Member, 0, len(members))
	for _, member := range members {
		list = append(list, member)
	}
	slices.SortFunc(list, func(a, b Member) int { return strings.Compare(a.Email, b.Email) })
	return list, nil
}

// eachStored reads the table of the staff, those included who were removed.
func (s *Sessions) eachStored(ctx context.Context, read func(m Member, removed bool)) error {
	err := s.db.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT id, email, roles, added_at, removed_at FROM staff ORDER BY email`)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var member Member
			var roles string
			var added, removed int64
			err := rows.Scan(&member.ID, &member.Email, &roles, &added, &removed)
			if err != nil {
				return err
			}
			member.Roles, member.AddedAt = splitRoles(roles), time.UnixMicro(added).UTC()
			read(member, removed != 0)
		}
		return rows.Err()
	})
	if err != nil {
		return fmt.Errorf("list staff: %w", err)
	}
	return nil
}

// StaffAddresses are the mail addresses by id of everybody who is or was of the
// staff, to name who did something.
func (s *Sessions) StaffAddresses(ctx context.Context) (map[string]string, error) {
	addresses := map[string]string{}
	for id, member := range s.configured {
		addresses[id] = member.Email
	}
	err := s.eachStored(ctx, func(m Member, _ bool) { addresses[m.ID] = m.Email })
	return addresses, err
}

// AddStaff makes somebody a member, by whom; who was removed before comes back.
func (s *Sessions) AddStaff(ctx context.Context, by, typed, role string) error {
	address, ok := Address(typed)
	if !ok {
		return fault("email", "EMAIL_MALFORMED", "This is not a mail address.")
	}
	if !knownRole(role) {
		return fault("role", "ROLE_UNKNOWN", "Choose a role.")
	}
	id, now := PersonID(address), s.now().UnixMicro()
	if s.configured[id].Configured {
		return fault("email", "STAFF_CONFIGURED", "This person is set in the configuration already.")
	}
	var added bool
	err := s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		result, err := tx.ExecContext(ctx, `INSERT INTO staff (id, email, roles, added_by, added_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (id) DO UPDATE SET roles = excluded.roles, added_by = excluded.added_by, added_at = excluded.added_at, removed_at = 0
			WHERE staff.removed_at <> 0`, id, address, role, by, now)
		if err != nil {
			return err
		}
		count, err := result.RowsAffected()
		if err != nil {
			return err
		}
		added = count == 1
		if !added {
			return nil
		}
		return record(ctx, tx, by, id, role, now)
	})
	if err != nil {
		return fmt.Errorf("add staff: %w", err)
	}
	if !added {
		return fault("email", "STAFF_EXISTS", "This person is in the list already.")
	}
	return nil
}

// ChangeStaff gives a member another role.
func (s *Sessions) ChangeStaff(ctx context.Context, by, id, role string) error {
	if !knownRole(role) {
		return fault("role", "ROLE_UNKNOWN", "Choose a role.")
	}
	return s.changeStaff(ctx, by, id, `UPDATE staff SET roles = $2 WHERE id = $1 AND removed_at = 0 AND CAST($3 AS BIGINT) > 0 RETURNING id`, role)
}

// RemoveStaff takes a member's roles away, at once.
func (s *Sessions) RemoveStaff(ctx context.Context, by, id string) error {
	return s.changeStaff(ctx, by, id, `UPDATE staff SET roles = $2, removed_at = $3 WHERE id = $1 AND removed_at = 0 RETURNING id`, "")
}

func (s *Sessions) changeStaff(ctx context.Context, by, id, statement, roles string) error {
	if s.configured[id].Configured {
		return errConfigured
	}
	now := s.now().UnixMicro()
	err := s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		var changed string
		err := tx.QueryRowContext(ctx, statement, id, roles, now).Scan(&changed)
		if err != nil {
			return err
		}
		return record(ctx, tx, by, id, roles, now)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return errNoMember
	}
	if err != nil {
		return fmt.Errorf("change staff: %w", err)
	}
	return nil
}

// record writes down what was done, in the same transaction.
func record(ctx context.Context, tx *database.Tx, by, id, roles string, at int64) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO staff_change (id, staff_id, changed_by, changed_at, roles) VALUES ($1, $2, $3, $4, $5)`,
		uuid.NewString(), id, by, at, roles)
	return err
}

// StaffChanges are the newest, at most limit.
func (s *Sessions) StaffChanges(ctx context.Context, limit int) ([]Change, error) {
	names, err := s.StaffAddresses(ctx)
	if err != nil {
		return nil, err
	}
	name := func(id string) string {
		if email := names[id]; email != "" {
			return email
		}
		return id
	}
	var changes []Change
	err = s.db.InReadTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		changes = nil
		rows, err := tx.QueryContext(ctx, `SELECT staff_id, changed_by, changed_at, roles FROM staff_change
			ORDER BY changed_at DESC, id DESC LIMIT $1`, limit)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var whom, by, roles string
			var at int64
			err := rows.Scan(&whom, &by, &at, &roles)
			if err != nil {
				return err
			}
			changes = append(changes, Change{At: time.UnixMicro(at).UTC(), By: name(by), Whom: name(whom), Roles: splitRoles(roles)})
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list changes of staff: %w", err)
	}
	return changes, nil
}

// IsStaff reports whether whoever has the address is of the staff.
func (s *Sessions) IsStaff(ctx context.Context, address string) (bool, error) {
	_, roles, err := s.standing(ctx, PersonID(address))
	return len(roles) > 0, err
}
