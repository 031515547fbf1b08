package database_test

import (
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
)

func TestOnlyAServerHasAClockOfItsOwn(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, "ledger", nil, func(t *testing.T, db *database.DB) {
		theirs, err := db.ServerTime(t.Context())
		if db.Engine() == database.SQLite {
			if err == nil {
				t.Error("SQLite tells the time")
			}
			return
		}
		// The server is on this machine, so its clock is ours.
		if err != nil || time.Since(theirs).Abs() > time.Minute {
			t.Errorf("%s, %v", theirs, err)
		}
	})
}
