package node

import (
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/almoner/almoner/services/internal/testkit"
)

// `go test ./internal/node -args -update` writes the golden file anew.
var update = flag.Bool("update", false, "write the permissions of NATS as they are")

// The table says what the catalogue of events says, which is held against the
// contracts and the services' own words.
func TestMembersAreThoseOfTheCatalogue(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join(testkit.Repository(t), "proto", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	produces, consumes := map[string]bool{}, map[string][]string{}
	for line := range strings.Lines(string(readme)) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`almoner.") {
			continue
		}
		producer := strings.TrimSpace(cells[2])
		produces[producer] = true
		for consumer := range strings.SplitSeq(cells[3], ",") {
			consumer = strings.TrimSpace(consumer)
			if !slices.Contains(consumes[consumer], producer) {
				consumes[consumer] = append(consumes[consumer], producer)
			}
		}
	}
	if len(produces) == 0 {
		t.Fatal("the catalogue of proto/README.md was not found")
	}
	for _, member := range feedMembers() {
		slices.Sort(consumes[member.Service])
		if produces[member.Service] != member.Produces || !slices.Equal(consumes[member.Service], member.Consumes) {
			t.Errorf("%s: the table says %t, %v; the catalogue %t, %v", member.Service,
				member.Produces, member.Consumes, produces[member.Service], consumes[member.Service])
		}
		delete(produces, member.Service)
		delete(consumes, member.Service)
	}
	if len(produces)+len(consumes) > 0 {
		t.Errorf("not in the table: %v, %v", produces, consumes)
	}
}

// Given a cluster with the files of deploy/nats and the keys that the program
// writes, then each service may do there what the golden file says, and nobody
// else anything.
func TestWhatEachServiceMayDoOnTheBus(t *testing.T) {
	t.Parallel()
	users, err := WriteNATSKeys(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cluster := testkit.NewCluster(t, users)
	var table strings.Builder
	out := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprint(out, "action\tsubject")
	conns := make([]*nats.Conn, len(users))
	for i, user := range users {
		conns[i] = cluster.Connect(t, user.Name)
		fmt.Fprintf(out, "\t%s", user.Name)
	}
	fmt.Fprintln(out)
	for _, act := range busActions() {
		fmt.Fprintf(out, "%s\t%s", act.verb, act.subject)
		for _, conn := range conns {
			fmt.Fprintf(out, "\t%s", act.try(t, conn))
		}
		fmt.Fprintln(out)
	}
	err = out.Flush()
	if err != nil {
		t.Fatal(err)
	}
	compareGolden(t, filepath.Join("testdata", "nats-permissions.golden"), table.String())

	t.Run("strangers", func(t *testing.T) { refusesStrangers(t, cluster) })
}

// action is something that somebody might do on the bus.
type action struct{ verb, subject string }

// busActions are all that a service could want, and what an intruder would.
func busActions() []action {
	var actions []action
	add := func(verb string, subjects ...string) {
		for _, subject := range subjects {
			actions = append(actions, action{verb, subject})
		}
	}
	for _, member := range feedMembers() {
		stream := "ALMONER_" + strings.ToUpper(member.Service)
		add("publish", "almoner."+member.Service+".v1.DonationSucceeded")
		for _, question := range []string{
			"CREATE", "UPDATE", "DELETE", "INFO", "PURGE", "MSG.GET", "MSG.DELETE", "SNAPSHOT", "RESTORE", "LEADER.STEPDOWN", "PEER.REMOVE",
		} {
			add("publish", "$JS.API.STREAM."+question+"."+stream)
		}
		add("publish", "$JS.API.DIRECT.GET."+stream, "$JS.API.CONSUMER.LIST."+stream, "$JS.API.CONSUMER.NAMES."+stream, "$JS.API.CONSUMER.CREATE."+stream)
		if !member.Produces {
			continue
		}
		for _, consumer := range feedMembers() {
			durable := stream + "." + consumer.Service
			for _, question := range []string{"CREATE", "DURABLE.CREATE", "INFO", "MSG.NEXT", "DELETE", "PAUSE", "UNPIN", "LEADER.STEPDOWN"} {
				add("publish", "$JS.API.CONSUMER."+question+"."+durable)
			}
			add("publish", "$JS.ACK."+durable+".1.2.3.4.5", "$JS.ACK._.hash."+durable+".1.2.3.4.5")
		}
	}
	add("publish", "$JS.API.INFO", "$JS.API.STREAM.LIST", "$JS.API.STREAM.NAMES", "$JS.API.META.LEADER.STEPDOWN",
		"$JS.API.SERVER.REMOVE", "$JS.API.ACCOUNT.PURGE.$G", "$SYS.REQ.SERVER.PING", "almoner.web.v1.Anything", "anything")
	for _, member := range feedMembers() {
		inbox := "_INBOX_" + member.Service + "."
		add("publish", inbox+"answer")
		add("subscribe", inbox+">")
	}
	add("subscribe", "almoner.>", ">", "*", "$JS.API.>", "$JS.ACK.>", "$JS.EVENT.ADVISORY.>", "$SYS.>", "_INBOX.>")
	return actions
}

// try returns what the server says to it.
func (a action) try(t *testing.T, conn *nats.Conn) string {
	t.Helper()
	var err error
	switch a.verb {
	case "publish":
		err = conn.Publish(a.subject, nil)
	default:
		var subscription *nats.Subscription
		subscription, err = conn.SubscribeSync(a.subject)
		if err == nil {
			defer func() { _ = subscription.Unsubscribe() }()
		}
	}
	if err != nil {
		t.Fatalf("%s %s: %v", a.verb, a.subject, err)
	}
	// A refusal comes before the answer to the ping behind it.
	err = conn.FlushTimeout(10 * time.Second)
	if err != nil {
		t.Fatalf("%s %s: %v", a.verb, a.subject, err)
	}
	refusal := conn.LastError()
	if refusal != nil && strings.Contains(strings.ToLower(refusal.Error()), strings.ToLower(`"`+a.subject+`"`)) {
		return "-"
	}
	return "may"
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		err := os.WriteFile(file, []byte(got), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("not as %s says; go test ./internal/node -args -update writes it anew. Now:\n%s", file, got)
	}
}

func refusesStrangers(t *testing.T, cluster *testkit.Cluster) {
	dial := cluster.Dial("ledger")
	first, _, _ := strings.Cut(dial.URLs, ",")
	trusted, known := nats.RootCAs(dial.CA), filepath.Join(dial.Credentials, "ledger.nk")
	own, err := nats.NkeyOptionFromSeed(known)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := stranger.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]struct {
		url     string
		options []nats.Option
		want    string // "" for welcome
	}{
		"ledger":             {first, []nats.Option{trusted, own}, ""},
		"nobody":             {first, []nats.Option{trusted}, "authorization"},
		"an unknown key":     {first, []nats.Option{trusted, nats.Nkey(public, stranger.Sign)}, "authorization"},
		"a name, a password": {first, []nats.Option{trusted, nats.UserInfo("ledger", "ledger")}, "authorization"},
		"another's server":   {first, []nats.Option{nats.RootCAs(testkit.NewAuthority(t).File()), own}, "unknown authority"},
	} {
		conn, err := nats.Connect(try.url, append(try.options, nats.NoReconnect(), nats.Timeout(10*time.Second))...)
		if err == nil {
			conn.Close()
		}
		switch {
		case try.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case try.want != "" && (err == nil || !strings.Contains(strings.ToLower(err.Error()), try.want)):
			t.Errorf("%s got %v, want a refusal with %q", name, err, try.want)
		}
	}

	// A node reads and writes everything, whatever the users may: no service becomes one.
	if said := cluster.Join(t, "127.0.0.1", "DNS:127.0.0.1", "nats-9"); said != "PONG" {
		t.Errorf("a node is refused: %s", said)
	}
	if said := cluster.Join(t, "ledger"); !strings.Contains(said, "Authorization Violation") {
		t.Errorf("ledger becomes a node of the cluster: %s", said)
	}

	plain, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(first, "tls://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = plain.Close() }()
	_, err = io.WriteString(plain, "CONNECT {\"verbose\":true}\r\nPING\r\n")
	if err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(plain) // until the server hangs up
	if strings.Contains(string(said), "PONG") || strings.Contains(string(said), "+OK") {
		t.Errorf("without encryption: %q, %v", said, err)
	}
}

// What `nats-server -t` says of the files of deploy/nats, with the variables that
// their README names. It sets the environment, so it runs alone.
func TestTheServersFilesAreGood(t *testing.T) {
	dir := t.TempDir()
	_, err := WriteNATSKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := os.DirFS(filepath.Join(testkit.Repository(t), "deploy", "nats"))
	configs, err := fs.Glob(files, "*.conf")
	if err != nil || len(configs) < 3 {
		t.Fatalf("files of deploy/nats: %v, %v", configs, err)
	}
	for _, name := range configs {
		content, err := fs.ReadFile(files, name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	authority := testkit.NewAuthority(t)
	certificate, key := authority.Issue(t, "nats-0")
	for name, value := range map[string]string{
		"NATS_NAME": "nats-0", "NATS_LISTEN": "0.0.0.0:4222", "NATS_MONITOR": "127.0.0.1:8222", "NATS_STORE": filepath.Join(dir, "store"),
		"NATS_CERT": certificate, "NATS_KEY": key, "NATS_CA": authority.File(), "NATS_CLUSTER_LISTEN": "0.0.0.0:6222",
		"NATS_CLUSTER_ROUTES": "[tls://nats-0:6222, tls://nats-1:6222, tls://nats-2:6222]",
	} {
		t.Setenv(name, value)
	}
	check := func(name string) (*server.Options, error) {
		return server.ConfigureOptions(flag.NewFlagSet("nats-server", flag.ContinueOnError),
			[]string{"-t", "-c", filepath.Join(dir, name)}, func() {}, func() {}, func() {})
	}
	for name, routes := range map[string]int{"server.conf": 0, "cluster.conf": 3} {
		options, err := check(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !options.CheckConfig || len(options.Nkeys) != len(feedMembers()) || options.TLSConfig == nil ||
			!options.JetStream || len(options.Routes) != routes || options.NoAuthUser != "" {
			t.Errorf("%s: %d keys, TLS %t, JetStream %t, %d routes, unknown users are %q", name,
				len(options.Nkeys), options.TLSConfig != nil, options.JetStream, len(options.Routes), options.NoAuthUser)
		}
	}
	t.Setenv("NATS_CERT", filepath.Join(dir, "nowhere.pem"))
	_, err = check("server.conf")
	if err == nil {
		t.Error("a certificate that is not there passes")
	}
}

func TestAListOfServersIsChecked(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"":                                         "",
		"nats://127.0.0.1:4222":                    "",
		"tls://nats-0:4222,tls://nats-1:4222":      "",
		"tls://nats-0:4222, tls://nats-1:4222":     "",
		"nats-0:4222":                              "is not a list",
		"http://nats-0:4222":                       "is not a list",
		"tls://nats-0:4222,":                       "is not a list",
		"tls://nats-0:4222,nats://nats-1:4222":     "mixes",
		"tls://ledger:correct-horse@nats-0:4222":   "password",
		"tls://nats-0:4222/almoner?tls=no":         "more than host",
		"tls://ledger:correct-horse nats-0:4222\n": "is not a list",
	} {
		_, err := LoadConfig([]string{"ALMONER_NATS_URL=" + value})
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", value, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "ALMONER_NATS_URL")):
			t.Errorf("%q: %v, want %q", value, err, want)
		case err != nil && strings.Contains(err.Error(), "correct-horse"):
			t.Errorf("%q: the password is shown: %v", value, err)
		}
	}
}
