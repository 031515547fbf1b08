package apptest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// Two organizations: one in Geneva and one in Auckland, where the day begins
// twelve hours earlier.
const (
	relief  = "5f0c1a52-4f0e-5a3c-8d19-0d7a5f1c2b3e"
	pacific = "b7d9e6c4-1a2b-5c3d-9e8f-7a6b5c4d3e2f"
)

var (
	eur = money.MustCurrency("EUR")
	usd = money.MustCurrency("USD")
)

func euros(minor int64) money.Amount   { return money.Amount{Minor: minor, Currency: eur} }
func dollars(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: usd} }

func organizations() []domain.Organization {
	return []domain.Organization{
		{ID: relief, Slug: "relief", Code: "REL", Name: "Relief Without Borders", TimeZone: "Europe/Zurich", Version: 1},
		{ID: pacific, Slug: "pacific-aid", Code: "PAC", Name: "Pacific Aid", TimeZone: "Pacific/Auckland", Version: 1},
	}
}

// ready saves both organizations and a restricted fund of each.
func (b bench) ready(t *testing.T) {
	t.Helper()
	b.inTx(t, func(ctx context.Context, tx app.Tx) error {
		err := app.SaveOrganizations(ctx, tx, organizations())
		if err != nil {
			return err
		}
		return app.SaveFunds(ctx, tx, []domain.Fund{
			{ID: "fund-1", OrganizationID: relief, Code: "winter", Version: 1},
			{ID: "fund-2", OrganizationID: pacific, Code: "cyclone", Version: 1},
		})
	})
}

func (b bench) inTx(t *testing.T, fn func(ctx context.Context, tx app.Tx) error) {
	t.Helper()
	err := b.InTx(t.Context(), fn)
	if err != nil {
		t.Fatal(err)
	}
}

// gift is a gift of so much to an organization's appeal, paid at noon.
func gift(organization string, number int, amount money.Amount) domain.Gift {
	return domain.Gift{
		DonationID: fmt.Sprintf("donation-%d", number), AccountID: "acct_relief",
		ChargeID: fmt.Sprintf("ch_%d", number), PaymentIntentID: fmt.Sprintf("pi_%d", number),
		Gift: amount, Cover: money.Amount{Currency: amount.Currency}, PaidAt: noon,
		Attribution: domain.Attribution{
			OrganizationID: organization, AppealID: "appeal-flood", FundCode: "general", FundClass: domain.FundUnrestricted,
		},
	}
}

// settled is the balance transaction of a gift, in its own currency.
func settled(g domain.Gift, fee money.Amount) domain.Transaction {
	gross := money.Amount{Minor: g.Gift.Minor + g.Cover.Minor, Currency: g.Gift.Currency}
	return domain.Transaction{
		ID: "txn_" + g.ChargeID, AccountID: g.AccountID, Category: "charge", Amount: gross, Fee: fee,
		Net:      money.Amount{Minor: gross.Minor - fee.Minor, Currency: gross.Currency},
		SourceID: g.ChargeID, Source: gross, PaymentIntentID: g.PaymentIntentID,
		OrganizationID: g.Attribution.OrganizationID, DonationID: g.DonationID, Attribution: g.Attribution,
		CreatedAt: g.PaidAt.Add(time.Minute),
	}
}

// foreign is a charge that is no gift of ours.
func foreign(number int, amount, fee money.Amount) domain.Transaction {
	t := settled(gift(relief, number, amount), fee)
	t.Foreign, t.DonationID, t.Attribution = true, "", domain.Attribution{}
	return t
}

func received[F any](facts ...F) []app.Received[F] {
	list := make([]app.Received[F], len(facts))
	for i, fact := range facts {
		list[i] = app.Received[F]{Fact: fact, EventID: fmt.Sprintf("event-%d", i+1), TraceID: "4bf92f3577b34da6a3ce929d0e0e4736"}
	}
	return list
}

func (b bench) post(t *testing.T, gifts ...domain.Gift) {
	t.Helper()
	b.inTx(t, func(ctx context.Context, tx app.Tx) error { return b.poster.PostGifts(ctx, tx, received(gifts...)) })
}

func (b bench) settle(t *testing.T, transactions ...domain.Transaction) {
	t.Helper()
	b.inTx(t, func(ctx context.Context, tx app.Tx) error {
		return b.poster.PostTransactions(ctx, tx, received(transactions...))
	})
}

func (b bench) entries(t *testing.T, organization string) []domain.Entry {
	t.Helper()
	page, err := b.books.ListEntries(t.Context(), organization, app.EntryPage{})
	if err != nil {
		t.Fatal(err)
	}
	return page.Entries
}

// sound fails the test unless every chain is true; it returns how many entries
// each organization has.
func (b bench) sound(t *testing.T) map[string]int64 {
	t.Helper()
	chains, err := b.books.VerifyChain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lengths := map[string]int64{}
	for _, chain := range chains {
		if chain.Fault != "" {
			t.Fatalf("chain of %s: %s", chain.OrganizationID, chain.Fault)
		}
		lengths[chain.OrganizationID] = chain.Entries
	}
	return lengths
}
