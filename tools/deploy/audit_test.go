package deploy

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The audits of both kinds of containers are told nothing but what an audit reads,
// find it right, and end where the machine has no such databases.
func TestAuditsTakeWhatTheyAreTold(t *testing.T) {
	t.Parallel()
	known, dir := variables(t), secrets(t)
	try := func(t *testing.T, set map[string]string, args []string, file func(string) string) {
		t.Helper()
		t.Parallel() // each waits for a database that is gone
		environ := []string{"ALMONER_DATA_DIR=" + t.TempDir()}
		for name, value := range set {
			if known[name] == nil {
				t.Errorf("nobody reads %s", name)
			}
			if strings.HasSuffix(name, "_FILE") {
				value = filepath.Join(dir, file(filepath.Base(value)))
			}
			environ = append(environ, name+"="+value)
		}
		for i, arg := range args {
			if strings.HasPrefix(arg, "--every") {
				args[i] = "--every=0s" // once will do
			}
		}
		out, err := run(t, environ, program(t, "almoner"), args...)
		if err == nil || strings.Contains(out, "configuration:") || !strings.Contains(out, "database of donation") {
			t.Errorf("%v\n%s", err, out)
		}
	}
	all := overlay(t, "trial")
	c := all["CronJob/audit"].Spec.Template.Spec.Containers[0]
	t.Run("kubernetes", func(t *testing.T) {
		try(t, environment(t, all, c), c.Args, func(secret string) string {
			if secret == "stripe-key" {
				return "stripe-audit-key"
			}
			return "database-" + secret + "-checker"
		})
	})
	audit := compose(t, "compose.yaml", "compose.trial.yaml").Services["audit"]
	set := map[string]string{}
	for name, value := range audit.Environment {
		set[name] = *value
	}
	t.Run("compose", func(t *testing.T) {
		try(t, set, audit.Command, func(secret string) string {
			if service, checker := strings.CutSuffix(secret, "-checker"); checker {
				return "database-" + service + "-checker"
			}
			return secret
		})
	})
}

// unit is a section of a systemd unit: the values of each setting, in order.
func unit(t *testing.T, name, section string) map[string][]string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(files, "systemd", name))
	if err != nil {
		t.Fatal(err)
	}
	settings, inside := map[string][]string{}, false
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		setting, value, found := strings.Cut(line, "=")
		switch {
		case strings.HasPrefix(line, "["):
			inside = line == "["+section+"]"
		case inside && found && !strings.HasPrefix(line, "#"):
			settings[setting] = append(settings[setting], value)
		}
	}
	return settings
}

