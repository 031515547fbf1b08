package apptest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// Season is a year of gifts to one organization, the same at every run: some
// through supporters' pages, some restricted, in three currencies, told in
// almost the order of days, each with its fee, and now and then a charge that is
// no gift. It ends at noon of 20 March 2026.
type Season struct {
	OrganizationID string
	Gifts          int
}

// What a season's entries can be looked for by. Of each kind the first is
// frequent and the last is rare.
const (
	seasonAppeals     = 12
	seasonPages       = 400
	rareCurrency      = "KWD" // one gift in a thousand
	restrictedFund    = "winter"
	oneInRareCurrency = 1000
	oneForeign        = 500
)

// AppealID is the id of the n-th appeal, from 0: each has about two thirds of
// the gifts of the one before.
func (s Season) AppealID(n int) string { return fmt.Sprintf("c2b1a0f9-0000-5000-8000-%012d", n) }

// PageID is the id of the n-th supporter's page.
func (s Season) PageID(n int) string { return fmt.Sprintf("aa0e51f2-0000-4000-8000-%012d", n) }

// PaymentID is the id of the n-th gift's payment at Stripe.
func (s Season) PaymentID(n int) string { return fmt.Sprintf("pi_3Q%020d", n) }

// Funds are what must be known before the gifts are posted.
func (s Season) Funds() []domain.Fund {
	return []domain.Fund{{ID: "fund-" + restrictedFund, OrganizationID: s.OrganizationID, Code: restrictedFund, Version: 1}}
}

// Facts returns the gifts numbered from..to−1 with their balance transactions.
func (s Season) Facts(from, to int) ([]app.Received[domain.Gift], []app.Received[domain.Transaction]) {
	var gifts []app.Received[domain.Gift]
	var transactions []app.Received[domain.Transaction]
	for n := from; n < to; n++ {
		g := s.gift(n)
		trace := fmt.Sprintf("4bf92f3577b34da6%016x", n)
		fee := money.Amount{Minor: (g.Gift.Minor*29+999)/1000 + 30, Currency: g.Gift.Currency}
		t := settled(g, fee)
		if n%oneForeign == oneForeign-1 {
			t.Foreign, t.DonationID, t.Attribution = true, "", domain.Attribution{}
		} else {
			gifts = append(gifts, app.Received[domain.Gift]{Fact: g, EventID: fmt.Sprintf("6f2f8c0e-3f0b-5a57-9c6d-%012d", n), TraceID: trace})
		}
		transactions = append(transactions, app.Received[domain.Transaction]{Fact: t, EventID: fmt.Sprintf("0b7e44a1-9d2c-5f60-8e11-%012d", n), TraceID: trace})
	}
	return gifts, transactions
}

func (s Season) gift(n int) domain.Gift {
	// Each gift has its own dice, so that any part of the season can be made alone.
	dice := rand.New(rand.NewPCG(uint64(n), 20260320))
	currency := eur
	switch {
	case n%oneInRareCurrency == oneInRareCurrency/2:
		currency = money.MustCurrency(rareCurrency)
	case dice.IntN(10) == 0:
		currency = usd
	}
	appeal := 0
	for appeal < seasonAppeals-1 && dice.IntN(3) > 0 {
		appeal++
	}
	paid := noon.AddDate(-1, 0, 0).Add(time.Duration(n) * (365 * 24 * time.Hour / time.Duration(s.Gifts)))
	if dice.IntN(20) == 0 {
		paid = paid.Add(-time.Duration(dice.IntN(72)) * time.Hour) // heard of late
	}
	g := domain.Gift{
		DonationID: fmt.Sprintf("9d1c7a34-0000-4000-8000-%012d", n), AccountID: "acct_1RELIEFrelief",
		ChargeID: fmt.Sprintf("ch_3Q%020d", n), PaymentIntentID: s.PaymentID(n),
		Gift:  money.Amount{Minor: int64(5_00 + 10*dice.IntN(50_00)), Currency: currency},
		Cover: money.Amount{Currency: currency}, PaidAt: paid,
		Attribution: domain.Attribution{
			OrganizationID: s.OrganizationID, AppealID: s.AppealID(appeal), FundCode: "general", FundClass: domain.FundUnrestricted,
		},
	}
	if dice.IntN(3) == 0 {
		g.Cover.Minor = g.Gift.Minor/30 + 30
	}
	switch dice.IntN(5) {
	case 0:
		g.Attribution.FundCode, g.Attribution.FundClass = restrictedFund, domain.FundRestricted
	case 1, 2:
		g.Attribution.FundraiserID = s.PageID(dice.IntN(seasonPages))
	}
	return g
}

// Post books the whole season, so many gifts in a transaction.
func (s Season) Post(ctx context.Context, poster *app.Poster, books Books, batch int) error {
	err := books.InTx(ctx, func(ctx context.Context, tx app.Tx) error { return app.SaveFunds(ctx, tx, s.Funds()) })
	if err != nil {
		return err
	}
	for from := 0; from < s.Gifts; from += batch {
		gifts, transactions := s.Facts(from, min(from+batch, s.Gifts))
		err := books.InTx(ctx, func(ctx context.Context, tx app.Tx) error {
			err := poster.PostGifts(ctx, tx, gifts)
			if err != nil {
				return err
			}
			return poster.PostTransactions(ctx, tx, transactions)
		})
		if err != nil {
			return fmt.Errorf("gifts from %d: %w", from, err)
		}
	}
	return nil
}
