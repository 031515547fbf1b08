// Package config reads settings from environment variables by one table: each
// row is a variable with its default, what it means and how it is read. What
// the table does not know and yet starts with ALMONER_ is an error, because a
// misspelt setting that is silently ignored is a wrong setting.
//
// Every wrong variable is reported at once. No error or listing ever holds the
// value of a secret.
package config

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
)

const (
	prefix     = "ALMONER_"
	fileSuffix = "_FILE"

	// largestFile is far more than any key or certificate; a mistyped path to
	// something large must not be read into memory.
	largestFile = 64 << 10
)

// Row is one variable.
type Row struct {
	Name    string
	Default string // used when the variable is unset or empty
	Doc     string // one line for people: what it means
	Secret  bool   // never shown; NAME_FILE may name a file that holds it
	// Unread rows are known and nothing else: several processes may be given the
	// variables of all of them, and each takes its own.
	Unread bool
	// Parse takes the value, "" included when that is the default. Its error
	// says what is wrong without repeating the name.
	Parse func(value string) error
}

// Table is every variable there is.
type Table []Row

// Setting is how one variable ended up.
type Setting struct {
	Name   string
	Value  string // hidden where it is secret
	Origin string // "default", "environment" or "file"
	Doc    string
}

// Read parses every row that is read from an environment as os.Environ gives
// it, and returns how each ended up. The settings are complete also beside an error.
func (t Table) Read(environ []string) ([]Setting, error) {
	given := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		given[name] = value
	}
	settings := make([]Setting, 0, len(t))
	problems := t.unknown(given)
	for _, row := range t {
		if row.Unread {
			continue
		}
		value, origin, err := row.find(given)
		if err == nil {
			err = row.Parse(value)
		}
		if err != nil {
			problems = append(problems, row.problem(value, err))
		}
		settings = append(settings, Setting{Name: row.Name, Value: row.redact(value), Origin: origin, Doc: row.Doc})
	}
	return settings, errors.Join(problems...)
}

// find looks a row's value up: in the environment, in the file that the
// environment names, or the default.
func (r Row) find(given map[string]string) (value, origin string, err error) {
	value, path := given[r.Name], ""
	if r.Secret {
		path = given[r.Name+fileSuffix]
	}
	switch {
	case value != "" && path != "":
		return "", "environment", fmt.Errorf("is set, and so is %s%s: set one of them", r.Name, fileSuffix)
	case value != "":
		return value, "environment", nil
	case path != "":
		value, err = readFile(path)
		return value, "file", err
	}
	return r.Default, "default", nil
}

// readFile drops the line break that editors leave at the end of a secret.
func readFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read file: %w", err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, largestFile+1))
	if err != nil {
		return "", fmt.Errorf("read file: %w", err)
	}
	if len(content) > largestFile {
		return "", fmt.Errorf("read file %s: it is larger than %d bytes", path, largestFile)
	}
	value := strings.TrimRight(string(content), "\r\n")
	if value == "" {
		return "", fmt.Errorf("read file %s: it is empty", path)
	}
	return value, nil
}

// problem names the variable. A parser may quote the value it got, which for a
// secret must not be repeated.
func (r Row) problem(value string, err error) error {
	if r.Secret && value != "" && strings.Contains(err.Error(), value) {
		return fmt.Errorf("%s: %s", r.Name, strings.ReplaceAll(err.Error(), value, hidden))
	}
	return fmt.Errorf("%s: %w", r.Name, err)
}

// redact hides secrets, and passwords inside the URLs of other rows.
func (r Row) redact(value string) string {
	if value == "" {
		return ""
	}
	if r.Secret {
		return hidden
	}
	address, err := url.Parse(value)
	if err != nil {
		// It may still be an address with a password that is badly written.
		if strings.Contains(value, "@") && strings.Contains(value, "://") {
			return hidden
		}
		return value
	}
	_, hasPassword := address.User.Password()
	if !hasPassword {
		return value
	}
	address.User = url.User(address.User.Username())
	return strings.Replace(address.String(), "@", ":"+hidden+"@", 1)
}

// unknown reports variables that look like ours and are none.
func (t Table) unknown(given map[string]string) []error {
	var known []string
	for _, row := range t {
		known = append(known, row.Name)
		if row.Secret {
			known = append(known, row.Name+fileSuffix)
		}
	}
	var problems []error
	for name, value := range given {
		if !strings.HasPrefix(name, prefix) || slices.Contains(known, name) || fromKubernetes(name, value) {
			continue
		}
		message := fmt.Sprintf("%s: there is no such variable", name)
		nearest := closest(name, known)
		if nearest != "" {
			message += fmt.Sprintf("; did you mean %s?", nearest)
		}
		problems = append(problems, errors.New(message))
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return problems
}

// fromKubernetes recognises the variables that Kubernetes adds to every
// container for a Service called "almoner-…": nobody wrote them.
func fromKubernetes(name, value string) bool {
	if strings.HasSuffix(name, "_SERVICE_HOST") || strings.Contains(name, "_SERVICE_PORT") {
		return true
	}
	return strings.Contains(name, "_PORT") && (strings.HasPrefix(value, "tcp://") || strings.Contains(name, "_TCP"))
}

// closest finds the known name that a typing mistake or two away from name.
func closest(name string, known []string) string {
	best, distance := "", 4
	for _, candidate := range known {
		d := edits(name, candidate)
		if d < distance {
			best, distance = candidate, d
		}
	}
	return best
}

// edits counts how many letters must be inserted, dropped or changed.
func edits(a, b string) int {
	previous := make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := range len(a) {
		current := make([]int, len(b)+1)
		current[0] = i + 1
		for j := range len(b) {
			change := previous[j]
			if a[i] != b[j] {
				change++
			}
			current[j+1] = min(change, previous[j+1]+1, current[j]+1)
		}
		previous = current
	}
	return previous[len(b)]
}
