package domain

import (
	"errors"
	"fmt"
	"slices"

	"github.com/almoner/almoner/services/internal/money"
)

var giftRule = Rule{Name: "gift", Version: 1}

// instalmentRule books instalments of monthly plans apart. Single gifts are
// booked as they always were, so they keep the version that they had.
var instalmentRule = Rule{Name: "gift", Version: 2}

// delayedVersions is what the versions of both rise by for payments that take days:
// they say whose money it is, and their balance transaction brings it.
const delayedVersions = 2

// GiftRules are the names of the rules whose postings on contribution accounts
// count as gifts when the books are compared with the donations: what came in,
// and what of it went back or was lost.
func GiftRules() []string {
	return []string{giftRule.Name, refundRule.Name, refundFailedRule.Name, disputeLostRule.Name}
}

// BookGift books the gross of a gift, in the currency it was given in. The fee
// is not known yet and has its own entry, made of Stripe's balance transaction; for
// a payment that takes days that brings the gross, too.
func BookGift(g Gift) (Draft, error) {
	income, err := contributionAccount(g)
	if err != nil {
		return Draft{}, fmt.Errorf("book gift %s: %w", g.DonationID, err)
	}
	err = g.check()
	if err != nil {
		return Draft{}, fmt.Errorf("book gift %s: %w", g.DonationID, err)
	}
	gross, err := g.Gift.Add(g.Cover)
	if err != nil {
		return Draft{}, fmt.Errorf("book gift %s: %w", g.DonationID, err)
	}
	rule, description := giftRule, "Gift"
	if g.RecurringPlanID != "" {
		rule, description = instalmentRule, "Monthly gift"
	}
	dimensions := g.Attribution.dimensions()
	var lines lines
	if g.Delayed {
		rule.Version += delayedVersions
		lines.post(UnderWay, gross, dimensions, g.ChargeID)
	} else {
		lines.debit(StripeBalance, gross, dimensions)
	}
	lines.credit(income, g.Gift, dimensions)
	lines.credit(FeeCover, g.Cover, dimensions)
	return lines.draft(Header{
		OrganizationID: g.Attribution.OrganizationID,
		Key:            key("charge:gross", g.AccountID, g.ChargeID),
		Rule:           rule,
		Description:    description,
		AccountID:      g.AccountID,
		StripeIDs:      present(g.PaymentIntentID, g.ChargeID),
		DonationID:     g.DonationID,
		OccurredAt:     g.PaidAt,
	})
}

func (g Gift) check() error {
	switch {
	case g.DonationID == "":
		return errors.New("it names no donation")
	case g.AccountID == "" || g.ChargeID == "":
		// Without both, a second delivery could not be told from a second gift.
		return errors.New("it names no charge of a Stripe account")
	case g.Gift.Minor <= 0 || g.Cover.Minor < 0:
		return fmt.Errorf("gift %s with cover %s is no payment", g.Gift, g.Cover)
	}
	return nil
}

// contributionAccount decides which income a gift is. Restriction goes first:
// a restricted gift through a supporter's page is still restricted money. Then
// the page, which brought the donor who now gives every month.
func contributionAccount(g Gift) (Account, error) {
	a := g.Attribution
	switch a.FundClass {
	case FundRestricted:
		err := CheckFundCode(a.FundCode)
		if err != nil {
			return "", err
		}
		return RestrictedContributions(a.FundCode), nil
	case FundUnrestricted:
		switch {
		case a.FundraiserID != "":
			return PeerContributions, nil
		case g.RecurringPlanID != "":
			return RecurringGifts, nil
		}
		return OnlineContributions, nil
	default:
		return "", errors.New("the gift does not say whether its fund is restricted")
	}
}

// key is a business key. It does not hold the organization: the same Stripe
// object must not be booked twice in two organizations either.
func key(kind, accountID, stripeID string) string {
	return kind + "/" + accountID + "/" + stripeID
}

// present drops the ids that Stripe did not have, and names each once.
func present(ids ...string) []string {
	var kept []string
	for _, id := range ids {
		if id != "" && !slices.Contains(kept, id) {
			kept = append(kept, id)
		}
	}
	return kept
}

// lines collects postings. A line of zero is left out, and the first amount
// that cannot be negated spoils the draft.
type lines struct {
	postings []Posting
	err      error
}

func (l *lines) debit(account Account, amount money.Amount, d Dimensions) {
	l.post(account, amount, d, "")
}

func (l *lines) credit(account Account, amount money.Amount, d Dimensions) {
	l.post(account, l.opposite(amount), d, "")
}

func (l *lines) opposite(amount money.Amount) money.Amount {
	negative, err := amount.Neg()
	if err != nil && l.err == nil {
		l.err = err
	}
	return negative
}

func (l *lines) post(account Account, amount money.Amount, d Dimensions, item string) {
	if amount.IsZero() {
		return
	}
	l.postings = append(l.postings, Posting{Account: account, Amount: amount, Dimensions: d, Item: item})
}

func (l *lines) draft(header Header) (Draft, error) {
	if l.err != nil {
		return Draft{}, fmt.Errorf("draft entry %q: %w", header.Key, l.err)
	}
	return NewDraft(header, l.postings...)
}
