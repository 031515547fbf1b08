package rpc_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/testkit"
)

// proof loads what an authority issues for the names.
func proof(t *testing.T, authority *testkit.Authority, names ...string) *rpc.Certificates {
	t.Helper()
	cert, key := authority.Issue(t, names...)
	return load(t, rpc.CertificateFiles{Cert: cert, Key: key, CA: authority.File()}, time.Now, nil)
}

func load(t *testing.T, files rpc.CertificateFiles, now func() time.Time, logger *slog.Logger) *rpc.Certificates {
	t.Helper()
	certificates, err := rpc.LoadCertificates(files, now, logger)
	if err != nil {
		t.Fatal(err)
	}
	return certificates
}

// secured serves the feed of a process whose certificate has the names, and
// returns its address.
func secured(t *testing.T, certificates *rpc.Certificates, log io.Writer, heard chan<- string) string {
	t.Helper()
	listener := listen(t)
	serve(t, listener, rpc.ServerConfig{Certificates: certificates, Logger: slog.New(slog.NewTextHandler(log, nil))},
		withFeed(func(ctx context.Context) (*feedv1.HeadResponse, error) {
			heard <- rpc.Caller(ctx)
			return &feedv1.HeadResponse{}, nil
		}))
	return listener.Addr().String()
}

func dialProved(t *testing.T, service, addr, caller string, certificates *rpc.Certificates) *rpc.Remote {
	t.Helper()
	remote, err := rpc.Dial(service, addr, caller, certificates)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remote.Close() })
	return remote
}

func head(t *testing.T, conn grpc.ClientConnInterface) error {
	t.Helper()
	_, err := feedv1.NewFeedServiceClient(conn).Head(t.Context(), &feedv1.HeadRequest{})
	return err
}

// The caller is whom its certificate names, whatever the call says.
func TestTheCertificateSaysWhoCalls(t *testing.T) {
	t.Parallel()
	authority := testkit.NewAuthority(t)
	heard := make(chan string, 8)
	addr := secured(t, proof(t, authority, "donation"), &lockedBuffer{}, heard)
	ledger, both, web := proof(t, authority, "ledger"), proof(t, authority, "ledger", "receipt"), proof(t, authority, "web")
	for _, c := range []struct {
		who    string
		caller string
		with   *rpc.Certificates
		want   apperr.Code
	}{
		{"the ledger", "ledger", ledger, ""},
		{"the ledger under another name", "operator", ledger, apperr.Unauthenticated},
		{"a process with two services as the one", "ledger", both, ""},
		{"a process with two services as the other", "receipt", both, ""},
		{"a process with two services as a third", "fundraiser", both, apperr.Unauthenticated},
		{"the site, which may not read feeds", "web", web, apperr.PermissionDenied},
	} {
		err := head(t, dialProved(t, "donation", addr, c.caller, c.with))
		if apperr.CodeOf(err) != c.want && (err != nil || c.want != "") {
			t.Errorf("%s: %v, want %q", c.who, err, c.want)
		}
		if err == nil {
			if caller := <-heard; caller != c.caller {
				t.Errorf("%s is taken for %q", c.who, caller)
			}
		}
	}
	// A connection of our own that carries one name needs not say it; one that says
	// two has none.
	ctx := metadata.AppendToOutgoingContext(t.Context(), "almoner-caller", "ledger")
	_, err := feedv1.NewFeedServiceClient(dialProved(t, "donation", addr, "ledger", ledger)).Head(ctx, &feedv1.HeadRequest{})
	if apperr.CodeOf(err) != apperr.Unauthenticated {
		t.Errorf("a name said twice: %v", err)
	}
}

// Whoever proves nothing, or proves it by somebody whom we do not believe, does not
// get as far as a call; and both sides are told why.
func TestConnectionsThatProveNothingAreRefused(t *testing.T) {
	t.Parallel()
	authority, foreign := testkit.NewAuthority(t), testkit.NewAuthority(t)
	log := &lockedBuffer{}
	heard := make(chan string, 8)
	addr := secured(t, proof(t, authority, "donation"), log, heard)

	yesterday := func() time.Time { return time.Now().Add(-12 * time.Hour) }
	cert, key := authority.IssueUntil(t, time.Now().Add(-time.Hour), "ledger")
	expired := load(t, rpc.CertificateFiles{Cert: cert, Key: key, CA: authority.File()}, yesterday, nil)
	cert, key = foreign.Issue(t, "ledger")
	stranger := load(t, rpc.CertificateFiles{Cert: cert, Key: key, CA: joined(t, authority, foreign)}, time.Now, nil)

	for name, c := range map[string]struct {
		service string
		with    *rpc.Certificates
		ours    string // what the one who calls is told: a pattern
		theirs  string // what the one who is called logs
	}{
		// TLS 1.3 refuses a client's certificate after the client is done; whether it still
		// hears why is a race that the network decides.
		"an expired certificate":      {"donation", expired, "expired certificate|is this certificate not believed", "certificate has expired"},
		"another authority's":         {"donation", stranger, "unknown certificate authority|is this certificate not believed", "unknown authority"},
		"plaintext":                   {"donation", nil, "is one side plain", "first record does not look like a TLS handshake"},
		"a server of another name":    {"ledger", proof(t, authority, "receipt"), "valid for donation, not ledger", "bad certificate"},
		"a server that we don't know": {"donation", proof(t, foreign, "ledger"), "unknown authority", "bad certificate"},
	} {
		remote := dialProved(t, c.service, addr, "ledger", c.with)
		err := head(t, remote)
		if apperr.CodeOf(err) != apperr.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
		err = remote.Reachable(t.Context())
		if apperr.CodeOf(err) != apperr.Unavailable || !regexp.MustCompile(c.ours).MatchString(err.Error()) {
			t.Errorf("%s: whoever asks is told %v, want %q", name, err, c.ours)
		}
		testkit.Eventually(t, func() bool { return strings.Contains(log.String(), c.theirs) })
	}
	if len(heard) > 0 {
		t.Errorf("%s got as far as a handler", <-heard)
	}
}

