package natsserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nats-io/nkeys"
)

const (
	// UsersFile is what a server's configuration includes.
	UsersFile  = "users.conf"
	seedSuffix = ".nk"
)

// User is a service as a NATS server knows it: by its key, and by the subjects
// that it may publish to. What it may hear is its own inbox, and nothing else.
type User struct {
	Name    string
	Publish []string
	// PublicKey is what the server knows it by. WriteKeys fills it.
	PublicKey string
}

// WriteKeys writes <name>.nk, a seed that only its owner may read, for each user
// that has none in dir, and UsersFile with what each of them may do. A seed that
// is there stays, so that a new version's permissions are written without new
// keys; to replace a key, remove its file first. It returns the users with their
// public keys.
func WriteKeys(dir string, users []User) ([]User, error) {
	err := os.MkdirAll(dir, 0o700)
	if err != nil {
		return nil, fmt.Errorf("make directory for keys: %w", err)
	}
	known := make([]User, len(users))
	for i, user := range users {
		user.PublicKey, err = publicKey(filepath.Join(dir, user.Name+seedSuffix))
		if err != nil {
			return nil, fmt.Errorf("key of %s: %w", user.Name, err)
		}
		known[i] = user
	}
	err = replace(filepath.Join(dir, UsersFile), usersConf(known))
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", UsersFile, err)
	}
	return known, nil
}

// publicKey reads a seed's public half, and makes a seed where there is none.
func publicKey(file string) (string, error) {
	seed, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		seed, err = newSeed(file)
	}
	if err != nil {
		return "", err
	}
	defer clear(seed)
	pair, err := nkeys.ParseDecoratedNKey(seed)
	if err != nil {
		return "", fmt.Errorf("%s holds no seed: %w", file, err)
	}
	defer pair.Wipe()
	public, err := pair.PublicKey()
	if err == nil && !nkeys.IsValidPublicUserKey(public) {
		return "", fmt.Errorf("%s holds a seed that is not a user's", file)
	}
	return public, err
}

func newSeed(file string) ([]byte, error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	seed, err := pair.Seed()
	if err != nil {
		return nil, err
	}
	// Exclusively: two at once must not each hand out a key of their own.
	written, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = written.Write(append(slices.Clone(seed), '\n'))
	return seed, errors.Join(err, written.Sync(), written.Close())
}

// replace leaves the whole file or the one that was there: a server may be
// reading it.
func replace(file, content string) error {
	beside := file + ".new"
	err := os.WriteFile(beside, []byte(content), 0o644) //nolint:gosec // public keys, read by the server's own user
	if err != nil {
		return err
	}
	return os.Rename(beside, file)
}

// usersConf is a server's authorization block. Whoever is not in it is refused,
// and what a user is not allowed is denied.
func usersConf(users []User) string {
	var conf strings.Builder
	conf.WriteString("# Written by `almoner keys nats`; do not edit. Public keys only.\nauthorization {\n  users = [\n")
	for _, user := range users {
		fmt.Fprintf(&conf, "    # %s\n    {\n      nkey: %s\n      permissions {\n        publish: { allow: [\n", user.Name, user.PublicKey)
		for _, subject := range user.Publish {
			fmt.Fprintf(&conf, "          %q\n", subject)
		}
		fmt.Fprintf(&conf, "        ] }\n        subscribe: { allow: [%q] }\n      }\n    }\n", inboxPrefix(user.Name)+".>")
	}
	conf.WriteString("  ]\n}\n")
	return conf.String()
}
