package stripesim

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestNestedForms(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"a=1&b=2":                    `{"a":"1","b":"2",}`,
		"a[b][c]=1&a[b][d]=2":        `{"a":{"b":{"c":"1","d":"2",},},}`,
		"a[]=x&a[]=y":                `{"a":{"0":"x","1":"y",},}`,
		"a[1]=y&a[0]=x&a[10]=z":      `{"a":{"0":"x","1":"y","10":"z",},}`,
		"a[][b]=1&a[][c]=2&a[][b]=3": `{"a":{"0":{"b":"1","c":"2",},"1":{"b":"3",},},}`,
		"a%5Bb%5D=1%202":             `{"a":{"b":"1 2",},}`,
		"a=1&a=2":                    `{"a":"2",}`,
		"a+b=c+d&&":                  `{"a b":"c d",}`,
		"a":                          `{"a":"",}`,
		"":                           `{}`,
	} {
		n, failure := parseForm(raw)
		if failure != nil {
			t.Errorf("%s: %v", raw, failure)
			continue
		}
		var b strings.Builder
		n.describe(&b)
		if b.String() != want {
			t.Errorf("%s: %s, want %s", raw, b.String(), want)
		}
	}
	for _, bad := range []string{
		"[a]=1", "a[b=1", "a]b[=1", "a[b]c=1", "a[[b]]=1", "=1", "a=%zz", "a=1&a[b]=2", "a[b]=2&a=1", "a[b]=1&a[b][c]=2",
		"a" + strings.Repeat("[b]", 9) + "=1", strings.Repeat("x", 501) + "=1", strings.Repeat("a=1&", 2001),
	} {
		_, failure := parseForm(bad)
		if failure == nil {
			t.Errorf("%.40s was read", bad)
		}
	}
}

func FuzzForm(f *testing.F) {
	for _, seed := range []string{
		gift().Encode(), "a[][b]=1&a[][c]=2", "a[b]=1&a=2", "a[0][0][0]=%ff", "metadata[k]=&metadata=", "expand[]=a.b.c&expand[1]=data.x",
		"created[gte]=5&created[lt]=x", "line_items[9999][quantity]=1", "a[999999999999]=1",
	} {
		f.Add(seed)
	}
	params := withExpand(sessionParams())
	f.Fuzz(func(t *testing.T, raw string) {
		n, failure := parseForm(raw)
		if failure != nil {
			return
		}
		again, failure := parseForm(raw)
		if failure != nil || again.fingerprint() != n.fingerprint() {
			t.Error("the same form has two fingerprints")
		}
		failure = params.check(n, "")
		if failure == nil {
			_, failure = askedLines(reader{state: newState()}, n)
		}
		if failure == nil {
			_, _ = parseExpand(n.strings("expand"))
		}
	})
}

func TestOrderOfParametersDoesNotMatter(t *testing.T) {
	t.Parallel()
	a, _ := parseForm("a=1&b[x]=2&b[y]=3")
	b, _ := parseForm("b[y]=3&a=1&b[x]=2")
	c, _ := parseForm("b[y]=2&a=1&b[x]=3")
	if a.fingerprint() != b.fingerprint() || a.fingerprint() == c.fingerprint() {
		t.Error("fingerprints")
	}
}

func TestMetadataMerges(t *testing.T) {
	t.Parallel()
	have := map[string]string{"keep": "1", "drop": "2"}
	given, _ := parseForm(url.Values{"m[drop]": {""}, "m[new]": {"3"}}.Encode())
	got := mergeMetadata(have, given.get("m"))
	if !reflect.DeepEqual(got, map[string]string{"keep": "1", "new": "3"}) || len(have) != 2 {
		t.Errorf("%v from %v", got, have)
	}
}
