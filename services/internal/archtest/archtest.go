// Package archtest holds the code to the shape that services/README.md promises:
// who may import whom, and which service publishes and consumes what. The Go
// compiler enforces half of it through `internal/`; this package the rest.
package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// Module is the import path of the product's Go module.
const Module = "github.com/almoner/almoner/services"

// Services in the order in which a gift passes through them.
func Services() []string { return []string{"web", "donation", "fundraiser", "ledger", "receipt"} }

// Package is one package and what it imports directly, tests left out.
type Package struct {
	Path    string
	Imports []string
}

// adapters may import app and domain of their service, but not each other:
// otherwise SQL would leak into the wire and the wire into the consumers.
func adapters() []string {
	return []string{"grpcapi", "webhook", "consume", "store", "payments", "pictures", "document"}
}

// vocabulary are the packages that pure rules may speak in.
func vocabulary() []string {
	return []string{Module + "/internal/money", Module + "/internal/apperr"}
}

// Violations lists every import that breaks the dependency rule, in words.
func Violations(packages []Package) []string {
	var found []string
	for _, p := range packages {
		for _, imported := range p.Imports {
			reason := forbidden(p.Path, imported)
			if reason != "" {
				found = append(found, fmt.Sprintf("%s imports %s: %s", short(p.Path), short(imported), reason))
			}
		}
	}
	slices.Sort(found)
	return found
}

func forbidden(from, to string) string {
	fromService, fromPart := place(from)
	toService, _ := place(to)
	switch {
	case fromService != "" && toService != "" && fromService != toService:
		return "a service never imports another; ask over gRPC or listen to its events"
	case strings.HasPrefix(from, Module+"/internal/platform/") && toService != "":
		return "the platform knows no service"
	case slices.Contains(vocabulary(), from) && strings.HasPrefix(to, Module+"/") && !slices.Contains(vocabulary(), to):
		return "money and apperr are words that every domain uses; they know nothing of ours"
	case fromService == "" || fromService == "web":
		return "" // web has pages instead of the five layers
	}
	switch fromPart {
	case "domain":
		return forbiddenToDomain(to)
	case "app":
		return forbiddenToApp(fromService, to)
	}
	if slices.Contains(adapters(), fromPart) {
		_, toPart := place(to)
		if toService == fromService && toPart != fromPart && slices.Contains(adapters(), toPart) {
			return "adapters do not import each other; wire them in service.go"
		}
	}
	return ""
}

func forbiddenToDomain(to string) string {
	if slices.Contains(vocabulary(), to) {
		return ""
	}
	if strings.HasPrefix(to, "github.com/almoner/almoner/") {
		return "domain speaks only in money and apperr"
	}
	for _, impure := range []string{"context", "database/", "net/", "os", "io/fs", "log/", "google.golang.org/"} {
		if to == strings.TrimSuffix(impure, "/") || strings.HasPrefix(to, strings.TrimSuffix(impure, "/")+"/") {
			// net/mail and net/url parse text; they do no I/O.
			if to == "net/mail" || to == "net/url" || to == "net/netip" {
				return ""
			}
			return "domain is pure: no context, no I/O, no wire types"
		}
	}
	return ""
}

func forbiddenToApp(service, to string) string {
	for _, outside := range []string{"database/sql", "net/http", "github.com/nats-io/", "github.com/stripe/", "google.golang.org/grpc"} {
		if to == strings.TrimSuffix(outside, "/") || strings.HasPrefix(to, strings.TrimSuffix(outside, "/")+"/") {
			return "use cases declare ports; SQL, HTTP, NATS, Stripe and gRPC are adapters"
		}
	}
	if !strings.HasPrefix(to, Module+"/") || slices.Contains(vocabulary(), to) {
		return ""
	}
	switch to {
	case Module + "/internal/platform/feed/envelope", Module + "/internal/platform/telemetry":
		return ""
	}
	own := Module + "/" + service + "/internal/"
	if strings.HasPrefix(to, own+"domain") || strings.HasPrefix(to, own+"app") {
		return ""
	}
	return "app may use its domain, money, apperr, the event envelope and trace ids"
}

// place tells the service and the layer of a package of ours; both are empty for
// a package of nobody's service. The suites for stores live below app and are
// tests, not use cases.
func place(path string) (service, part string) {
	rest, ok := strings.CutPrefix(path, Module+"/")
	if !ok {
		return "", ""
	}
	elements := strings.Split(rest, "/")
	if !slices.Contains(Services(), elements[0]) {
		return "", ""
	}
	if elements[len(elements)-1] == "apptest" {
		return elements[0], "apptest"
	}
	if len(elements) >= 3 && elements[1] == "internal" {
		return elements[0], elements[2]
	}
	return elements[0], ""
}

func short(path string) string { return strings.TrimPrefix(path, Module+"/") }
