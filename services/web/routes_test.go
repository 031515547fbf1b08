package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/web/internal/front"
)

// TestEveryRoute asks what is promised of every route of every route that the
// service has, of the whole program as it runs. A route that is new, or that lets in
// somebody else than before, shows as a difference to testdata/routes.golden.
func TestEveryRoute(t *testing.T) {
	t.Parallel()
	p := newPremises(t)
	for _, part := range []struct {
		promise string
		holds   func(t *testing.T, p *premises)
	}{
		{"says to browsers what they are to refuse", headersOfAll},
		{"gives no cookie to who only reads", cookiesOfAll},
		{"changes nothing when it is looked at", lookingAtAll},
		{"leads from each page of the staff's desk to the others", tabsOfStaff},
		{"takes no form from another site", forgedToAll},
		{"answers whom it is for", matrixOfAll},
		// What follows may change what there is to see.
		{"takes no address from the request", hostsOfAll},
		{"tells nobody what is somebody else's", secretsOfAll},
		{"survives what is no address", hostileAddresses},
		{"survives what is no form", hostileForms},
		{"writes nobody's name into logs and events", leaksOfAll},
	} {
		t.Run(part.promise, func(t *testing.T) {
			p.t = t
			part.holds(t, p)
		})
		p.t = t
	}
}

var wildcard = regexp.MustCompile(`\{[a-z]+(\.\.\.)?\}`)

// fill makes an address of the pattern of a route.
func (p *premises) fill(pattern string, choose func(place) string) string {
	p.t.Helper()
	if whole, ok := strings.CutSuffix(pattern, "{$}"); ok {
		return whole
	}
	if strings.HasSuffix(pattern, "/") {
		if known, ok := p.known[pattern]; ok {
			return pattern + choose(known)
		}
		return pattern
	}
	var path strings.Builder
	done := 0
	for _, at := range wildcard.FindAllStringIndex(pattern, -1) {
		known, ok := p.known[pattern]
		if !ok || strings.HasSuffix(pattern, "}") {
			known, ok = p.known[pattern[:at[1]]]
		}
		if !ok {
			p.t.Fatalf("the route %s is new: say in newPremises what fills %s, for who owns it and for who does not", pattern, pattern[:at[1]])
		}
		path.WriteString(pattern[done:at[0]] + choose(known))
		done = at[1]
	}
	return path.String() + pattern[done:]
}

func mine(x place) string { return x.mine }
func none(x place) string { return x.none }

// theirs is empty for what has no owner.
func (p *premises) theirs(pattern string) string {
	owned := false
	path := p.fill(pattern, func(x place) string {
		owned = owned || x.theirs != ""
		if x.theirs == "" {
			return x.mine
		}
		return x.theirs
	})
	if !owned {
		return ""
	}
	return path
}

// opened is the address of what is the first supporter's, with what opens it.
func (p *premises) opened(pattern string) string {
	p.t.Helper()
	query := ""
	path := p.fill(pattern, func(x place) string {
		query = x.query
		return x.mine
	})
	return path + query
}

// insider is somebody whom a route lets in.
func insider(r front.Route) string {
	switch max(r.Access, r.PostAccess) {
	case front.Anyone, front.WithSession:
		return anonymous
	case front.Supporters:
		return supporter
	default:
		return admin
	}
}

// told is an answer in a word: where it leads to, without what differs between runs.
func (p *premises) told(r reply) string {
	target, err := url.Parse(r.header.Get("Location"))
	if err != nil || target.String() == "" {
		return fmt.Sprint(r.status)
	}
	path := target.Path
	for _, known := range p.known {
		if len(known.mine) > 5 {
			path = strings.ReplaceAll(path, known.mine, "…")
		}
	}
	if target.Host != "" {
		path = "elsewhere"
	}
	return fmt.Sprintf("%d %s", r.status, path)
}

// line tells what each visitor is answered; once, where it is the same.
func line(answers []string) string {
	if len(slices.Compact(slices.Clone(answers))) == 1 {
		return "everybody " + answers[0]
	}
	var told []string
	for i, who := range everybody() {
		told = append(told, who+" "+answers[i])
	}
	return strings.Join(told, ", ")
}

// uses are what others may do with an answer.
func uses(r reply) string {
	told := "; " + r.header.Get("Cache-Control")
	if r.header.Get("Cross-Origin-Resource-Policy") == "cross-origin" {
		told += "; shown on other sites"
	}
	if r.header.Get("Access-Control-Allow-Origin") == "*" {
		told += "; read by programs of other sites"
	}
	return told
}

func accessName(a front.Access) string {
	return [...]string{"anyone", "anyone with a session", "supporters", "viewers", "accountants", "admins"}[a]
}

func privacyName(p front.Privacy) string {
	return [...]string{"open", "form", "secret", "secret form", "personal", "framed"}[p]
}