// joined is a file with both authorities.
func joined(t *testing.T, authorities ...*testkit.Authority) string {
	t.Helper()
	var all []byte
	for _, authority := range authorities {
		content, err := os.ReadFile(authority.File())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	err := os.WriteFile(file, all, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCertificatesThatCannotBeUsedAreSaidAtTheStart(t *testing.T) {
	t.Parallel()
	authority, foreign := testkit.NewAuthority(t), testkit.NewAuthority(t)
	cert, key := authority.Issue(t, "ledger")
	_, otherKey := authority.Issue(t, "ledger")
	unnamed, unnamedKey := authority.Issue(t)
	oldCert, oldKey := authority.IssueUntil(t, time.Now().Add(-time.Minute), "ledger")
	youngCert, youngKey := authority.IssueUntil(t, time.Now().Add(48*time.Hour), "ledger")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	err := os.WriteFile(empty, nil, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for says, files := range map[string]rpc.CertificateFiles{
		"has expired":                    {Cert: oldCert, Key: oldKey, CA: authority.File()},
		"is not valid before":            {Cert: youngCert, Key: youngKey, CA: authority.File()},
		"is not believed by":             {Cert: cert, Key: key, CA: foreign.File()},
		"does not match":                 {Cert: cert, Key: otherKey, CA: authority.File()},
		"names no service":               {Cert: unnamed, Key: unnamedKey, CA: authority.File()},
		"holds no certificate":           {Cert: cert, Key: key, CA: empty},
		"no such file":                   {Cert: cert + ".missing", Key: key, CA: authority.File()},
		"failed to find any PEM data":    {Cert: empty, Key: key, CA: authority.File()},
		"failed to find any PEM data in": {Cert: cert, Key: empty, CA: authority.File()},
	} {
		_, err := rpc.LoadCertificates(files, time.Now, nil)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

// Given a process that runs, when its certificate is replaced by one of another
// authority, then the next connections are made with it and nothing is started
// anew; a file that is broken meanwhile changes nothing.
func TestCertificatesAreReplacedWithoutARestart(t *testing.T) {
	t.Parallel()
	old, young := testkit.NewAuthority(t), testkit.NewAuthority(t)
	dir := t.TempDir()
	files := rpc.CertificateFiles{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem"), CA: filepath.Join(dir, "ca.pem")}
	replace := func(authority *testkit.Authority) {
		cert, key := authority.Issue(t, "donation")
		put(t, files.Cert, cert)
		put(t, files.Key, key)
		put(t, files.CA, authority.File())
	}
	replace(old)
	clock, log := testkit.Clock(t, time.Now()), &lockedBuffer{}
	server := load(t, files, clock.Now, slog.New(slog.NewTextHandler(log, nil)))
	heard := make(chan string, 8)
	addr := secured(t, server, &lockedBuffer{}, heard)
	ask := func(authority *testkit.Authority) error {
		return head(t, dialProved(t, "donation", addr, "ledger", proof(t, authority, "ledger")))
	}
	if err := ask(old); err != nil {
		t.Fatal(err)
	}

	err := os.WriteFile(files.Cert, []byte("half a certif"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	clock.Advance(5 * time.Second)
	if err := ask(old); err != nil {
		t.Errorf("a broken file ended what worked: %v", err)
	}
	if err := server.Fault(); err == nil || !strings.Contains(err.Error(), "cert.pem") || !strings.Contains(log.String(), "the old one stays") {
		t.Errorf("nobody is told: %v\n%s", err, log)
	}

	replace(young)
	// It is not looked for at each of thousands of handshakes.
	if err := ask(old); err != nil {
		t.Errorf("within the same moment: %v", err)
	}
	clock.Advance(5 * time.Second)
	if err := ask(young); err != nil {
		t.Errorf("with the new authority: %v", err)
	}
	if err := ask(old); apperr.CodeOf(err) != apperr.Unavailable {
		t.Errorf("the old authority is still believed: %v", err)
	}
	if err := server.Fault(); err != nil {
		t.Errorf("all is well, and yet: %v", err)
	}
	clock.Advance(2 * time.Hour)
	if err := server.Fault(); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("nobody is told that it has expired: %v", err)
	}
}

// put makes a file's content another, as a tool that renews does.
func put(t *testing.T, file, from string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	err = os.WriteFile(file+".new", content, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	err = os.Rename(file+".new", file)
	if err != nil {
		t.Fatal(err)
	}
}

// A connection does not outlive for long the authority by which it was made.
func TestConnectionsAreProvedAgain(t *testing.T) {
	t.Parallel()
	authority := testkit.NewAuthority(t)
	listener := listen(t)
	serve(t, listener, rpc.ServerConfig{Certificates: proof(t, authority, "donation"), ConnectionAge: 50 * time.Millisecond, Grace: 50 * time.Millisecond}, withFeed(nil))
	remote := dialProved(t, "donation", listener.Addr().String(), "ledger", proof(t, authority, "ledger"))
	err := remote.Reachable(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !remote.WaitForStateChange(t.Context(), remote.GetState()) {
		t.Fatal("the connection lives for ever")
	}
	err = head(t, remote)
	if err != nil {
		t.Errorf("after it was made again: %v", err)
	}
}
