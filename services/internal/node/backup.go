package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/platform/database"
)

// A backup is a folder with the databases as they all were at one moment, the key
// that signs links if it was made here, the simulator's state if it plays Stripe,
// and a manifest. The streams are in none: they are laid again from the databases.
const (
	manifestName   = "manifest.json"
	manifestFormat = 1
)

// Manifest says what a backup holds, so that a damaged or foreign folder is
// recognised before anything is replaced by it.
type Manifest struct {
	Format  int       `json:"format"`
	MadeAt  time.Time `json:"made_at"`
	Version string    `json:"version"` // of the program
	Files   []File    `json:"files"`
}

// File is one file of a backup, by its path inside.
type File struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // hex
}

// ErrNoBackup says that a folder is no whole backup.
var ErrNoBackup = errors.New("this is no whole backup")

// ErrHalfRestored says that a restore was cut off while files changed their names.
var ErrHalfRestored = errors.New("a restore was cut off and left databases of two moments; run `almoner restore` again")

// halfRestoredName is a file in the data directory for as long as files change their
// names. A database that has none for that moment would be made anew, and empty.
const halfRestoredName = "restoring"

// Backup writes a backup into dir, which must not exist, beside a running instance
// or without one. It is there whole or not at all.
func Backup(ctx context.Context, cfg Config, dir string, logger *slog.Logger) (_ Manifest, err error) {
	var open closers
	defer func() { err = errors.Join(err, open.close()) }()
	if !exists(cfg.DataDir) {
		return Manifest{}, fmt.Errorf("data directory %s does not exist: there is nothing to keep", cfg.DataDir)
	}
	if exists(dir) {
		return Manifest{}, fmt.Errorf("%s exists; a backup never overwrites", dir)
	}
	for _, service := range Databases() {
		// Opening would make it, and an empty database is nothing to come back to.
		path, isFile := strings.CutPrefix(cfg.databaseURL(service), "sqlite:")
		if isFile && !exists(path) {
			return Manifest{}, fmt.Errorf("the database of %s, %s, does not exist: there is nothing to keep", service, path)
		}
	}
	databases, err := openDatabases(ctx, cfg, logger, unobserved(cfg, &open), &open)
	if err != nil {
		return Manifest{}, err
	}
	beside := filepath.Dir(filepath.Clean(dir))
	err = os.MkdirAll(beside, 0o700)
	if err != nil {
		return Manifest{}, fmt.Errorf("make the folder for backups: %w", err)
	}
	clearRooms(ctx, beside, backupRooms, time.Now(), logger)
	unfinished, err := makeRoom(beside, filepath.Base(dir)+".partial-")
	if err != nil {
		return Manifest{}, fmt.Errorf("make the backup's folder: %w", err)
	}
	defer func() { err = errors.Join(err, unfinished.remove()) }()
	partial := unfinished.path

	var copies []database.Copy
	for _, service := range Databases() {
		copies = append(copies, database.Copy{From: databases[service], To: filepath.Join(partial, service+".db")})
	}
	madeAt := time.Now().UTC()
	err = database.CopyTogether(ctx, copies, saysOnce(ctx, logger))
	if err != nil {
		return Manifest{}, err
	}
	err = copyBeside(cfg, partial)
	if err != nil {
		return Manifest{}, err
	}
	manifest, err := describe(partial, madeAt, cfg.Version)
	if err != nil {
		return Manifest{}, err
	}
	err = syncDir(partial)
	if err == nil {
		err = os.Rename(partial, dir)
	}
	if err == nil {
		err = syncDir(filepath.Dir(filepath.Clean(dir)))
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("finish the backup: %w", err)
	}
	return manifest, nil
}

// saysOnce tells the operator why nothing seems to happen, once for each database.
func saysOnce(ctx context.Context, logger *slog.Logger) (waits func(service string)) {
	said := map[string]bool{}
	return func(service string) {
		if !said[service] {
			logger.WarnContext(ctx, "something writes to a database for long; the backup begins when that has ended, and holds nobody up until then", "database", service)
		}
		said[service] = true
	}
}

