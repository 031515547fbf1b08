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
	key, err := drawSecretKey()
	if err != nil {
		return nil, err
	}
	key = append(key, '\n')
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

func drawSecretKey() ([]byte, error) {
	bits := make([]byte, 32)
	_, err := rand.Read(bits)
	if err != nil {
		return nil, fmt.Errorf("draw: %w", err)
	}
	return []byte(hex.EncodeToString(bits)), nil
}

// personKeys are web's private key, nil where web does not run, and the public
// half that the services believe. A process that runs everything needs one secret
// and not two: the key is then made from that which signs links, without sharing
// bits with it.
func (c *Config) personKeys() (ed25519.PrivateKey, ed25519.PublicKey, error) {
	if !c.runs("web") {
		return nil, c.publicPersonKey(), nil
	}
	seed, err := hex.DecodeString(c.PersonKey.Reveal())
	if err == nil && len(seed) == 0 {
		seed, err = hkdf.Key(sha256.New, []byte(c.SecretKey.Reveal()), nil, "almoner acting person", ed25519.SeedSize)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("key of acting people: %w", err)
	}
	private := ed25519.NewKeyFromSeed(seed)
	return private, private.Public().(ed25519.PublicKey), nil
}

// publicPersonKey is nil when none is configured; nobody is believed then.
func (c *Config) publicPersonKey() ed25519.PublicKey {
	key, err := hex.DecodeString(c.PersonPublicKey)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil
	}
	return key
}

// PersonKeys draws a pair for web and for the services that run apart from it, as
// lines NAME=value.
func PersonKeys() (string, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", fmt.Errorf("draw keys: %w", err)
	}
	return fmt.Sprintf("ALMONER_PERSON_KEY=%x\nALMONER_PERSON_PUBLIC_KEY=%x\n", private.Seed(), []byte(public)), nil
}
