package domain_test

import (
	"testing"

	"github.com/almoner/almoner/services/ledger/internal/domain"
)

func refundOf(g domain.Gift, amount, gift, cover, excess int64) domain.Refund {
	return domain.Refund{
		DonationID: g.DonationID, AccountID: g.AccountID, RefundID: "re_1", ChargeID: g.ChargeID, PaymentIntentID: g.PaymentIntentID,
		Amount: euros(amount), Returned: domain.Returned{Gift: euros(gift), Cover: euros(cover), Excess: euros(excess)},
		Attribution: g.Attribution, OccurredAt: paidAt,
	}
}

func lost(g domain.Gift, amount, gift, cover, excess int64) domain.LostDispute {
	return domain.LostDispute{
		DonationID: g.DonationID, AccountID: g.AccountID, DisputeID: "dp_1", ChargeID: g.ChargeID, Amount: euros(amount),
		Returned: domain.Returned{Gift: euros(gift), Cover: euros(cover), Excess: euros(excess)}, Attribution: g.Attribution, ClosedAt: paidAt,
	}
}

// shifted is a refund that changes what losses took.
func shifted(r domain.Refund, gift, cover, excess int64) domain.Refund {
	r.LossShift = domain.Returned{Gift: euros(gift), Cover: euros(cover), Excess: euros(excess)}
	return r
}

func TestWhatGoesBack(t *testing.T) {
	t.Parallel()
	whole := appealGift(100_00, 3_30)
	winter := appealGift(50_00, 0)
	winter.Attribution.FundCode, winter.Attribution.FundClass = "winter", domain.FundRestricted
	for name, given := range map[string]struct {
		book func() (domain.Draft, error)
		key  string
		want string
	}{
		"a part of a gift": {
			func() (domain.Draft, error) { return domain.BookRefund(refundOf(whole, 40_00, 40_00, 0, 0)) },
			"refund/acct_relief/re_1", "4900 40.00 EUR\n2100 -40.00 EUR\n",
		},
		"the rest of it with the cover": {
			func() (domain.Draft, error) { return domain.BookRefund(refundOf(whole, 63_30, 60_00, 3_30, 0)) },
			"refund/acct_relief/re_1", "4900 60.00 EUR\n4040 3.30 EUR\n2100 -63.30 EUR\n",
		},
		"a restricted gift": {
			func() (domain.Draft, error) { return domain.BookRefund(refundOf(winter, 50_00, 50_00, 0, 0)) },
			"refund/acct_relief/re_1", "4900/winter 50.00 EUR\n2100 -50.00 EUR\n",
		},
		"a refund that failed after another had taken more of the gift": {
			func() (domain.Draft, error) { return domain.BookRefundFailed(refundOf(whole, 40_00, -36_70, -3_30, 0)) },
			"refund:failed/acct_relief/re_1", "4900 -36.70 EUR\n4040 -3.30 EUR\n2100 40.00 EUR\n",
		},
		"a dispute lost after a refund": {
			func() (domain.Draft, error) { return domain.BookLostDispute(lost(winter, 50_00, 10_00, 0, 40_00)) },
			"dispute:closed/acct_relief/dp_1", "4910/winter 10.00 EUR\n6110 40.00 EUR\n1170 -50.00 EUR\n",
		},
		"a refund heard after a dispute was lost": {
			func() (domain.Draft, error) {
				return domain.BookRefund(shifted(refundOf(whole, 40_00, 40_00, 0, 0), -40_00, 0, 40_00))
			},
			"refund/acct_relief/re_1", "4900 40.00 EUR\n4910 -40.00 EUR\n6110 40.00 EUR\n2100 -40.00 EUR\n",
		},
		"its failure": {
			func() (domain.Draft, error) {
				return domain.BookRefundFailed(shifted(refundOf(winter, 40_00, -40_00, 0, 0), 36_70, 3_30, -40_00))
			},
			"refund:failed/acct_relief/re_1",
			"4900/winter -40.00 EUR\n4910/winter 36.70 EUR\n4040 3.30 EUR\n6110 -40.00 EUR\n2100 40.00 EUR\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			draft, err := given.book()
			if err != nil {
				t.Fatal(err)
			}
			if got := lines(draft); got != given.want {
				t.Errorf("booked\n%swant\n%s", got, given.want)
			}
			if got := draft.Header().Key; got != given.key {
				t.Errorf("its key is %q, want %q", got, given.key)
			}
		})
	}
}

func TestWhatCannotGoBack(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*domain.Refund){
		"parts that are not the whole": func(r *domain.Refund) { r.Returned.Gift.Minor-- },
		"parts of opposite signs":      func(r *domain.Refund) { r.Returned.Gift.Minor, r.Returned.Cover.Minor = 101_00, -1_00 },
		"parts in several currencies":  func(r *domain.Refund) { r.Returned.Cover = dollars(0) },
		"less than nothing":            func(r *domain.Refund) { r.Amount.Minor, r.Returned.Gift.Minor = -1, -1 },
		"a failure told as a refund":   func(r *domain.Refund) { r.Returned.Gift.Minor = -100_00 },
		"more lost than before":        func(r *domain.Refund) { *r = shifted(*r, 1, 0, 0) },
		"lost in several currencies":   func(r *domain.Refund) { *r = shifted(*r, 1, -1, 0); r.LossShift.Excess = dollars(0) },
		"lost in another currency": func(r *domain.Refund) {
			r.LossShift = domain.Returned{Gift: dollars(1), Cover: dollars(-1), Excess: dollars(0)}
		},
		"no refund":           func(r *domain.Refund) { r.RefundID = "" },
		"no donation":         func(r *domain.Refund) { r.DonationID = "" },
		"fund class not said": func(r *domain.Refund) { r.Attribution.FundClass = 0 },
		"restricted to no possible fund": func(r *domain.Refund) {
			r.Attribution.FundClass, r.Attribution.FundCode = domain.FundRestricted, "winter: north"
		},
		"more than can be counted": func(r *domain.Refund) {
			r.Returned.Gift.Minor, r.Returned.Cover.Minor = 1<<63-1, 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := refundOf(appealGift(100_00, 0), 100_00, 100_00, 0, 0)
			spoil(&r)
			_, err := domain.BookRefund(r)
			if err == nil {
				t.Fatal("it was booked")
			}
		})
	}
}

func TestInstalmentsAreApart(t *testing.T) {
	t.Parallel()
	monthly := appealGift(25_00, 0)
	monthly.RecurringPlanID = "plan-1"
	page := monthly
	page.Attribution.FundraiserID = "page-amal"
	winter := monthly
	winter.Attribution.FundCode, winter.Attribution.FundClass = "winter", domain.FundRestricted
	for want, g := range map[string]domain.Gift{"4010": monthly, "4020": page, "4100/winter": winter} {
		draft, err := domain.BookGift(g)
		if err != nil {
			t.Fatal(err)
		}
		if got := lines(draft); got != "1100 25.00 EUR\n"+want+" -25.00 EUR\n" {
			t.Errorf("booked\n%s, want it on %s", got, want)
		}
		if h := draft.Header(); h.Rule != (domain.Rule{Name: "gift", Version: 2}) || h.Description != "Monthly gift" {
			t.Errorf("it says %q by %v", h.Description, h.Rule)
		}
	}
	single, err := domain.BookGift(appealGift(25_00, 0))
	if err != nil || single.Header().Rule.Version != 1 {
		t.Errorf("a single gift is booked by %v (%v), want version 1 as ever", single.Header().Rule, err)
	}
}
