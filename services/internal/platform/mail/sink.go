package mail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// extension is what mail programs open.
const extension = ".eml"

// Sink keeps messages as files instead of sending them: development's mailbox.
// It is safe for concurrent use, also by several processes on one directory.
type Sink struct {
	dir string
	now func() time.Time
}

// NewSink keeps messages in dir, which it makes. Messages hold names and
// addresses, so only the owner of the process may read them. now dates them.
func NewSink(dir string, now func() time.Time) (*Sink, error) {
	err := os.MkdirAll(dir, 0o700)
	if err != nil {
		return nil, fmt.Errorf("open mail sink: %w", err)
	}
	return &Sink{dir: dir, now: now}, nil
}

// Send keeps the message. One with an id that is there already is left as it
// was and is no error: it has been sent. A message that is refused is refused
// with one of the Err values of this package.
func (s *Sink) Send(ctx context.Context, m Message) error {
	date := s.now()
	content, err := compose(m, date)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("mail %s: %w", m.ID, ctx.Err())
	}
	err = s.store(m.ID, content, date)
	if err != nil {
		return fmt.Errorf("mail %s: store: %w", m.ID, err)
	}
	return nil
}

// store writes beside and links into place: whoever reads the directory, also
// after a crash, sees whole messages only, and the first of two wins.
func (s *Sink) store(id string, content []byte, date time.Time) (err error) {
	file, err := os.CreateTemp(s.dir, "."+id+"-*.tmp")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err != nil {
		return err
	}
	err = os.Chtimes(file.Name(), date, date)
	if err != nil {
		return err
	}
	err = os.Link(file.Name(), filepath.Join(s.dir, id+extension))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// Entry is one kept message in a list.
type Entry struct {
	ID      string
	At      time.Time // when it was kept
	To      string    // name and address as the header shows them
	Subject string
}

// List returns the newest messages first, at most limit.
func (s *Sink) List(limit int) ([]Entry, error) {
	files, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list mail: %w", err)
	}
	var entries []Entry
	for _, file := range files {
		id, found := strings.CutSuffix(file.Name(), extension)
		if !found || checkID(id) != nil {
			continue // a temporary file, or none of ours
		}
		info, err := file.Info()
		if err != nil {
			continue // deleted by hand in this moment
		}
		entries = append(entries, Entry{ID: id, At: info.ModTime()})
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(b.At.Compare(a.At), strings.Compare(b.ID, a.ID))
	})
	entries = entries[:max(0, min(limit, len(entries)))]
	for i := range entries {
		letter, err := s.Read(entries[i].ID)
		if err != nil {
			// A file that is no mail is still listed, to be found and removed.
			continue
		}
		entries[i] = letter.Entry
	}
	return entries, nil
}

// Read returns one kept message. An unknown id gives fs.ErrNotExist, one that
// no message can have too.
func (s *Sink) Read(id string) (Letter, error) {
	if checkID(id) != nil {
		return Letter{}, fmt.Errorf("read mail: %w", fs.ErrNotExist)
	}
	path := filepath.Join(s.dir, id+extension)
	content, err := os.ReadFile(path)
	if err != nil {
		return Letter{}, fmt.Errorf("read mail: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return Letter{}, fmt.Errorf("read mail: %w", err)
	}
	letter, err := parse(content)
	if err != nil {
		return Letter{}, fmt.Errorf("read mail %s: %w", id, err)
	}
	letter.ID, letter.At = id, info.ModTime()
	return letter, nil
}
