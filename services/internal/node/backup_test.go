package node

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/platform/database"
)

// site is a data directory with empty, migrated databases.
func site(t *testing.T) Config {
	t.Helper()
	cfg, err := LoadConfig([]string{"ALMONER_DATA_DIR=" + filepath.Join(t.TempDir(), "data")})
	if err != nil {
		t.Fatal(err)
	}
	err = Migrate(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_, err = secretKey(cfg.SecretKey, cfg.DataDir, true)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func backUp(t *testing.T, cfg Config) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "backups", "monday")
	_, err := Backup(t.Context(), cfg, dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestBackupComesBackOnAnEmptyMachine(t *testing.T) {
	t.Parallel()
	old := site(t)
	dir := backUp(t, old)
	fresh := old
	fresh.DataDir = filepath.Join(t.TempDir(), "elsewhere")
	restored, err := Restore(fresh, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(restored.Services) != len(Databases()) || len(restored.Kept) != 0 {
		t.Errorf("restored %v, kept %v", restored.Services, restored.Kept)
	}
	for _, name := range []string{"donation.db", "web.db", secretKeyFile} {
		before, err := digest(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		after, err := digest(filepath.Join(fresh.DataDir, name))
		if err != nil || after != before {
			t.Errorf("%s is %v now, was %v, %v", name, after, before, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "*.partial-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("the backup left %v, %v", left, err)
	}
}

func TestRestoreKeepsWhatWasThere(t *testing.T) {
	t.Parallel()
	cfg := site(t)
	dir := backUp(t, cfg)
	for name, content := range map[string]string{"ledger.db": "newer books", "ledger.db-wal": "and their log"} {
		err := os.WriteFile(filepath.Join(cfg.DataDir, name), []byte(content), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	restored, err := Restore(cfg, dir, []string{"ledger"})
	if err != nil {
		t.Fatal(err)
	}
	if len(restored.Kept) != 2 {
		t.Fatalf("kept %v, want the books and their log", restored.Kept)
	}
	for i, want := range []string{"newer books", "and their log"} {
		got, err := os.ReadFile(restored.Kept[i])
		if err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v", restored.Kept[i], got, err)
		}
	}
	// SQLite finds a log by its name: the old books must still find theirs.
	if restored.Kept[1] != restored.Kept[0]+"-wal" {
		t.Errorf("the log of %s is at %s", restored.Kept[0], restored.Kept[1])
	}
	if exists(filepath.Join(cfg.DataDir, "ledger.db-wal")) {
		t.Error("the restored books have a log that is not theirs")
	}
}

func TestWhatCannotBeRestoredTouchesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil    func(t *testing.T, cfg *Config, dir string)
		services []string
		want     error
		says     string
	}{
		"no folder":            {spoil: func(t *testing.T, _ *Config, dir string) { remove(t, dir) }, want: ErrNoBackup},
		"a folder of pictures": {spoil: func(t *testing.T, _ *Config, dir string) { remove(t, filepath.Join(dir, manifestName)) }, want: ErrNoBackup},
		"a manifest cut short": {spoil: func(t *testing.T, _ *Config, dir string) { cut(t, filepath.Join(dir, manifestName)) }, want: ErrNoBackup},
		"a database cut short": {spoil: func(t *testing.T, _ *Config, dir string) { cut(t, filepath.Join(dir, "ledger.db")) }, want: ErrNoBackup, says: "ledger.db"},
		"a database missing":   {spoil: func(t *testing.T, _ *Config, dir string) { remove(t, filepath.Join(dir, "receipt.db")) }, want: ErrNoBackup, says: "receipt.db"},
		"a later format": {spoil: func(t *testing.T, _ *Config, dir string) {
			rewrite(t, filepath.Join(dir, manifestName), `"format": 1`, `"format": 2`)
		}, want: ErrNoBackup, says: "format is 2"},
		"a path that leads out": {spoil: func(t *testing.T, _ *Config, dir string) {
			rewrite(t, filepath.Join(dir, manifestName), `"ledger.db"`, `"../ledger.db"`)
		}, want: ErrNoBackup, says: "not inside"},
		"an unknown service": {services: []string{"bank"}, says: "no service"},
		"a database server": {spoil: func(_ *testing.T, cfg *Config, _ string) {
			cfg.DatabaseURLs = map[string]string{"ledger": "postgres://db/ledger"}
		}, want: database.ErrNotSQLite},
		// As it is found the copy can be made beside it, and it cannot get another name.
		"a name that has no room for another ending": {spoil: func(t *testing.T, cfg *Config, _ string) {
			long := filepath.Join(cfg.DataDir, strings.Repeat("b", 230)+".db")
			err := os.Rename(filepath.Join(cfg.DataDir, "web.db"), long)
			if err != nil {
				t.Fatal(err)
			}
			cfg.DatabaseURLs = map[string]string{"web": "sqlite:" + long}
		}, says: "file name too long"},
		"an instance that runs": {spoil: func(t *testing.T, cfg *Config, _ string) {
			lock, err := lockDir(cfg.DataDir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { lock.Close() })
		}, want: errLocked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := site(t)
			dir := backUp(t, cfg)
			if c.spoil != nil {
				c.spoil(t, &cfg, dir)
			}
			before := listing(t, cfg.DataDir)
			_, err := Restore(cfg, dir, c.services)
			if err == nil || (c.want != nil && !errors.Is(err, c.want)) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %v and %q", err, c.want, c.says)
			}
			after := strings.ReplaceAll(listing(t, cfg.DataDir), "lock\n", "")
			if after != strings.ReplaceAll(before, "lock\n", "") {
				t.Errorf("the data directory was changed from\n%sto\n%s", before, after)
			}
		})
	}
}

// The machine is switched off while the old databases are out of the way and the
// new ones not there yet: nobody may open what would be empty ones.
func TestARestoreThatWasCutOffIsEndedFirst(t *testing.T) {
	t.Parallel()
	cfg := site(t)
	dir := backUp(t, cfg)
	err := markHalfRestored(cfg.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	err = os.Rename(filepath.Join(cfg.DataDir, "donation.db"), filepath.Join(cfg.DataDir, "donation.db.before-restore"))
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	for name, open := range map[string]func() error{
		"run":     func() error { _, err := Open(t.Context(), cfg, quiet); return err },
		"migrate": func() error { return Migrate(t.Context(), cfg, quiet) },
		"audit":   func() error { _, err := OpenOperator(t.Context(), cfg, quiet); return err },
	} {
		err := open()
		if !errors.Is(err, ErrHalfRestored) || exists(filepath.Join(cfg.DataDir, "donation.db")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, found := range Check(t.Context(), []string{"ALMONER_DATA_DIR=" + cfg.DataDir}).Findings {
		if strings.HasPrefix(found.About, "database of ") && !errors.Is(found.Err, ErrHalfRestored) {
			t.Errorf("check of the %s: %q, %v", found.About, found.Said, found.Err)
		}
	}
	_, err = Restore(cfg, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = Migrate(t.Context(), cfg, quiet)
	if err != nil {
		t.Errorf("once it is ended: %v", err)
	}
}

func TestWhatCannotBeBackedUp(t *testing.T) {
	t.Parallel()
	cfg := site(t)
	taken := t.TempDir()
	_, err := Backup(t.Context(), cfg, taken, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "never overwrites") {
		t.Errorf("into a folder that exists: %v", err)
	}
	nowhere := cfg
	nowhere.DataDir = filepath.Join(t.TempDir(), "nowhere")
	_, err = Backup(t.Context(), nowhere, filepath.Join(t.TempDir(), "b"), slog.New(slog.DiscardHandler))
	if err == nil || exists(nowhere.DataDir) {
		t.Errorf("of nothing: %v", err)
	}
	remove(t, filepath.Join(cfg.DataDir, "receipt.db"))
	to := filepath.Join(t.TempDir(), "b")
	_, err = Backup(t.Context(), cfg, to, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "receipt") || exists(to) || exists(filepath.Join(cfg.DataDir, "receipt.db")) {
		t.Errorf("of half a site: %v", err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	err := os.RemoveAll(path)
	if err != nil {
		t.Fatal(err)
	}
}

func cut(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	err = os.Truncate(path, info.Size()/2)
	if err != nil {
		t.Fatal(err)
	}
}

func rewrite(t *testing.T, path, from, to string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(content), from) {
		t.Fatalf("%s has no %s: %v", path, from, err)
	}
	err = os.WriteFile(path, []byte(strings.Replace(string(content), from, to, 1)), 0o600)
	if err != nil {
		t.Fatal(err)
	}
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names strings.Builder
	for _, entry := range entries {
		names.WriteString(entry.Name() + "\n")
	}
	return names.String()
}