// matrixOfAll is the whole table of who gets what. Everything is looked at before
// anything is sent, because what is sent may change what there is to see.
func matrixOfAll(t *testing.T, p *premises) {
	routes := slices.SortedFunc(slices.Values(p.routes), func(a, b front.Route) int { return strings.Compare(a.Pattern, b.Pattern) })
	kept := map[string]string{}
	all := func(method string) map[string]string {
		lines := map[string]string{}
		for _, r := range routes {
			var answers []string
			for _, who := range everybody() {
				answer := p.send(who, method, p.opened(r.Pattern), http.NoBody)
				answers = append(answers, p.told(answer))
				if who == insider(r) && method == http.MethodGet {
					kept[r.Pattern] = uses(answer)
				}
			}
			lines[r.Pattern] = line(answers)
		}
		return lines
	}
	foreign := func(method string) map[string]string {
		lines := map[string]string{}
		for _, r := range routes {
			if !wildcard.MatchString(r.Pattern) {
				continue
			}
			var answers []string
			for _, who := range everybody() {
				answers = append(answers, p.told(p.send(who, method, p.fill(r.Pattern, none), http.NoBody)))
			}
			lines[r.Pattern] = line(answers)
		}
		return lines
	}
	looked, lookedForNone, sentToNone := all(http.MethodGet), foreign(http.MethodGet), foreign(http.MethodPost)
	sent := all(http.MethodPost)
	var golden strings.Builder
	for _, r := range routes {
		fmt.Fprintf(&golden, "%s\n  for %s", r.Pattern, accessName(r.Access))
		if r.PostAccess > r.Access {
			fmt.Fprintf(&golden, ", to send for %s", accessName(r.PostAccess))
		}
		fmt.Fprintf(&golden, "; %s%s\n  GET   %s\n  POST  %s\n", privacyName(r.Privacy), kept[r.Pattern], looked[r.Pattern], sent[r.Pattern])
		if there, ok := lookedForNone[r.Pattern]; ok {
			fmt.Fprintf(&golden, "  of what does not exist\n  GET   %s\n  POST  %s\n", there, sentToNone[r.Pattern])
		}
		golden.WriteString("\n")
	}
	file := filepath.Join("testdata", "routes.golden")
	if *update {
		err := os.WriteFile(file, []byte(golden.String()), 0o644)
		if err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if golden.String() != string(want) {
		t.Errorf("who may do what is not as agreed in %s:\n%s\nIf that is meant, run `go test ./services/web -run TestEveryRoute -update`, and read the difference before it is committed.",
			file, difference(string(want), golden.String()))
	}
}

// difference are the lines that only one of two texts has, below their route.
func difference(before, now string) string {
	var told strings.Builder
	blocks := func(text string) map[string]string {
		found := map[string]string{}
		for block := range strings.SplitSeq(text, "\n\n") {
			name, rest, _ := strings.Cut(block, "\n")
			found[name] = rest
		}
		return found
	}
	agreed, found := blocks(before), blocks(now)
	for name, rest := range agreed {
		if found[name] != rest {
			fmt.Fprintf(&told, "%s\n- agreed:\n%s\n+ now:\n%s\n", name, rest, found[name])
		}
	}
	for name, rest := range found {
		if _, known := agreed[name]; !known {
			fmt.Fprintf(&told, "%s is new:\n%s\n", name, rest)
		}
	}
	return told.String()
}

// words are those of an address, which its page may repeat, and what to read for
// them.
func (p *premises) words(pattern string) []string {
	var words []string
	for _, choose := range []func(place) string{none, func(x place) string { return x.theirs }} {
		p.fill(pattern, func(x place) string {
			if choose(x) != "" {
				words = append(words, choose(x), "WORD")
			}
			return choose(x)
		})
	}
	return words
}

var requestID = regexp.MustCompile(`\b[0-9a-f]{16}\b`)

// secretsOfAll: what is somebody else's and what does not exist look alike, to the
// byte, or one could count what others have.
func secretsOfAll(t *testing.T, p *premises) {
	compared := 0
	for _, r := range p.routes {
		theirs := p.theirs(r.Pattern)
		if theirs == "" {
			continue
		}
		missing := p.fill(r.Pattern, none)
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for _, who := range []string{anonymous, supporter} {
				one, nothing := p.send(who, method, theirs, http.NoBody), p.send(who, method, missing, http.NoBody)
				same := func(x reply) string {
					text := strings.NewReplacer(p.words(r.Pattern)...).Replace(x.body + x.header.Get("Location"))
					return requestID.ReplaceAllString(text, "ID")
				}
				if one.status != nothing.status || same(one) != same(nothing) {
					t.Errorf("%s %s tells %s that %s exists: %d, for what does not %d", method, r.Pattern, who, theirs, one.status, nothing.status)
				}
				compared++
			}
		}
	}
	if compared < 20 {
		t.Errorf("only %d pairs were compared", compared)
	}
}
