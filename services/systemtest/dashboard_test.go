package systemtest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/almoner/almoner/services/internal/testkit"
)

// sample is one series of Prometheus' answer.
type sample struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`
}

// prometheus is a real one, with the file and the rules that are shipped.
type prometheus struct {
	t    *testing.T
	addr string
}

// watch starts it on an instance in place of the five services, and has it look every
// second instead of four times a minute.
func watch(t *testing.T, i *instance) prometheus {
	t.Helper()
	program, dir := testkit.Program(t, "prometheus", "REQUIRE_PROMTOOL"), t.TempDir()
	for _, name := range []string{"prometheus.yml", "almoner.rules.yml"} {
		content, err := os.ReadFile(filepath.Join(deploy, "prometheus", name))
		if err != nil {
			t.Fatal(err)
		}
		text := regexp.MustCompile(`"donation:9090".*"web:9090"`).ReplaceAllString(string(content), `"`+strings.TrimPrefix(i.node.BaseURL(), "http://")+`"`)
		text = strings.NewReplacer("pushgateway:9091", "127.0.0.1:1", "_interval: 15s", "_interval: 1s").Replace(text)
		err = os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	p := prometheus{t: t, addr: "http://" + freeAddr(t)}
	log := &lockedBuffer{}
	server := exec.CommandContext(t.Context(), program, "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+strings.TrimPrefix(p.addr, "http://"))
	server.Stderr, server.Dir = log, dir
	server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait() // killed, as wanted
		if t.Failed() {
			t.Logf("Prometheus says:\n%s", log.String())
		}
	})
	eventually(t, "Prometheus has seen the program", func() bool {
		status, _ := fetch(t, p.addr+"/-/ready")
		return status == http.StatusOK && len(p.ask(`up{job="almoner"} == 1`)) == 1
	})
	return p
}

func (p prometheus) ask(expr string) []sample {
	p.t.Helper()
	_, body := fetch(p.t, p.addr+"/api/v1/query?query="+url.QueryEscape(expr))
	var answer struct {
		Error string `json:"error"`
		Data  struct {
			Result []sample `json:"result"`
		} `json:"data"`
	}
	if len(body) == 0 {
		return nil
	}
	err := json.Unmarshal(body, &answer)
	if err != nil || answer.Error != "" {
		p.t.Errorf("Prometheus answers %s to %s (%v)", body, expr, err)
	}
	return answer.Data.Result
}

// tells reports whether a panel would show something: a series with a number, and
// with every label that its legend names.
func (p prometheus) tells(expr, legend string) bool {
	p.t.Helper()
	for _, series := range p.ask(expr) {
		named := true
		for _, label := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(legend, -1) {
			named = named && series.Metric[label[1]] != ""
		}
		if named && series.Value[1] != "NaN" {
			return true
		}
	}
	return false
}

// Every panel of the dashboard shows something once gifts come in, in a Prometheus
// that is configured as shipped; it understands every rule, and no alarm rings that
// should not.
func TestTheDashboardShowsWhatHappens(t *testing.T) {
	t.Parallel()
	i := start(t, t.TempDir(), &lockedBuffer{})
	p := watch(t, i)
	give(t, i.operator())
	var board struct {
		Panels []struct {
			Title   string `json:"title"`
			Targets []struct {
				Expr   string `json:"expr"`
				Legend string `json:"legendFormat"`
			} `json:"targets"`
		} `json:"panels"`
	}
	parse(t, "grafana/dashboards/almoner.json", json.Unmarshal, &board)
	shown := 0
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			shown++
			eventually(t, panel.Title+" shows "+target.Expr, func() bool { return p.tells(target.Expr, target.Legend) })
		}
	}
	if shown < 25 {
		t.Errorf("the dashboard shows %d expressions only", shown)
	}

	// Nobody made an audit that is told to Prometheus. Whatever else rings, on a machine
	// that is busy, is over when all is quiet; but two look back for a quarter of an hour.
	eventually(t, "every rule is understood, and no alarm rings but AlmonerAuditMissing", func() bool {
		var rules struct {
			Data struct {
				Groups []struct {
					Rules []struct {
						Name   string `json:"name"`
						Health string `json:"health"`
						State  string `json:"state"`
					} `json:"rules"`
				} `json:"groups"`
			} `json:"data"`
		}
		_, body := fetch(t, p.addr+"/api/v1/rules")
		err := json.Unmarshal(body, &rules)
		if err != nil || len(rules.Data.Groups) != 1 || len(rules.Data.Groups[0].Rules) < 25 {
			t.Fatalf("rules: %s (%v)", body, err)
		}
		for _, rule := range rules.Data.Groups[0].Rules {
			lookBack := rule.Name == "AlmonerBlind" || rule.Name == "AlmonerRelayLosesItsPlace"
			if rule.Health != "ok" || !lookBack && (rule.State != "inactive") != (rule.Name == "AlmonerAuditMissing") {
				return false
			}
		}
		return true
	})
}
