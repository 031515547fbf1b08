package database_test

import (
	"testing"

	"github.com/almoner/almoner/services/internal/platform/database"
)

func TestWhatCrossesANetworkInTheClear(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"sqlite:/var/lib/almoner/ledger.db":                                      "",
		"postgres://almoner_ledger:hunter2@db/almoner_ledger?sslmode=require":    "",
		"postgres://almoner_ledger@/almoner_ledger?host=/run/postgresql":         "",
		"postgres://almoner_ledger@localhost/almoner_ledger?sslmode=disable":     "",
		"postgres://almoner_ledger@127.0.0.1:5433/almoner_ledger":                "",
		"postgres://almoner_ledger@[::1]/almoner_ledger":                         "",
		"postgres://almoner_ledger:hunter2@db/almoner_ledger?sslmode=disable":    "db",
		"postgres://almoner_ledger:hunter2@db/almoner_ledger?sslmode=allow":      "db",
		"postgres://almoner_ledger:hunter2@db/almoner_ledger?sslmode=prefer":     "db",
		"postgres://almoner_ledger:hunter2@db/almoner_ledger":                    "db", // as prefer
		"postgres://almoner_ledger@10.0.0.7/almoner_ledger?sslmode=disable":      "10.0.0.7",
		"postgres://almoner_ledger@localhost,db2/almoner_ledger?sslmode=prefer":  "db2",
		"postgres://almoner_ledger@db1,db2/almoner_ledger?sslmode=require":       "",
		"postgres://almoner_ledger@localhost.example.org/almoner_ledger":         "localhost.example.org",
		"postgres://almoner_ledger:hunter2@db/almoner_ledger?sslmode=sometimes!": "", // refused when it is opened
	} {
		if got := database.Unencrypted(url); got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}
