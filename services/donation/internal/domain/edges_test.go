package domain

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/internal/money"
)

// In currencies of every kind the smallest and the largest gift are taken, one step
// beyond either is refused beside the amount, and so is what cannot be charged whole.
func TestGiftsAtTheEdgesOfTheirCurrency(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"USD", "EUR", "GBP", "JPY", "KRW", "XOF", "KWD", "TND", "ISK", "UGX", "HUF", "TWD", "INR", "IDR", "LBP"} {
		cur := money.MustCurrency(code)
		least, most, step := money.Minimum(cur).Minor, money.Maximum(cur).Minor, cur.Step()
		for minor, want := range map[int64]string{
			least - step: "amount:AMOUNT_SMALL", least - 1: "amount:AMOUNT_SMALL", least: "", most: "", most + 1: "amount:AMOUNT_LARGE", most + step: "amount:AMOUNT_LARGE",
		} {
			f := form()
			f.Gift = money.Amount{Minor: minor, Currency: cur}
			_, wrong := f.Price(Terms{Currency: cur})
			if reasons(wrong) != want {
				t.Errorf("%s is answered with %q, want %q", f.Gift, reasons(wrong), want)
			}
		}
		if step > 1 {
			f := form()
			f.Gift = money.Amount{Minor: least + 1, Currency: cur}
			_, wrong := f.Price(Terms{Currency: cur})
			if reasons(wrong) != "amount:AMOUNT_STEP" {
				t.Errorf("%s is answered with %q", f.Gift, reasons(wrong))
			}
		}
	}
}

// Gift and cover together are always an amount that Stripe charges, or the form is
// refused.
func TestWhatIsChargedIsAnAmountOfItsCurrency(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cur := money.MustCurrency(rapid.SampledFrom([]string{"EUR", "JPY", "KWD", "ISK", "UGX", "HUF", "IDR"}).Draw(t, "currency"))
		f := form()
		f.CoverFees = true
		f.Gift = money.Amount{Minor: rapid.Int64Range(-1, money.Maximum(cur).Minor+200).Draw(t, "minor"), Currency: cur}
		cover, wrong := f.Price(Terms{Currency: cur, Rate: money.Rate{PPM: 29_000}, Fixed: 30 * cur.Step()})
		total := f.Gift.Minor + cover.Minor
		if len(wrong) == 0 && (total%cur.Step() != 0 || total > money.Maximum(cur).Minor || total < money.Minimum(cur).Minor) {
			t.Fatalf("%s with cover %s was taken", f.Gift, cover)
		}
	})
}
