package node

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/almoner/almoner/services/internal/platform/config"
)

// secretKeyFile holds the key that signs receipt links when none is configured.
// It lives beside the data that it belongs to: whoever restores the one needs
// the other, or links in mails already sent would be dead.
const secretKeyFile = "secret.key"

// secretKey returns the configured key or the data directory's own, which it
// makes first if make is set and there is none.
func secretKey(configured config.Secret, dir string, create bool) (config.Secret, error) {
	if configured.IsSet() {
		return configured, nil
	}
	path := filepath.Join(dir, secretKeyFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		raw, err = makeSecretKey(path)
	}
	if err != nil {
		return config.Secret{}, fmt.Errorf("secret key: %w", err)
	}
	key := strings.TrimSpace(string(raw))
	if len(key) < 32 {
		return config.Secret{}, fmt.Errorf("secret key: %s holds fewer than 32 characters; was it cut?", path)
	}
	return config.NewSecret(key), nil
}

// makeSecretKey writes a new key so that a crash leaves a whole key or none.
func makeSecretKey(path string) ([]byte, error) {
	bits := make([]byte, 32)
	_, err := rand.Read(bits)
	if err != nil {
		return nil, fmt.Errorf("draw: %w", err)
	}
	key := []byte(hex.EncodeToString(bits) + "\n")
	temporary, err := os.CreateTemp(filepath.Dir(path), secretKeyFile+"-*")
	if err != nil {
		return nil, fmt.Errorf("make: %w", err)
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(key)
	if err == nil {
		err = temporary.Sync()
	}
	err = errors.Join(err, temporary.Close())
	if err != nil {
		return nil, fmt.Errorf("write: %w", err)
	}
	return key, os.Rename(temporary.Name(), path)
}

// personKey is what web signs acting people with. It is made from the secret key,
// so that a process needs one secret and not two, and never shares bits with what
// signs links. Services that run apart from web are given the public half alone.
func personKey(secret config.Secret) (ed25519.PrivateKey, error) {
	seed, err := hkdf.Key(sha256.New, []byte(secret.Reveal()), nil, "almoner acting person", ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("key of acting people: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
