package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// room is a folder that a command fills and nobody else can use. Its process holds
// the kernel's lock on it, which is gone with the process, also after kill -9: a
// room without one will never be finished.
type room struct {
	path string
	lock *os.File
}

// roomTries bounds how often a room is made: one that somebody took for left behind,
// in the moment before it was locked, is made again.
const roomTries = 3

// makeRoom makes an empty one; its name begins with the prefix and ends in digits.
func makeRoom(dir, prefix string) (room, error) {
	var err error
	for range roomTries {
		var path string
		path, err = os.MkdirTemp(dir, prefix+"*")
		if err != nil {
			return room{}, err
		}
		var lock *os.File
		lock, err = lockRoom(path)
		if err != nil {
			continue
		}
		if exists(path) {
			return room{path: path, lock: lock}, nil
		}
		err = errors.Join(fmt.Errorf("%s: %w", path, fs.ErrNotExist), lock.Close())
	}
	return room{}, err
}

// remove takes the room away, unless it has got another name by now.
func (r room) remove() error { return errors.Join(os.RemoveAll(r.path), r.lock.Close()) }

func lockRoom(path string) (*os.File, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), dir.Close())
	}
	return dir, nil
}

// The names of rooms.
var (
	backupRooms  = regexp.MustCompile(`\.partial-[0-9]+$`)
	rebuildRooms = regexp.MustCompile(`^almoner-rebuild-[0-9]+$`)
)

// roomAge is how long nothing was put into a room that is taken for left behind. On a
// folder that machines share, the lock may be known to one of them alone.
const roomAge = 24 * time.Hour

// clearRooms removes the rooms in a folder whose processes are gone, and says so: as
// large as the databases, they would fill the disk one by one. A folder that only
// looks like one, by its name, is left alone, and so is one that is young at now. That one cannot be removed is no reason
// not to go on.
func clearRooms(ctx context.Context, dir string, names *regexp.Regexp, now time.Time, logger *slog.Logger) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		logger.WarnContext(ctx, "what commands may have left cannot be looked for", "folder", dir, "error", err)
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if !entry.IsDir() || !names.MatchString(entry.Name()) || !ourRoom(path, now.Add(-roomAge)) {
			continue
		}
		lock, err := lockRoom(path)
		if err != nil {
			continue // it is being filled
		}
		err = errors.Join(os.RemoveAll(path), lock.Close())
		if err != nil {
			logger.WarnContext(ctx, "what a command left that was killed cannot be removed", "folder", path, "error", err)
			continue
		}
		logger.WarnContext(ctx, "a command was killed, and what it left is removed", "folder", path)
	}
}

// ourRoom reports whether a folder was not touched since, and there is nothing in it but
// what goes into a backup.
func ourRoom(path string, since time.Time) bool {
	entries, err := os.ReadDir(path)
	if err != nil {
		return false
	}
	folder, err := os.Stat(path)
	if err != nil || folder.ModTime().After(since) {
		return false
	}
	ours := map[string]bool{manifestName: true, secretKeyFile: true, simulatorFolder: true}
	for _, service := range Databases() {
		ours[service+".db"] = true
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || info.ModTime().After(since) {
			return false
		}
		name := entry.Name()
		for _, beside := range []string{"-wal", "-shm", "-journal"} {
			name = strings.TrimSuffix(name, beside)
		}
		if !ours[name] {
			return false
		}
	}
	return true
}