// copyBeside copies what belongs to the databases and is none. Stripe's side comes
// after them: what it knows more is found again, what it knew less would be a gift
// without a payment.
func copyBeside(cfg Config, to string) error {
	if !cfg.SecretKey.IsSet() {
		err := copyFile(filepath.Join(cfg.DataDir, secretKeyFile), filepath.Join(to, secretKeyFile))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("keep the secret key: %w", err)
		}
	}
	if !cfg.simulated() || !exists(simulatorDir(cfg)) {
		return nil
	}
	// Its state is a log that is only added to, and a last line that is cut in half
	// is dropped when it is opened.
	err := copyTree(simulatorDir(cfg), filepath.Join(to, filepath.Base(simulatorDir(cfg))))
	if err != nil {
		return fmt.Errorf("keep the simulator's state: %w", err)
	}
	return nil
}

// describe writes the manifest of a folder that is otherwise whole.
func describe(dir string, madeAt time.Time, version string) (Manifest, error) {
	manifest := Manifest{Format: manifestFormat, MadeAt: madeAt, Version: version}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		inside, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		file, err := digest(path)
		file.Path = filepath.ToSlash(inside)
		manifest.Files = append(manifest.Files, file)
		return err
	})
	if err != nil {
		return Manifest{}, fmt.Errorf("describe the backup: %w", err)
	}
	text, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return Manifest{}, fmt.Errorf("describe the backup: %w", err)
	}
	err = writeSynced(filepath.Join(dir, manifestName), append(text, '\n'))
	if err != nil {
		return Manifest{}, fmt.Errorf("describe the backup: %w", err)
	}
	return manifest, nil
}

// ReadBackup reads a backup's manifest and every file that it names.
func ReadBackup(dir string) (Manifest, error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrNoBackup, err)
	}
	var manifest Manifest
	err = json.Unmarshal(text, &manifest)
	if err != nil {
		return Manifest{}, fmt.Errorf("%w: its manifest: %w", ErrNoBackup, err)
	}
	if manifest.Format != manifestFormat {
		return Manifest{}, fmt.Errorf("%w: its format is %d, this program knows %d", ErrNoBackup, manifest.Format, manifestFormat)
	}
	for _, file := range manifest.Files {
		if !filepath.IsLocal(filepath.FromSlash(file.Path)) {
			return Manifest{}, fmt.Errorf("%w: its manifest names %q, which is not inside", ErrNoBackup, file.Path)
		}
		found, err := digest(filepath.Join(dir, filepath.FromSlash(file.Path)))
		if err != nil {
			return Manifest{}, fmt.Errorf("%w: %w", ErrNoBackup, err)
		}
		found.Path = file.Path
		if found != file {
			return Manifest{}, fmt.Errorf("%w: %s is not as it was written", ErrNoBackup, file.Path)
		}
	}
	return manifest, nil
}

// Restored says what Restore did.
type Restored struct {
	Manifest
	// Services whose databases were put back.
	Services []string
	// Kept are the files that were there before, under their new names.
	Kept []string
}

