package deploy

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// files is the folder that is checked.
const files = "../../deploy"

// services of the product, and what nobody but them may hold.
var services = []string{"donation", "fundraiser", "receipt", "ledger", "web"}

// program returns a tool of the repository, which make has built.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/" + name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = os.Stat(path)
	if err != nil {
		t.Fatalf("%v: run `make bin/%s`", err, name)
	}
	return path
}

// run runs a command in the repository's root and returns what it printed.
func run(t *testing.T, environ []string, name string, args ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = "../.."
	command.Env = append(os.Environ(), environ...)
	out, err := command.CombinedOutput()
	return string(out), err
}

// prepared is a folder that `prepare` filled for a trial, once for all tests.
var prepared = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "almoner-secrets-*")
	if err != nil {
		return "", err
	}
	almoner, err := filepath.Abs("../../bin/almoner")
	if err != nil {
		return dir, err
	}
	command := exec.CommandContext(context.Background(), "deploy/prepare", filepath.Join(dir, "secrets"))
	command.Dir = "../.."
	command.Env = append(os.Environ(), "TRIAL=1", "ALMONER="+almoner)
	out, err := command.CombinedOutput()
	if err != nil {
		return dir, &failure{err, out}
	}
	return dir, nil
})

type failure struct {
	error
	out []byte
}

func (f *failure) Error() string { return f.error.Error() + "\n" + string(f.out) }

func secrets(t *testing.T) string {
	t.Helper()
	dir, err := prepared()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "secrets")
}

func TestMain(m *testing.M) {
	code := m.Run()
	dir, _ := prepared() // it says so itself when it failed
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// variables are those that the program reads, with the targets that read them.
func variables(t *testing.T) map[string][]string {
	t.Helper()
	out, err := run(t, nil, program(t, "almoner"), "help")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	known := map[string][]string{}
	_, table, found := strings.Cut(out, "\nVariables, ")
	if !found {
		t.Fatal("`almoner help` lists no variables")
	}
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		targets := services
		if fields[1] != "all" {
			targets = strings.Split(fields[1], ",")
		}
		name, secret := strings.CutSuffix(fields[0], "[_FILE]")
		known[name] = targets
		if secret {
			known[name+"_FILE"] = targets
		}
	}
	return known
}

// foreign are variables that others than the program read.
var foreign = regexp.MustCompile(`^(OTEL_[A-Z_]+|SSL_CERT_FILE|ALMONER_IMAGE_TAG|ALMONER_PORT)$`)

// unread returns the names that a service does not read.
func unread(known map[string][]string, service string, names []string) (wrong []string) {
	for _, name := range names {
		reads := foreign.MatchString(name)
		for _, target := range known[name] {
			reads = reads || target == service
		}
		if !reads {
			wrong = append(wrong, name)
		}
	}
	return wrong
}

func TestPrepareIsWholeAndRepeatable(t *testing.T) {
	dir := secrets(t)
	listed := func() string {
		var all bytes.Buffer
		err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			all.WriteString(path + "\n" + string(content) + "\n")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return all.String()
	}
	before := listed()
	out, err := run(t, []string{"TRIAL=1", "ALMONER=" + program(t, "almoner")}, "deploy/prepare", dir)
	if err != nil || listed() != before {
		t.Errorf("a second run changes what is there: %v\n%s", err, out)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may enter %s: %v, %v", dir, info.Mode(), err)
	}
	for _, service := range services {
		out, err := run(t, nil, "openssl", "verify", "-purpose", "sslserver", "-verify_hostname", service, "-CAfile", dir+"/ca.crt", dir+"/"+service+".crt")
		if err != nil {
			t.Errorf("the certificate of %s: %v\n%s", service, err, out)
		}
		out, err = run(t, nil, "openssl", "verify", "-verify_hostname", "somebody-else", "-CAfile", dir+"/ca.crt", dir+"/"+service+".crt")
		if err == nil {
			t.Errorf("the certificate of %s has other names, too\n%s", service, out)
		}
	}
}

func TestNATSServersTakeTheirConfiguration(t *testing.T) {
	dir := secrets(t)
	store := t.TempDir()
	etc := t.TempDir()
	for from, to := range map[string]string{
		files + "/nats/cluster.conf": "cluster.conf", files + "/nats/common.conf": "common.conf",
		files + "/nats/server.conf": "server.conf", dir + "/nats/users.conf": "users.conf",
	} {
		content, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(etc, to), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// The hosts of the routes, in containers and on Kubernetes: a node that has none
	// of them in its certificate is not let in.
	for _, node := range []string{"nats-0", "nats-1", "nats-2"} {
		for _, host := range []string{node, node + ".nats"} {
			out, err := run(t, nil, "openssl", "verify", "-verify_hostname", host, "-CAfile", dir+"/ca.crt", dir+"/"+node+".crt")
			if err != nil {
				t.Errorf("the certificate of %s for %s: %v\n%s", node, host, err, out)
			}
		}
	}
	for _, name := range []string{"cluster.conf", "server.conf"} {
		out, err := run(t, []string{
			"NATS_NAME=nats-0", "NATS_LISTEN=127.0.0.1:4222", "NATS_MONITOR=127.0.0.1:8222", "NATS_STORE=" + store,
			"NATS_CERT=" + dir + "/nats-0.crt", "NATS_KEY=" + dir + "/nats-0.key", "NATS_CA=" + dir + "/ca.crt",
			"NATS_CLUSTER_LISTEN=127.0.0.1:6222", "NATS_CLUSTER_ROUTES=[tls://nats-0:6222, tls://nats-1:6222, tls://nats-2:6222]",
		}, program(t, "nats-server"), "-t", "-c", filepath.Join(etc, name))
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
