package payments

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// asText reads a text whose member v is a string, and so on.
func asText(text string) (v string, err error) {
	err = whole([]byte(text), func(r *reader, name []byte) {
		if string(name) != "v" {
			r.skip()
			return
		}
		v = r.string()
	})
	return v, err
}

func asNumber(text string) (v int64, err error) {
	err = whole([]byte(text), func(r *reader, _ []byte) { v = r.number() })
	return v, err
}

func TestOnlyWhatIsAskedForIsRead(t *testing.T) {
	t.Parallel()
	var id, rate string
	var amount int64
	var live bool
	var currencies []string
	err := whole([]byte(` {"id":"txn_1", "net" : -9700,"livemode":true ,"rate": 1.17230, "nothing":null,
		"source": {"id":"ch_1","tags":[{"a":[]},{}, "}]", 1e-9]}, "list":["eur" , "caf\u00e9", null ]}
		`), func(r *reader, name []byte) {
		switch string(name) {
		case "id":
			id = r.string()
		case "net":
			amount = r.number()
		case "livemode":
			live = r.flag()
		case "rate":
			rate = r.raw()
		case "list":
			r.list(func(r *reader) { currencies = append(currencies, r.string()) })
		default:
			r.skip()
		}
	})
	if err != nil || id != "txn_1" || amount != -97_00 || !live || rate != "1.17230" || strings.Join(currencies, " ") != "eur café " {
		t.Errorf("%q %d %v %q %q, %v", id, amount, live, rate, currencies, err)
	}
}

