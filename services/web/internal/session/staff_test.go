package session_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/web/internal/session"
)

func TestAdminsDecideWhoIsOfTheStaff(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, h *house) {
		ctx, admin := t.Context(), session.PersonID(chair)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		b := h.browser()
		b.signIn(amina, "s-1")
		roles := func() []string { return b.who().Roles }

		must(h.AddStaff(ctx, admin, " Amina@example.org", "viewer"))
		if got := roles(); !slices.Equal(got, []string{"viewer"}) {
			t.Errorf("added: %v", got)
		}
		h.clock.Advance(time.Second)
		must(h.ChangeStaff(ctx, admin, session.PersonID(amina), "admin"))
		if got := roles(); !slices.Equal(got, []string{"admin"}) {
			t.Errorf("changed: %v", got)
		}
		list, err := h.Staff(ctx)
		must(err)
		var said []string
		for _, m := range list {
			said = append(said, fmt.Sprint(m.Email, m.Roles, m.Configured))
		}
		want := []string{amina + "[admin] false", chair + "[admin] true", office + "[accountant] true"}
		if !slices.Equal(said, want) {
			t.Errorf("listed %v, want %v", said, want)
		}

		h.clock.Advance(time.Second)
		must(h.RemoveStaff(ctx, admin, session.PersonID(amina)))
		if who := b.who(); who.StaffID != "" || who.SupporterID != "s-1" {
			t.Errorf("removed: %+v", who)
		}
		h.clock.Advance(time.Second)
		must(h.AddStaff(ctx, session.PersonID("gone@example.org"), amina, "accountant"))
		if got := roles(); !slices.Equal(got, []string{"accountant"}) {
			t.Errorf("came back: %v", got)
		}

		changes, err := h.StaffChanges(ctx, 3)
		must(err)
		said = nil
		for _, c := range changes {
			said = append(said, fmt.Sprint(c.At.Format("15:04:05 "), c.By, " ", c.Whom, c.Roles))
		}
		want = []string{
			"12:00:03 " + session.PersonID("gone@example.org") + " " + amina + "[accountant]",
			"12:00:02 " + chair + " " + amina + "[]",
			"12:00:01 " + chair + " " + amina + "[admin]",
		}
		if !slices.Equal(said, want) {
			t.Errorf("recorded %v, want %v", said, want)
		}
	})
}

func TestWhatAdminsCannotDo(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, h *house) {
		ctx, admin := t.Context(), session.PersonID(chair)
		err := h.AddStaff(ctx, admin, amina, "viewer")
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			err    error
			reason string
		}{
			"no address":                {h.AddStaff(ctx, admin, "amina", "viewer"), "EMAIL_MALFORMED"},
			"no role":                   {h.AddStaff(ctx, admin, "zoe@example.org", "boss"), "ROLE_UNKNOWN"},
			"twice":                     {h.AddStaff(ctx, admin, amina, "admin"), "STAFF_EXISTS"},
			"configured":                {h.AddStaff(ctx, admin, office, "admin"), "STAFF_CONFIGURED"},
			"change to no role":         {h.ChangeStaff(ctx, admin, session.PersonID(amina), ""), "ROLE_UNKNOWN"},
			"change a stranger":         {h.ChangeStaff(ctx, admin, session.PersonID("zoe@example.org"), "viewer"), "STAFF_NOT_FOUND"},
			"change a configured one":   {h.ChangeStaff(ctx, admin, session.PersonID(office), "admin"), "STAFF_CONFIGURED"},
			"remove a configured one":   {h.RemoveStaff(ctx, admin, admin), "STAFF_CONFIGURED"},
			"remove an id that is none": {h.RemoveStaff(ctx, admin, "' OR 1=1"), "STAFF_NOT_FOUND"},
		} {
			public := apperr.Public(c.err)
			if public == nil || public.Reason != c.reason && (len(public.Fields) != 1 || public.Fields[0].Reason != c.reason) {
				t.Errorf("%s: %v, want %s", name, c.err, c.reason)
			}
		}
		if n := h.count(`SELECT COUNT(*) FROM staff_change`); n != 1 {
			t.Errorf("%d changes are recorded; what was refused is none", n)
		}

		// Nor can who has the database's password rewrite what was done quietly.
		for _, statement := range []string{`UPDATE staff_change SET roles = 'admin'`, `DELETE FROM staff_change`} {
			err := h.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.ExecContext(ctx, statement)
				return err
			})
			if err == nil {
				t.Errorf("%s: allowed", statement)
			}
		}
	})
}

func TestAConfigurationThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, staff := range []map[string][]string{{"amina": {"admin"}}, {amina: {"boss"}}} {
		_, err := session.New(session.Config{Staff: staff}, session.Deps{Logger: slog.New(slog.DiscardHandler), Now: time.Now})
		if err == nil || strings.Contains(err.Error(), amina) {
			t.Errorf("%v: %v", staff, err)
		}
	}
	if errors.Is(session.ErrLink, session.ErrOtherAddress) {
		t.Error("a dead link and a wrong address look alike")
	}
}
