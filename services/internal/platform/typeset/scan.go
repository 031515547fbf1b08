package typeset

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	mostFiles   = 5000
	deepest     = 8
	largestFile = 64 << 20
)

// systemDirs are where operating systems keep fonts; those that do not exist
// are passed over.
func systemDirs() []string {
	dirs := []string{"/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts"}
	home, err := os.UserHomeDir()
	if err == nil {
		dirs = append(dirs, filepath.Join(home, ".local/share/fonts"), filepath.Join(home, ".fonts"))
	}
	return dirs
}

// scan reads what the fonts in the directories cover: the operator's before the
// system's, plain ones before others, so that the choice is the same each time.
func (f *Fonts) scan() []*font {
	var found []*font
	if f.cfg.Dir != "" {
		found = append(found, f.scanDir(f.cfg.Dir, 0)...)
	}
	if f.cfg.System {
		for _, dir := range systemDirs() {
			found = append(found, f.scanDir(dir, 10)...)
		}
	}
	slices.SortStableFunc(found, func(x, y *font) int {
		return cmp.Or(cmp.Compare(x.rank, y.rank), cmp.Compare(x.name, y.name), cmp.Compare(x.index, y.index))
	})
	return found
}

func (f *Fonts) scanDir(dir string, rank int) []*font {
	var found []*font
	files := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			if path != dir || !errors.Is(err, fs.ErrNotExist) {
				f.cfg.Logger.Warn("fonts not readable", "path", path, "error", err)
			}
			return nil
		case entry.IsDir():
			if strings.Count(strings.TrimPrefix(path, dir), string(filepath.Separator)) > deepest {
				return fs.SkipDir
			}
			return nil
		case !slices.Contains([]string{".ttf", ".otf", ".ttc", ".otc"}, strings.ToLower(filepath.Ext(path))):
			return nil
		}
		files++
		if files > mostFiles {
			f.cfg.Logger.Warn("more fonts than are read", "path", dir, "read", mostFiles)
			return fs.SkipAll
		}
		faces, err := scanFile(path)
		if err != nil {
			f.cfg.Logger.Warn("font skipped", "path", path, "error", err)
			return nil
		}
		for _, face := range faces {
			found = append(found, &font{
				name: path, index: face.index, rank: rank + plainness(path),
				bold: face.bold, italic: face.italic, covered: face.covered,
				content: func() ([]byte, error) { return os.ReadFile(path) },
			})
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.cfg.Logger.Warn("fonts not readable", "path", dir, "error", err)
	}
	return found
}

func scanFile(path string) ([]facts, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > largestFile {
		return nil, errors.New("no file, or a very large one")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return readFaces(file)
}

// plainness ranks fonts by their file's name: a sans in its usual weight stands
// best beside the program's own.
func plainness(path string) int {
	name := strings.ToLower(filepath.Base(path))
	rank := 0
	for _, unusual := range []string{"mono", "serif", "condensed", "thin", "light", "black", "medium", "looped", "display", "nastaliq"} {
		if strings.Contains(name, unusual) {
			rank++
		}
	}
	return rank
}
