package consume

import (
	"testing"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

func TestOnlyTheGiftIsReadAndNotTheCover(t *testing.T) {
	t.Parallel()
	gift, err := read(feed.Item[*donationv1.DonationSucceeded]{Pos: 7, Message: &donationv1.DonationSucceeded{
		DonationId: "d-1", Gift: &moneyv1.Money{Minor: 100_00, Currency: "EUR"}, Cover: &moneyv1.Money{Minor: 3_30, Currency: "EUR"},
		PaidAt: 1_772_625_600_000_000,
	}})
	if err != nil || gift.Amount.Minor != 100_00 || gift.Amount.Currency.Code() != "EUR" || gift.Pos != 7 || gift.PaidAt != 1_772_625_600_000_000 {
		t.Errorf("%+v, %v", gift, err)
	}
	if gift.Visibility != domain.Anonymous {
		t.Errorf("a gift that does not say what may be shown is %s", gift.Visibility)
	}
}

func TestWhatIsNoGiftIsParkedAndNotRetried(t *testing.T) {
	t.Parallel()
	for name, message := range map[string]*donationv1.DonationSucceeded{
		"empty":            {},
		"no currency":      {DonationId: "d-1", Gift: &moneyv1.Money{Minor: 5_00}},
		"unknown currency": {DonationId: "d-1", Gift: &moneyv1.Money{Minor: 5_00, Currency: "ZZZ"}},
		"no id":            {Gift: &moneyv1.Money{Minor: 5_00, Currency: "EUR"}},
	} {
		_, err := read(feed.Item[*donationv1.DonationSucceeded]{Message: message})
		if !apperr.Permanent(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatMayBeShownIsNeverMoreThanWasSaid(t *testing.T) {
	t.Parallel()
	for said, want := range map[donationv1.Visibility]domain.Visibility{
		donationv1.Visibility_VISIBILITY_PUBLIC:      domain.Public,
		donationv1.Visibility_VISIBILITY_FIRST_NAME:  domain.FirstName,
		donationv1.Visibility_VISIBILITY_ANONYMOUS:   domain.Anonymous,
		donationv1.Visibility_VISIBILITY_UNSPECIFIED: domain.Anonymous,
		donationv1.Visibility(99):                    domain.Anonymous, // of a newer producer
	} {
		if got := visibility(said); got != want {
			t.Errorf("%s is read as %s", said, got)
		}
	}
}