// Restore puts the databases of a backup in place, all of them or those of the
// named services, while no instance runs. What was there keeps its place with
// another ending. A folder that is not whole is refused before anything is touched.
func Restore(cfg Config, dir string, services []string) (_ Restored, err error) {
	manifest, err := ReadBackup(dir)
	if err != nil {
		return Restored{}, err
	}
	all := len(services) == 0
	if all {
		services = Databases()
	}
	err = restorable(cfg, manifest, services)
	if err != nil {
		return Restored{}, err
	}
	err = cfg.prepare()
	if err != nil {
		return Restored{}, err
	}
	lock, err := lockDir(cfg.DataDir)
	if err != nil {
		return Restored{}, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()

	var files []placement
	for _, service := range services {
		files = append(files, placement{
			from: filepath.Join(dir, service+".db"), to: strings.TrimPrefix(cfg.databaseURL(service), "sqlite:"), log: true,
		})
	}
	if all {
		for _, file := range manifest.Files {
			if path := filepath.FromSlash(file.Path); filepath.Ext(path) != ".db" {
				files = append(files, placement{from: filepath.Join(dir, path), to: filepath.Join(cfg.DataDir, path)})
			}
		}
	}
	kept, err := place(cfg, files)
	if err != nil {
		return Restored{}, err
	}
	return Restored{Manifest: manifest, Services: services, Kept: kept}, nil
}

func restorable(cfg Config, manifest Manifest, services []string) error {
	for _, service := range services {
		switch {
		case !slices.Contains(Databases(), service):
			return fmt.Errorf("there is no service %q; %s", service, strings.Join(Databases(), ", "))
		case !manifest.has(service + ".db"):
			return fmt.Errorf("%w: it has no database of %s", ErrNoBackup, service)
		case !strings.HasPrefix(cfg.databaseURL(service), "sqlite:"):
			return fmt.Errorf("restore database of %s: %w", service, database.ErrNotSQLite)
		}
	}
	return nil
}

// placement is one file of a backup and where it belongs.
type placement struct {
	from, to string
	log      bool // a database: its write-ahead log goes where it goes
}

// place brings files to their places. Everything is copied beside its place first,
// which is what can fail; what was there then gets another name, and the copies get
// theirs. When even that fails, the old names are given back.
func place(cfg Config, files []placement) (kept []string, err error) {
	const incoming = ".restoring"
	defer func() {
		for _, file := range files {
			err = errors.Join(err, removeIfThere(file.to+incoming))
		}
	}()
	for _, file := range files {
		err = os.MkdirAll(filepath.Dir(file.to), 0o700)
		if err == nil {
			err = removeIfThere(file.to + incoming) // of a restore that was cut off
		}
		if err == nil {
			err = copyFile(file.from, file.to+incoming)
		}
		if err != nil {
			return nil, fmt.Errorf("copy %s: %w", file.from, err)
		}
	}
	ending := ".before-restore-" + time.Now().UTC().Format("20060102T150405.000000Z")
	// The streams hold what was published after the backup, and are laid again.
	moves := []move{{filepath.Join(cfg.DataDir, "nats"), filepath.Join(cfg.DataDir, "nats") + ending}}
	for _, file := range files {
		moves = append(moves, move{file.to, file.to + ending})
		if file.log {
			moves = append(moves, move{file.to + "-wal", file.to + ending + "-wal"}, move{file.to + "-shm", file.to + ending + "-shm"})
		}
	}
	moves = slices.DeleteFunc(moves, func(m move) bool { return !exists(m.from) })
	for _, m := range moves {
		kept = append(kept, m.to)
	}
	for _, file := range files {
		moves = append(moves, move{file.to + incoming, file.to})
	}
	err = markHalfRestored(cfg.DataDir)
	if err != nil {
		return nil, fmt.Errorf("begin to put files in place: %w", err)
	}
	refused := renameAll(moves)
	if errors.Is(refused, ErrHalfRestored) {
		return nil, refused
	}
	for _, file := range files {
		err = errors.Join(err, syncDir(filepath.Dir(file.to)))
	}
	if err == nil {
		err = removeIfThere(filepath.Join(cfg.DataDir, halfRestoredName))
	}
	err = errors.Join(refused, err)
	if err != nil {
		return nil, fmt.Errorf("put files in place: %w", err)
	}
	return kept, nil
}

func markHalfRestored(dir string) error {
	path := filepath.Join(dir, halfRestoredName)
	err := removeIfThere(path) // of a restore that was cut off
	if err == nil {
		err = writeSynced(path, nil)
	}
	if err == nil {
		err = syncDir(dir)
	}
	return err
}

// halfRestored fails where databases must not be opened before the restore that was
// begun has ended.
func halfRestored(dir string) error {
	if exists(filepath.Join(dir, halfRestoredName)) {
		return fmt.Errorf("%s: %w", dir, ErrHalfRestored)
	}
	return nil
}

// move is a file that gets another name.
type move struct{ from, to string }

// renameAll renames all or, as far as the disk allows, none; else it fails with
// ErrHalfRestored.
func renameAll(moves []move) error {
	for i, m := range moves {
		err := os.Rename(m.from, m.to)
		if err != nil {
			err = fmt.Errorf("rename %s: %w", m.from, err)
			for _, done := range slices.Backward(moves[:i]) {
				undoErr := os.Rename(done.to, done.from)
				if undoErr != nil {
					err = errors.Join(err, fmt.Errorf("%w: %w", ErrHalfRestored, undoErr))
				}
			}
			return err
		}
	}
	return nil
}

func (m Manifest) has(path string) bool {
	return slices.ContainsFunc(m.Files, func(file File) bool { return file.Path == path })
}

func digest(path string) (File, error) {
	file, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	if err != nil {
		return File{}, err
	}
	return File{Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, inside)
		switch {
		case entry.IsDir():
			return os.MkdirAll(target, 0o700)
		case entry.Type().IsRegular():
			return copyFile(path, target)
		default:
			return nil // sockets and links are nobody's state
		}
	})
}

// copyFile makes a new file that its owner alone may read, on disk when it returns.
func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	if err == nil {
		err = target.Sync()
	}
	return errors.Join(err, target.Close())
}

func writeSynced(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// syncDir makes the names in a folder durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func removeIfThere(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
