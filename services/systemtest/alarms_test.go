package systemtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/almoner/almoner/services/internal/audit"
	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/internal/testkit"
)

const deploy = "../../deploy"

// rules is what matters of Prometheus' file.
type rules struct {
	Groups []struct {
		Rules []struct {
			Alert       string            `yaml:"alert"`
			Expr        string            `yaml:"expr"`
			Labels      map[string]string `yaml:"labels"`
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

// An alarm that names a metric which nobody tells is silent for ever, and one
// without a page wakes somebody who does not know what to do. So each alarm has its
// page and each page its alarm, and every metric of alarms and dashboards is one
// that a running program, or its audit, tells.
func TestAlarmsRunbooksDashboardsAndMetricsBelongTogether(t *testing.T) {
	t.Parallel()
	authority, ends := testkit.NewAuthority(t), time.Now().Add(12*time.Hour)
	cert, key := authority.IssueUntil(t, ends, node.Databases()...)
	i := start(t, t.TempDir(), &lockedBuffer{},
		"ALMONER_GRPC_ADDR=127.0.0.1:0", "ALMONER_GRPC_CERT="+cert, "ALMONER_GRPC_KEY="+key, "ALMONER_GRPC_CA="+authority.File())
	give(t, i.operator())
	_, page := fetch(t, i.node.BaseURL()+"/metrics")
	said := testkit.ReadMetrics(t, string(page))
	if from, until := said["almoner_certificate_issued_timestamp_seconds"], said["almoner_certificate_expires_timestamp_seconds"]; until != float64(ends.Unix()) || until-from != (24*time.Hour).Seconds() {
		t.Errorf("the certificate is said to be of %v until %v, it is of a day until %d", from, until, ends.Unix())
	}
	told := map[string]bool{"up": true} // Prometheus' own
	var audited strings.Builder
	err := audit.Report{}.WriteMetrics(&audited, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for series := range testkit.ReadMetrics(t, string(page)+audited.String()) {
		name, _, _ := strings.Cut(series, "{")
		told[name] = true
	}
	if len(told) < 50 {
		t.Fatalf("the program tells of %d metrics only", len(told))
	}
	known := func(where, expr string) {
		names := regexp.MustCompile(`\b(almoner_[a-z0-9_]+|go_[a-z_]+|process_[a-z_]+)\b`).FindAllString(expr, -1)
		if len(names) == 0 && !strings.Contains(expr, "up{") {
			t.Errorf("%s asks for no metric: %s", where, expr)
		}
		for _, name := range names {
			if !told[name] {
				t.Errorf("%s asks for %s, which nobody tells", where, name)
			}
		}
	}

	var file rules
	parse(t, "prometheus/almoner.rules.yml", yaml.Unmarshal, &file)
	alarms := map[string]bool{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			alarms[rule.Alert] = true
			known(rule.Alert, rule.Expr)
			book := "deploy/runbooks/" + rule.Alert + ".md"
			if rule.Annotations["runbook"] != book || rule.Annotations["summary"] == "" || rule.Labels["severity"] == "" {
				t.Errorf("%s has annotations %v and labels %v", rule.Alert, rule.Annotations, rule.Labels)
			}
			content, err := os.ReadFile(filepath.Join("../..", book))
			if err != nil {
				t.Errorf("%s: %v", rule.Alert, err)
			}
			for _, part := range []string{"## What it means for money", "## How to see it", "## What to do", "## When it ends"} {
				if !strings.Contains(string(content), part) {
					t.Errorf("the page of %s has no %q", rule.Alert, part)
				}
			}
		}
	}
	pages, err := filepath.Glob(deploy + "/runbooks/*.md")
	if err != nil || len(pages) == 0 || len(pages) != len(alarms) {
		t.Errorf("%d alarms, %d pages, %v", len(alarms), len(pages), err)
	}
	for _, path := range pages {
		if !alarms[strings.TrimSuffix(filepath.Base(path), ".md")] {
			t.Errorf("%s is nobody's page", path)
		}
	}

	var board struct {
		Panels []struct {
			Title   string `json:"title"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	parse(t, "grafana/dashboards/almoner.json", json.Unmarshal, &board)
	titles := map[string]bool{}
	for _, panel := range board.Panels {
		titles[panel.Title] = true
		for _, target := range panel.Targets {
			known("panel "+panel.Title, target.Expr)
		}
	}
	for _, needed := range []string{"Gifts per second", "Lag by consumer, events", "Age of the oldest unexplained cent", "Declines"} {
		if !titles[needed] {
			t.Errorf("the dashboard has no panel %q", needed)
		}
	}
	for _, path := range pages {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`[Pp]anel "([^"]+)"`).FindAllStringSubmatch(string(content), -1) {
			if !titles[found[1]] {
				t.Errorf("%s sends people to panel %q, which is not there", path, found[1])
			}
		}
	}
}

// Prometheus' own tool says whether each alarm rings when it should.
func TestAlarmsRing(t *testing.T) {
	t.Parallel()
	promtool := testkit.Program(t, "promtool", "REQUIRE_PROMTOOL")
	for _, args := range [][]string{{"check", "rules", "almoner.rules.yml"}, {"test", "rules", "almoner.test.yml"}, {"check", "config", "--syntax-only", "prometheus.yml"}} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = deploy + "/prometheus"
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
	// Each alarm has its two stories.
	var file rules
	parse(t, "prometheus/almoner.rules.yml", yaml.Unmarshal, &file)
	stories, err := os.ReadFile(deploy + "/prometheus/almoner.test.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			for _, ending := range []string{" rings\n", " keeps quiet\n"} {
				if !strings.Contains(string(stories), "name: "+rule.Alert+ending) {
					t.Errorf("no story in which %s%s", rule.Alert, strings.TrimSuffix(ending, "\n"))
				}
			}
		}
	}
}

func parse(t *testing.T, path string, read func([]byte, any) error, into any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(deploy, path))
	if err != nil {
		t.Fatal(err)
	}
	err = read(content, into)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
