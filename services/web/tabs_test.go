package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// tabs are the links of a desk's row of parts, and which of them the page says it is.
func tabs(p page) (links, here []string) {
	for _, nav := range p.all("nav") {
		if attr(nav, "class") != "desk" {
			continue
		}
		for _, link := range (page{root: nav}).all("a") {
			links = append(links, attr(link, "href"))
			if attr(link, "aria-current") == "page" {
				here = append(here, attr(link, "href"))
			}
		}
	}
	return links, here
}

// Whoever answers for a page of the staff's desk, the way to the others is on it, to
// those that its reader may open.
func tabsOfStaff(t *testing.T, p *premises) {
	parts := []string{
		"/staff/", "/staff/organization", "/staff/appeals", "/staff/funds", "/staff/moderation", "/staff/parked", "/staff/changes", "/staff/people",
	}
	seen := map[string]int{}
	for _, who := range []string{viewer, accountant, admin} {
		want := parts
		if who != admin {
			want = slices.DeleteFunc(slices.Clone(parts), func(path string) bool { return path == "/staff/people" })
		}
		for _, route := range p.routes {
			if !strings.HasPrefix(route.Pattern, "/staff/") || route.Get == nil {
				continue
			}
			path := strings.TrimSuffix(p.fill(route.Pattern, mine), "{$}")
			answer := p.get(who, path)
			if answer.status != http.StatusOK && who != admin {
				continue // who is let in where is asked elsewhere
			}
			of := ""
			for _, part := range parts {
				if strings.HasPrefix(path, part) && len(part) > len(of) {
					of = part
				}
			}
			links, here := tabs(parse(t, answer.body))
			if answer.status != http.StatusOK || !slices.Equal(links, want) {
				t.Errorf("%s: %s answers %d and leads to %q", who, path, answer.status, links)
			}
			if len(here) != 1 || here[0] != of {
				t.Errorf("%s: %s says that it is %q, and is %q", who, path, here, of)
			}
			seen[who]++
		}
	}
	if seen[viewer] < len(parts)-1 || seen[admin] <= seen[viewer] {
		t.Errorf("pages seen: %v", seen)
	}
}
