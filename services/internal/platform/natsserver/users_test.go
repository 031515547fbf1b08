package natsserver_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"

	"github.com/almoner/almoner/services/internal/platform/natsserver"
)

// Given keys that are in use, when they are written again, with what a new
// version needs, then each service keeps its key and one that is new gets its
// first.
func TestKeysThatAreThereStay(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	before, err := natsserver.WriteKeys(dir, []natsserver.User{{Name: "donation", Publish: []string{"almoner.donation.>"}}})
	if err != nil {
		t.Fatal(err)
	}
	after, err := natsserver.WriteKeys(dir, []natsserver.User{
		{Name: "donation", Publish: []string{"almoner.donation.>", "$JS.API.STREAM.INFO.ALMONER_DONATION"}}, {Name: "ledger"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if after[0].PublicKey != before[0].PublicKey || after[1].PublicKey == after[0].PublicKey || !nkeys.IsValidPublicUserKey(after[1].PublicKey) {
		t.Errorf("before %v, after %v", before, after)
	}
	conf, err := os.ReadFile(filepath.Join(dir, natsserver.UsersFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []string{"nkey: " + after[0].PublicKey, "nkey: " + after[1].PublicKey, "STREAM.INFO", `"_INBOX_ledger.>"`} {
		if !strings.Contains(string(conf), wanted) {
			t.Errorf("%s is not in\n%s", wanted, conf)
		}
	}
	for _, service := range []string{"donation", "ledger"} {
		info, err := os.Stat(filepath.Join(dir, service+".nk"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", service, info.Mode(), err)
		}
		seed, err := os.ReadFile(filepath.Join(dir, service+".nk"))
		if err != nil || strings.Contains(string(conf), strings.TrimSpace(string(seed))) {
			t.Errorf("the secret half of %s is in the server's file, or not to be read: %v", service, err)
		}
	}
}

// A file that holds something else is not replaced: it may be somebody's key.
func TestWhatIsNoKeyIsNotReplaced(t *testing.T) {
	t.Parallel()
	account, err := nkeys.CreateAccount()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := account.Seed()
	if err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]string{"": "holds no seed", "a letter": "holds no seed", string(seed): "not a user's"} {
		dir := t.TempDir()
		file := filepath.Join(dir, "ledger.nk")
		err := os.WriteFile(file, []byte(content), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		_, err = natsserver.WriteKeys(dir, []natsserver.User{{Name: "ledger"}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "ledger") {
			t.Errorf("%q: %v, want %q", content, err, want)
		}
		left, err := os.ReadFile(file)
		if err != nil || string(left) != content {
			t.Errorf("the file holds %q now, %v", left, err)
		}
	}
}
