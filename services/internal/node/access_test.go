package node_test

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

// client is somebody who asks: a process with a certificate, and for web the person
// who is signed in.
type client struct {
	title  string
	caller string
	roles  []string
	conns  map[string]*rpc.Remote // by the process that is asked
}

// clients are every service, the operator, a stranger whom our own authority knows,
// and at the site nobody and a person of each role.
func (w *town) clients() []client {
	w.t.Helper()
	all := []client{{title: "web", caller: "web"}}
	for _, role := range []string{"supporter", "viewer", "accountant", "admin"} {
		all = append(all, client{title: "web:" + role, caller: "web", roles: []string{role}})
	}
	for _, caller := range append(node.Services(), "operator", "stranger") {
		// Their word about a person must not count, so they speak for an admin.
		all = append(all, client{title: caller, caller: caller, roles: []string{"admin"}})
	}
	seed, err := hex.DecodeString(w.of("ALMONER_PERSON_KEY"))
	if err != nil {
		w.t.Fatal(err)
	}
	for i, c := range all {
		cert, key := w.authority.Issue(w.t, c.caller)
		certificates, err := rpc.LoadCertificates(rpc.CertificateFiles{Cert: cert, Key: key, CA: w.authority.File()}, time.Now, nil)
		if err != nil {
			w.t.Fatal(err)
		}
		all[i].conns = map[string]*rpc.Remote{}
		for _, service := range node.Services() {
			conn, err := rpc.Dial(service, w.of("ALMONER_"+strings.ToUpper(service)+"_ADDR"), c.caller, certificates, rpc.Acting(ed25519.NewKeyFromSeed(seed), time.Now)...)
			if err != nil {
				w.t.Fatal(err)
			}
			w.t.Cleanup(func() { conn.Close() })
			all[i].conns[service] = conn
		}
	}
	return all
}

// methods are all that the contracts have.
func methods() []protoreflect.MethodDescriptor {
	var all []protoreflect.MethodDescriptor
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(file.Package()), "almoner.") {
			return true
		}
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				all = append(all, service.Methods().Get(j))
			}
		}
		return true
	})
	slices.SortFunc(all, func(a, b protoreflect.MethodDescriptor) int {
		return strings.Compare(string(a.FullName()), string(b.FullName()))
	})
	return all
}

// accessMatrix has every client call every method of the running processes, and
// compares what happens with the golden file.
func (w *town) accessMatrix(t *testing.T) {
	clients, all := w.clients(), methods()
	if len(all) < 40 {
		t.Fatalf("only %d methods were found", len(all))
	}
	var table strings.Builder
	out := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprint(out, "method")
	for _, c := range clients {
		fmt.Fprintf(out, "\t%s", c.title)
	}
	fmt.Fprintln(out)
	for _, method := range all {
		fmt.Fprint(out, strings.TrimPrefix(string(method.FullName()), "almoner."))
		for _, c := range clients {
			fmt.Fprintf(out, "\t%s", c.try(t, method))
		}
		fmt.Fprintln(out)
	}
	err := out.Flush()
	if err != nil {
		t.Fatal(err)
	}
	node.CompareGolden(t, filepath.Join("testdata", "access.golden"), table.String())
}

// try calls a method with nothing in it: who is let in is told that something is
// missing, and who is not is told so before anybody looks.
func (c client) try(t *testing.T, method protoreflect.MethodDescriptor) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if len(c.roles) > 0 {
		ctx = rpc.WithPerson(ctx, rpc.Person{ID: "7c1f", Roles: c.roles})
	}
	service := strings.Split(string(method.FullName()), ".")[1]
	if service == "feed" {
		service = "donation" // every process has it
	}
	name := fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())
	request, reply := dynamicpb.NewMessage(method.Input()), dynamicpb.NewMessage(method.Output())
	var err error
	if method.IsStreamingServer() {
		err = firstOf(ctx, c.conns[service], name, request, reply)
	} else {
		err = c.conns[service].Invoke(ctx, name, request, reply)
	}
	var refused *apperr.Error
	switch {
	case !errors.As(err, &refused):
		return "yes"
	case refused.Reason == "CALLER_NOT_ALLOWED":
		return "-"
	case refused.Reason == "PERSON_MISSING":
		return "sign in"
	case refused.Reason == "ROLE_MISSING":
		return "role"
	case refused.Reason == "UNREACHABLE", refused.Reason == "NOT_IMPLEMENTED", refused.Reason == "CALLER_UNKNOWN", refused.Code == apperr.Internal:
		t.Errorf("%s for %s: %v", name, c.title, err)
		return "?"
	}
	return "yes"
}

// firstOf waits for the first message of a stream, or for its refusal. A stream
// that has nothing to say yet has let us in.
func firstOf(ctx context.Context, conn grpc.ClientConnInterface, name string, request, reply *dynamicpb.Message) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, name)
	if err != nil {
		return err
	}
	err = stream.SendMsg(request)
	if err == nil {
		err = stream.CloseSend()
	}
	if err == nil {
		err = stream.RecvMsg(reply)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}
