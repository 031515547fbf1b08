package pages

import (
	"strings"
	"testing"
)

func TestOnlyWebAddressesBecomeLinks(t *testing.T) {
	t.Parallel()
	text := "javascript:alert(1) <https://a.example/x?y=1&z=2> data:text/html,x See http://b.example/receipts/R-1/tok_1. Bye"
	var urls, whole []string
	for _, p := range linked(text) {
		whole = append(whole, p.Text)
		if p.URL != "" {
			urls = append(urls, p.URL)
		}
	}
	if strings.Join(whole, "") != text {
		t.Errorf("the pieces make %q", strings.Join(whole, ""))
	}
	if strings.Join(urls, " ") != "https://a.example/x?y=1&z=2 http://b.example/receipts/R-1/tok_1" {
		t.Errorf("links are %v", urls)
	}
	if linked("") != nil {
		t.Error("nothing has pieces")
	}
}
