package systemtest

import (
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/almoner/almoner/services/internal/testkit"
)

// selector is what an expression asks for: a metric, and labels that its series have.
var (
	selector = regexp.MustCompile(`\b(almoner_[a-z0-9_]+)(\{[^}]*\})?`)
	matcher  = regexp.MustCompile(`(\w+)(=~|!~|!=|=)"([^"]*)"`)
)

// laterKnown are the metrics whose series have labels that nobody knows before the
// first fact, or that another program tells.
func laterKnown() map[string]string {
	return map[string]string{
		"almoner_ledger_sum":                            "a currency is known from its first entry",
		"almoner_stripe_calls_seconds_count":            "its alarm asks for a share of what is answered, in which nothing is missing before the first failure",
		"almoner_http_request_duration_seconds_count":   "likewise, and nobody knows all routes",
		"almoner_gifts_total":                           "a currency is known from its first gift, and the alarm takes none for zero",
		"almoner_audit_violations":                      "the audit tells it",
		"almoner_audit_caught_up":                       "the audit tells it",
		"almoner_audit_timestamp_seconds":               "the audit tells it",
		"almoner_certificate_expires_timestamp_seconds": "only who serves with a certificate has one",
		"almoner_certificate_issued_timestamp_seconds":  "only who serves with a certificate has one",
	}
}

// Prometheus sees no increase in a series that begins with its first event. So every
// series that an alarm asks for is there, at zero, before anything has happened.
func TestWhatAlarmsAskForIsThereBeforeAnythingHappens(t *testing.T) {
	t.Parallel()
	i := start(t, t.TempDir(), &lockedBuffer{})
	_, page := fetch(t, i.node.BaseURL()+"/metrics")
	said := testkit.ReadMetrics(t, string(page))
	later := laterKnown()
	missed := map[string]bool{}
	var file rules
	parse(t, "prometheus/almoner.rules.yml", yaml.Unmarshal, &file)
	asked := 0
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			counts := strings.Contains(rule.Expr, "increase(") || strings.Contains(rule.Expr, "rate(")
			for _, wanted := range selector.FindAllStringSubmatch(rule.Expr, -1) {
				for _, labels := range alternatives(wanted[2]) {
					found := false
					for series, value := range said {
						if series != wanted[1] && !strings.HasPrefix(series, wanted[1]+"{") || !carries(series, labels) {
							continue
						}
						found = true
						if counts && labels != "" && value != 0 {
							t.Errorf("%s counts %s, which is %v when nothing has happened", rule.Alert, series, value)
						}
					}
					switch {
					case !found && later[wanted[1]] == "":
						t.Errorf("%s asks for %s%s, which is not there before it has happened", rule.Alert, wanted[1], labels)
					case !found:
						missed[wanted[1]] = true
					case counts:
						asked++
					}
				}
			}
		}
	}
	for name := range later {
		if !missed[name] {
			t.Errorf("%s is there from the beginning, and called later known", name)
		}
	}
	if asked < 8 {
		t.Errorf("%d series that alarms count by were looked for", asked)
	}
}

// alternatives are the labels that a selector asks for: of several values that it lets
// through each is one.
func alternatives(selected string) []string {
	list := []string{""}
	for _, m := range matcher.FindAllStringSubmatch(selected, -1) {
		var next []string
		for _, value := range strings.Split(m[3], "|") {
			if m[2] == "!=" || m[2] == "!~" {
				continue // what it leaves out need not be there
			}
			for _, before := range list {
				next = append(next, before+m[1]+`="`+value+`",`)
			}
		}
		if next != nil {
			list = next
		}
	}
	return list
}

// carries reports whether a series has all the labels.
func carries(series, labels string) bool {
	for _, label := range strings.Split(strings.TrimSuffix(labels, ","), ",") {
		if !strings.Contains(series, label) {
			return false
		}
	}
	return true
}
