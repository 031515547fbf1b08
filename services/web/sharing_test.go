package web_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/testkit"
)

func TestALinkIsShownWithAPicture(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.pages[0].Title = "أركض من أجل النهر"
	site := open(t, c)
	for _, path := range []string{"/f/amina-runs/og.png", "/f/amina-runs/og.png?lang=ar"} {
		answer := get(t, site, path)
		picture, err := png.Decode(answer.Body)
		if err != nil || answer.Header().Get("Content-Type") != "image/png" {
			t.Fatalf("%s: %d %v", path, answer.Code, err)
		}
		if size := picture.Bounds().Size(); size.X != 1200 || size.Y != 630 {
			t.Errorf("%s is %v", path, size)
		}
	}
	if code := get(t, site, "/f/nobody/og.png").Code; code != http.StatusNotFound {
		t.Errorf("the picture of no page: %d", code)
	}
}

func TestACameraReadsThePagesAddress(t *testing.T) {
	t.Parallel()
	site := open(t, newCharity())
	svg := get(t, site, "/f/amina-runs/qr.svg").Body.String()
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in %s", err, svg)
		}
	}
	convert := testkit.Program(t, "rsvg-convert", "REQUIRE_PDF_TOOLS")
	camera := testkit.Program(t, "zbarimg", "REQUIRE_PDF_TOOLS")
	picture := filepath.Join(t.TempDir(), "code.png")
	drawing := exec.CommandContext(t.Context(), convert, "-w", "400", "-o", picture)
	drawing.Stdin = strings.NewReader(svg)
	out, err := drawing.CombinedOutput()
	if err != nil {
		t.Fatalf("draw: %v: %s", err, out)
	}
	read, err := exec.CommandContext(t.Context(), camera, "--quiet", "--raw", picture).Output()
	if err != nil || strings.TrimSpace(string(read)) != "https://give.harbour.example/f/amina-runs?s=qr" {
		t.Errorf("the camera reads %q: %v", read, err)
	}
}

func TestOtherSitesMayShowTheCardAndNothingElse(t *testing.T) {
	t.Parallel()
	site := open(t, newCharity())
	answer := get(t, site, "/embed/f/amina-runs")
	p := parse(t, answer.Body.String())
	if answer.Code != http.StatusOK || !p.says("$150.00") || p.first("form") != nil || p.first("script") != nil {
		t.Errorf("%d: %s", answer.Code, answer.Body)
	}
	if policy := answer.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors *") || answer.Header().Get("X-Frame-Options") != "" {
		t.Errorf("nobody can show it: %s", policy)
	}
	for _, path := range []string{"/f/amina-runs", "/f/amina-runs/donate", "/"} {
		if policy := get(t, site, path).Header().Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s can be framed", path)
		}
	}
}

func TestFactsForPrograms(t *testing.T) {
	t.Parallel()
	c := newCharity()
	site := open(t, c)
	var page map[string]any
	err := json.Unmarshal(get(t, site, "/api/v1/fundraisers/amina-runs").Body.Bytes(), &page)
	if err != nil || page["slug"] != "amina-runs" || page["settled_minor"] != 15_000.0 || page["goal_minor"] != 100_000.0 ||
		page["currency"] != "USD" || page["gifts"] != 3.0 || page["as_of"] != 0.0 || page["appeal"] != "river-floods" {
		t.Errorf("%v %v", page, err)
	}
	var all struct{ Appeals []map[string]any }
	err = json.Unmarshal(get(t, site, "/api/v1/appeals").Body.Bytes(), &all)
	if err != nil || len(all.Appeals) == 0 || all.Appeals[0]["slug"] != "river-floods" {
		t.Errorf("%v %v", all, err)
	}
	for path, status := range map[string]int{
		"/api/v1/appeals/none": 404, "/api/v1/fundraisers/%ff": 404, "/api/v2/appeals": 404, "/api/": 404, "/api/v1/appeals/last-year": 200,
	} {
		answer := get(t, site, path)
		if answer.Code != status || answer.Header().Get("Content-Type") != "application/json" || !json.Valid(answer.Body.Bytes()) {
			t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
	}
	c.fail("ListAppeals", apperr.New(apperr.Unavailable, "AWAY", "Away."))
	if answer := get(t, site, "/api/v1/appeals"); answer.Code != http.StatusServiceUnavailable || !json.Valid(answer.Body.Bytes()) {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

// Every field that is answered is described, and the other way round.
func TestTheDescriptionIsOfWhatIsAnswered(t *testing.T) {
	t.Parallel()
	site := open(t, newCharity())
	var described struct {
		Paths      map[string]any
		Components struct {
			Schemas map[string]struct {
				Required   []string
				Properties map[string]any
			}
		}
	}
	err := json.Unmarshal(get(t, site, "/api/v1/openapi.json").Body.Bytes(), &described)
	if err != nil {
		t.Fatal(err)
	}
	var page map[string]any
	err = json.Unmarshal(get(t, site, "/api/v1/fundraisers/amina-runs").Body.Bytes(), &page)
	if err != nil {
		t.Fatal(err)
	}
	schema := described.Components.Schemas["Facts"]
	for name := range page {
		if schema.Properties[name] == nil {
			t.Errorf("%s is answered and not described", name)
		}
	}
	for _, name := range append(slices.Clone(schema.Required), "appeal") {
		if _, answered := page[name]; !answered {
			t.Errorf("%s is described and not answered", name)
		}
	}
	slug := regexp.MustCompile(`\{slug\}`)
	for path := range described.Paths {
		known := map[bool]string{true: "amina-runs", false: "river-floods"}[strings.Contains(path, "fundraisers")]
		if code := get(t, site, slug.ReplaceAllString(path, known)).Code; code != http.StatusOK {
			t.Errorf("%s: %d", path, code)
		}
	}
}