// The timer's unit is run as it says, beside a program that runs: with the addresses
// of almoner.env, the credentials that it loads and the settings that it makes.
func TestTheTimersAuditTellsTheNodeExporter(t *testing.T) {
	t.Parallel()
	almoner, dir := program(t, "almoner"), t.TempDir()
	service := unit(t, "almoner-audit.service", "Service")
	if when := unit(t, "almoner-audit.timer", "Timer"); len(when["OnCalendar"]) != 1 || when["Persistent"][0] != "true" {
		t.Errorf("the timer says %v", when)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	instance := exec.CommandContext(ctx, almoner, "run")
	instance.Cancel = func() error { return instance.Process.Signal(syscall.SIGTERM) }
	instance.Env = append(os.Environ(), "ALMONER_DATA_DIR="+dir, "ALMONER_HTTP_ADDR=127.0.0.1:0", "ALMONER_STRIPESIM_ADDR=127.0.0.1:0")
	log, err := instance.StderrPipe()
	if err == nil {
		err = instance.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	simulator, lines := "", bufio.NewScanner(log)
	for simulator == "" && lines.Scan() {
		_, after, _ := strings.Cut(lines.Text(), " simulator=")
		simulator, _, _ = strings.Cut(after, " ")
	}
	ended := make(chan error, 1)
	go func() {
		for lines.Scan() { // what nobody reads would hold it up
		}
		ended <- instance.Wait()
	}()

	credentials := map[string]string{
		"stripe-secret-key": "sk_test_trial", "stripe-webhook-secrets": "whsec_trial", "smtp-url": "smtps://user:word@mail.example.org",
		"secret-key": strings.Repeat("0123456789abcdef", 4),
	}
	loaded := t.TempDir()
	for _, load := range service["LoadCredential"] {
		name, from, _ := strings.Cut(load, ":")
		if from != "/etc/almoner/credentials/"+name || credentials[name] == "" {
			t.Errorf("it loads %s", load)
		}
		err := os.WriteFile(filepath.Join(loaded, name), []byte(credentials[name]+"\n"), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(filepath.Join(files, "systemd/almoner.env"))
	if err != nil {
		t.Fatal(err)
	}
	var environ []string
	for line := range strings.Lines(string(content)) {
		if !strings.HasPrefix(line, "#") {
			environ = append(environ, strings.TrimSpace(line))
		}
	}
	for _, set := range service["Environment"] {
		environ = append(environ, strings.ReplaceAll(set, "%d", loaded))
	}
	environ = append(environ, "ALMONER_DATA_DIR="+dir, "ALMONER_STRIPE_URL="+simulator)
	written := filepath.Join(t.TempDir(), "almoner.prom")
	words := strings.Fields(service["ExecStart"][0])
	for i, word := range words {
		if word == "/var/lib/almoner-audit/almoner.prom" && "/var/lib/"+service["StateDirectory"][0] == filepath.Dir(word) {
			words[i] = written
		}
	}
	out, err := run(t, environ, almoner, words[1:]...)
	if err != nil {
		t.Errorf("the audit ends with %v\n%s", err, out)
	}
	told, err := os.ReadFile(written)
	if err != nil || !strings.Contains(string(told), "almoner_audit_violations 0\n") || !strings.Contains(string(told), "almoner_audit_caught_up 1\n") {
		t.Errorf("the node exporter is told %q (%v)", told, err)
	}
	info, err := os.Stat(written)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the node exporter may not read %v (%v)", info, err)
	}
	// One that crashes is not taken for one that found it too early. (SIGQUIT is a
	// crash on demand.)
	crashing := exec.CommandContext(t.Context(), almoner, "audit", "--every", "1h")
	crashing.Env = append(os.Environ(), environ...)
	crashing.Dir = t.TempDir() // where core files are wanted, one is left there
	beginning, err := crashing.StdoutPipe()
	if err == nil {
		err = crashing.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = beginning.Read(make([]byte, 1)) // it has begun to say what it found
	if err == nil {
		err = crashing.Process.Signal(syscall.SIGQUIT)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, beginning) // until it is gone
	_ = crashing.Wait()
	if !slices.Equal(service["SuccessExitStatus"], []string{"2"}) || crashing.ProcessState.ExitCode() == 2 {
		t.Errorf("a crash ends with %v, which the unit takes for success (%v)", crashing.ProcessState, service["SuccessExitStatus"])
	}
	if out, err := run(t, nil, "sh", "-euc", ". deploy/systemd/almoner.env; test -n \"$ALMONER_REFUND_LIMIT\""); err != nil {
		t.Errorf("the operator's commands cannot read almoner.env: %v\n%s", err, out)
	}
	stop()
	err = <-ended
	if err != nil && ctx.Err() == nil {
		t.Error(err)
	}
}

func TestUnitsAreUnderstood(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Fatal("systemd-analyze is not here (Debian: systemd)")
	}
	// It wants the program to be where the units say.
	dir := t.TempDir()
	for _, name := range []string{"almoner.service", "almoner-audit.service", "almoner-audit.timer"} {
		content, err := os.ReadFile(filepath.Join(files, "systemd", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(string(content), "/usr/local/bin/almoner", program(t, "almoner"))), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"almoner.service", "almoner-audit.timer"} {
		out, err := run(t, nil, analyze, "verify", "--man=no", filepath.Join(dir, name))
		if err != nil || strings.Contains(out, "almoner") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
