package conformance

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/almoner/almoner/tools/stripesim"
)

// Every property that Stripe can show in full is asked for on every object of the
// story: the answer is valid either way, and an id becomes the object it names.
func TestExpansions(t *testing.T) {
	t.Parallel()
	a := open(t, func(c *stripesim.Config) { c.Seed = 8 })
	s := &story{account: a}
	for _, chapter := range chapters {
		chapter.tell(s)
	}
	if s.err != nil {
		t.Fatal(s.err)
	}
	heard := a.heard()
	objects := map[string][]exchange{}
	for _, e := range heard {
		if e.method != http.MethodGet || e.text("id") == "" {
			continue
		}
		objects[e.text("object")] = append(objects[e.text("object")], e)
	}
	for _, kind := range slices.Sorted(maps.Keys(objects)) {
		for _, property := range theSpec().expandables(kind) {
			if unexpanded[kind+"."+property] {
				continue
			}
			t.Run(kind+"."+property, func(t *testing.T) {
				t.Parallel()
				for _, e := range objects[kind] {
					expanded(t, a, e, property)
				}
			})
		}
	}
}

// unexpanded are lists that the simulator does not have; it says so when asked.
var unexpanded = map[string]bool{"customer.subscriptions": true}

func expanded(t *testing.T, a *account, e exchange, property string) {
	t.Helper()
	plain, err := a.call(e.method, e.path, "")
	if err != nil {
		t.Fatal(err)
	}
	if plain.status != http.StatusOK {
		return // what was there then is gone now
	}
	full, err := a.call(e.method, e.path, "expand[0]="+property)
	if err != nil {
		t.Fatal(err)
	}
	if full.status != http.StatusOK {
		t.Errorf("%s: %s", e.path, full.raw)
		return
	}
	schema, err := theSpec().response(theSpec().route(e.method, e.path), full.status)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range invalidities(schema, full.body) {
		t.Errorf("%s: %s", full, fault)
	}
	id, named := plain.at(property).(string)
	switch inner := full.at(property).(type) {
	case map[string]any:
		// The validator does not say which alternative it took: each object by its own.
		w := walked(schema, full.body)
		for _, fault := range slices.Concat(w.strange, w.absent, w.words) {
			t.Error(fault)
		}
		if named && inner["id"] != id {
			t.Errorf("%s became %v", id, inner["id"])
		}
	case string:
		t.Errorf("%s of %s stayed an id: %s", property, e.path, inner)
	}
	if named && strings.TrimSpace(id) == "" {
		t.Errorf("%s of %s is empty", property, e.path)
	}
}
