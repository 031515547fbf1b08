package domain_test

import (
	"strings"
	"testing"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

func TestAddressesArePlainAndNotTheSitesOwn(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"shelter-tonight", "a1", "60000-homes", strings.Repeat("a", 60)} {
		if problem := domain.CheckSlug(good); problem != "" {
			t.Errorf("%q %s", good, problem)
		}
	}
	for bad, says := range map[string]string{
		"":                      "missing",
		"a":                     "2 to 60",
		strings.Repeat("a", 61): "2 to 60",
		"Shelter":               "lower-case",
		"shelter tonight":       "lower-case",
		"abri-d-été":            "lower-case",
		"../etc/passwd":         "lower-case",
		"-shelter":              "single hyphens",
		"shelter-":              "single hyphens",
		"shelter--tonight":      "single hyphens",
		"donate":                "site itself",
		"sign-in":               "site itself",
	} {
		problem := domain.CheckSlug(bad)
		if !strings.Contains(problem, says) {
			t.Errorf("%q: got %q, want %q", bad, problem, says)
		}
	}
}

func TestCodesAreShortCapitals(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"WAYHAVEN", "A1", "ABCDEFGHIJKL"} {
		if problem := domain.CheckCode(good); problem != "" {
			t.Errorf("%q %s", good, problem)
		}
	}
	for _, bad := range []string{"", "A", "ABCDEFGHIJKLM", "Haven", "WAY-HAVEN", "WAY HAVEN", "ÉTÉ"} {
		if domain.CheckCode(bad) == "" {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestAMangledShareCodeIsDroppedAndNotRefused(t *testing.T) {
	t.Parallel()
	if got := domain.ShareCode("wa-7Kq_2"); got != "wa-7Kq_2" {
		t.Errorf("good code became %q", got)
	}
	for _, bad := range []string{"<script>", "a b", strings.Repeat("x", 33), "ä"} {
		if got := domain.ShareCode(bad); got != "" {
			t.Errorf("%q is kept as %q", bad, got)
		}
	}
}

func TestIdsFollowFromNames(t *testing.T) {
	t.Parallel()
	// Written out, because gifts that were given carry these ids: they must be
	// the same in every release.
	for name, pair := range map[string][2]string{
		"organization": {domain.OrganizationID("WAYHAVEN"), organizationID},
		"appeal":       {domain.AppealID("shelter-tonight"), appealID},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %s, was %s", name, pair[0], pair[1])
		}
	}
	if domain.AppealID("same") == domain.PageID("same") {
		t.Error("an appeal and a page of one name have one id")
	}
	haven, harbour := domain.OrganizationID("HAVEN"), domain.OrganizationID("HARBOUR")
	if domain.FundID(haven, "GENERAL") == domain.FundID(harbour, "GENERAL") {
		t.Error("two organizations share a fund")
	}
}
