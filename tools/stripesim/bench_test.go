package stripesim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// One gift is a session made by API and paid on the page.
func BenchmarkGift(b *testing.B) {
	for name, dir := range map[string]func() string{"memory": func() string { return "" }, "disk": b.TempDir} {
		b.Run(name, func(b *testing.B) {
			sim, err := Open(Config{Seed: 1, Dir: dir(), CheckoutWait: -1})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = sim.Close() }()
			handler := sim.Handler()
			body, card := gift().Encode(), cardForm("4242424242424242").Encode()
			b.ReportAllocs()
			// Writers that arrive together share an fsync.
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					made := post(handler, "/v1/checkout/sessions", body)
					_, rest, _ := strings.Cut(made.Body.String(), `"id":"cs_test_`)
					id, _, _ := strings.Cut(rest, `"`)
					paid := post(handler, "/c/pay/cs_test_"+id, card)
					if paid.Code != http.StatusSeeOther {
						b.Errorf("%d %s", paid.Code, made.Body)
						return
					}
				}
			})
		})
	}
}

func post(handler http.Handler, path, form string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "Bearer sk_test_bench")
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

// A start reads the whole log. Each iteration replays a thousand paid gifts,
// which are 2000 records.
func BenchmarkReplay(b *testing.B) {
	dir := b.TempDir()
	sim, err := Open(Config{Seed: 1, Dir: dir, CheckoutWait: -1})
	if err != nil {
		b.Fatal(err)
	}
	body, card := gift().Encode(), cardForm("4242424242424242").Encode()
	for range 1000 {
		made := post(sim.Handler(), "/v1/checkout/sessions", body)
		_, rest, _ := strings.Cut(made.Body.String(), `"id":"cs_test_`)
		id, _, _ := strings.Cut(rest, `"`)
		post(sim.Handler(), "/c/pay/cs_test_"+id, card)
	}
	err = sim.Close()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		sim, err := OpenReadOnly(Config{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		_ = sim.Close()
	}
}
