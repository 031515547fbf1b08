package domain

import (
	"slices"
	"testing"

	"github.com/almoner/almoner/services/internal/money"
)

func TestHowAGiftCanBePaid(t *testing.T) {
	t.Parallel()
	all := PaymentMethods()
	for name, c := range map[string]struct {
		currency string
		monthly  bool
		wanted   []string
		want     []string
	}{
		"euros by card alone":    {"EUR", false, nil, []string{"card"}},
		"euros, from a bank":     {"EUR", false, all, []string{"card", "sepa_debit"}},
		"pounds, from a bank":    {"GBP", false, all, []string{"card", "bacs_debit"}},
		"dollars, from a bank":   {"USD", false, all, []string{"card", "us_bank_account"}},
		"yen":                    {"JPY", false, all, []string{"card"}},
		"dollars every month":    {"USD", true, all, []string{"card"}},
		"euros every month":      {"EUR", true, all, []string{"card"}},
		"named twice":            {"EUR", false, []string{"sepa_debit", "sepa_debit"}, []string{"card", "sepa_debit"}},
		"a word that is not one": {"EUR", false, []string{"card", "cash"}, []string{"card"}},
	} {
		d := Donation{Gift: money.Amount{Minor: 25_00, Currency: money.MustCurrency(c.currency)}}
		if c.monthly {
			d.PlanID = "plan-1"
		}
		if got := d.Methods(c.wanted); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