// What is no JSON to the standard library is none here, whatever stands around it.
func TestJSONIsWhatTheStandardLibraryTakesForIt(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		`""`, `"a`, `"\u00e9"`, `"\u00g9"`, `"\u00e"`, "\"\\u00\x109\"", `"\x"`, `"\`, "\"a\nb\"", "\"\x00\"", "\"\xff\"", `"\ud800"`, `'a'`,
		`0`, `-0`, `00`, `01`, `-`, `+1`, `1.`, `.1`, `1.5`, `1e`, `1e+`, `1E-07`, `1e5.5`, `0x1`, `1 2`, `Infinity`, `NaN`,
		`true`, `tru`, `truee`, `false`, `fals`, `null`, `nul`, `nil`, `True`, "\x00", ``, ` `,
		`[]`, `[`, `]`, `[,]`, `[1,]`, `[1 2]`, `[1}`, `[[[]]]`, `{}`, `{`, `{]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{"a":1 "b":2}`, `{1:2}`, `{null:1}`,
		strings.Repeat("[", 150) + strings.Repeat("]", 150),
	} {
		for _, around := range []string{`{"v":%}`, `{"w":1,"v": % }`, `{"v":[%]}`, `{"v":{"x":%}}`, `%`, `{"v":1}%`} {
			text := strings.ReplaceAll(around, "%", value)
			err := whole([]byte(text), func(r *reader, _ []byte) { r.skip() })
			want := json.Valid([]byte(text))
			if want && !strings.HasPrefix(strings.TrimSpace(text), "{") {
				want = strings.TrimSpace(text) == "null"
			}
			if (err == nil) != want {
				t.Errorf("%q: %v, but valid is %v", text, err, want)
			}
		}
	}
}

func TestAStackHasABottom(t *testing.T) {
	t.Parallel()
	for _, open := range []string{"[", `{"a":`} {
		err := whole([]byte(`{"v":`+strings.Repeat(open, 1_000_000)), func(r *reader, _ []byte) { r.skip() })
		if err == nil {
			t.Errorf("a million of %s were read", open)
		}
	}
}

func TestTheWrongKindIsOddAndTheRestIsRead(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`"much"`, `{"a":1}`, `[1]`, `true`, `1.5`, `1e3`, `9223372036854775808`, `-9223372036854775809`} {
		currency := ""
		r := reader{text: []byte(`{"amount":` + value + `,"currency":"eur"}`)}
		r.object(func(r *reader, name []byte) {
			if string(name) == "amount" {
				if got := r.number(); got != 0 {
					t.Errorf("%s was read as %d", value, got)
				}
				return
			}
			currency = r.string()
		})
		if r.fault != nil || r.odd == nil || currency != "eur" {
			t.Errorf("%s: %v, %v, %q", value, r.fault, r.odd, currency)
		}
	}
	for _, value := range []string{`1`, `{"a":1}`, `["eur"]`, `false`} {
		text, err := asText(`{"v":` + value + `}`)
		if err == nil || text != "" {
			t.Errorf("%s was read as %q", value, text)
		}
	}
}

func TestNumbersToTheirEnds(t *testing.T) {
	t.Parallel()
	for _, want := range []int64{0, -1, 100_00, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, math.MinInt64 + 1} {
		got, err := asNumber(`{"v":` + strconv.FormatInt(want, 10) + `}`)
		if err != nil || got != want {
			t.Errorf("%d was read as %d, %v", want, got, err)
		}
	}
}

func TestWhatTheStandardLibraryWroteIsReadAsItWasMeant(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name, text := rapid.String().Draw(t, "name"), rapid.String().Draw(t, "text")
		number := rapid.Int64().Draw(t, "number")
		raw, err := json.MarshalIndent(map[string]any{
			name + "-text": text, name + "-number": number, name + "-else": []any{text, number, nil, map[string]any{text: name}},
		}, "", rapid.SampledFrom([]string{"", "\t"}).Draw(t, "indent"))
		if err != nil {
			t.Fatal(err)
		}
		var wantName string // without what no JSON can hold
		again, _ := json.Marshal(name)
		_ = json.Unmarshal(again, &wantName)
		seen := 0
		err = whole(raw, func(r *reader, member []byte) {
			switch string(member) {
			case wantName + "-text":
				var want string
				again, _ := json.Marshal(text)
				_ = json.Unmarshal(again, &want)
				if got := r.string(); got != want {
					t.Fatalf("text %q, want %q", got, want)
				}
				seen++
			case wantName + "-number":
				if got := r.number(); got != number {
					t.Fatalf("number %d, want %d", got, number)
				}
				seen++
			default:
				r.skip()
			}
		})
		if err != nil || seen != 2 {
			t.Fatalf("%d of 2 found in %s, %v", seen, raw, err)
		}
	})
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(`{"a":[1,-2.5e+10,"\u00e9\n",true,false,null,{"b":{}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		deep := strings.Count(string(text), "[")+strings.Count(string(text), "{") > deepest
		err := whole(text, func(r *reader, _ []byte) { r.skip() })
		var object map[string]json.RawMessage
		want := json.Unmarshal(text, &object) == nil
		if (err == nil) != want && !deep {
			t.Errorf("%q: %v, but valid is %v", text, err, want)
		}
	})
}

// BenchmarkReadEvent reads a webhook of 3 kB, of which a dozen fields count.
func BenchmarkReadEvent(b *testing.B) {
	filler := strings.Repeat(`"billing_details":{"address":{"city":"Hamburg","line1":null},"email":"amina@example.org","tries":[1,2.5,true]},`, 25)
	body := []byte(`{"id":"evt_1","object":"event","api_version":"2023-10-16","created":1793000000,"data":{"object":{` + filler + `
		"id":"pi_1","object":"payment_intent","status":"succeeded","amount_received":10330,"currency":"eur","latest_charge":"ch_1",
		"metadata":{"almoner":"1","donation_id":"7b2f8a52-7d4c-4b4e-9d2f-0a1b2c3d4e5f"}}},"livemode":false,"type":"payment_intent.succeeded"}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		_, found, err := (*Client)(nil).ReadEvent(body)
		if err != nil || !found.Ours {
			b.Fatal(found, err)
		}
	}
}
