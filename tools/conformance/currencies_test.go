package conformance

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"testing"

	"github.com/almoner/almoner/tools/stripesim"
)

// giftOf is a gift of an amount in Stripe's minor units.
func giftOf(currency string, amount int64) string {
	return fmt.Sprintf("mode=payment&success_url=https://give.example.org/thanks&line_items[0][quantity]=1"+
		"&line_items[0][price_data][currency]=%s&line_items[0][price_data][unit_amount]=%d"+
		"&line_items[0][price_data][product_data][name]=Winter relief", currency, amount)
}

// currency is a line of the table of what Stripe documents about amounts.
type currency struct {
	code                        string
	decimals, least, most, step int64
}

func currencies(t *testing.T) []currency {
	t.Helper()
	file, err := os.Open("testdata/currencies.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reader := csv.NewReader(file)
	reader.Comment = '#'
	lines, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []currency
	for _, line := range lines[1:] {
		numbers := make([]int64, 4)
		for i := range numbers {
			numbers[i], err = strconv.ParseInt(line[i+1], 10, 64)
			if err != nil {
				t.Fatalf("%s: %v", line[0], err)
			}
		}
		out = append(out, currency{line[0], numbers[0], numbers[1], numbers[2], numbers[3]})
	}
	return out
}

// Each currency takes what Stripe documents and refuses what lies beside it.
func TestAmountsOfEveryCurrency(t *testing.T) {
	t.Parallel()
	a := open(t, func(c *stripesim.Config) { c.Seed = 15 })
	for _, c := range currencies(t) {
		t.Run(c.code, func(t *testing.T) {
			t.Parallel()
			most := c.most / c.step * c.step
			for _, amount := range []struct {
				minor int64
				code  string
			}{
				{c.least, ""},
				{c.least + c.step, ""},
				{most, ""},
				{c.least - 1, "amount_too_small"},
				{c.most + 1, "amount_too_large"},
			} {
				e, err := a.call("POST", "/v1/checkout/sessions", giftOf(c.code, amount.minor))
				if err != nil {
					t.Fatal(err)
				}
				if (e.status == http.StatusOK) != (amount.code == "") || e.text("error.code") != amount.code {
					t.Errorf("%d: want code %q: %d %s", amount.minor, amount.code, e.status, e.raw)
				}
			}
			if c.step == 1 {
				return
			}
			e, err := a.call("POST", "/v1/checkout/sessions", giftOf(c.code, c.least+1))
			if err != nil || e.status != http.StatusBadRequest {
				t.Errorf("an amount between two steps: %d %v", e.status, err)
			}
		})
	}
	t.Run("what is no currency", func(t *testing.T) {
		e, err := a.call("POST", "/v1/checkout/sessions", giftOf("xts", 5000))
		if err != nil || e.status != http.StatusBadRequest {
			t.Errorf("%d %v", e.status, err)
		}
	})
}
