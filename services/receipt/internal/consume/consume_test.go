package consume_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	attributionv1 "github.com/almoner/almoner/proto/gen/almoner/attribution/v1"
	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/consume"
	"github.com/almoner/almoner/services/receipt/internal/domain"
	"github.com/almoner/almoner/services/receipt/internal/store"
	"github.com/almoner/almoner/services/receipt/migrations"
)

const (
	refuge      = "7d1c6b0e-6c43-5f0e-9a53-0c5d9f3b1a01"
	donation    = "00000000-0000-4000-8000-000000000001"
	traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
)

// desk is the handlers over a real database.
type desk struct {
	consume.Handlers
	db    *database.DB
	store *store.Store
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	db := testkit.SQLite(t, "receipt", migrations.Set())
	kept := store.New(db)
	links, err := domain.NewLinkSigner([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatalf("link signer: %v", err)
	}
	uses, err := app.New(app.Config{
		BaseURL: "https://give.example.org", Links: links, Store: kept, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatalf("use cases: %v", err)
	}
	return &desk{Handlers: consume.New(uses, store.Bind), db: db, store: kept}
}

// apply runs one handler in one transaction, as the consumer would.
func apply[M proto.Message](d *desk, handler func(context.Context, *database.Tx, []feed.Item[M]) error, facts ...M) error {
	var items []feed.Item[M]
	for i, fact := range facts {
		items = append(items, feed.Item[M]{
			Pos: int64(i + 1), ID: "event-1", OccurredAt: time.UnixMicro(1793784602000000).UTC(), Traceparent: traceparent, Message: fact,
		})
	}
	return d.db.InTx(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		return handler(ctx, tx, items)
	})
}

func organization() *fundraiserv1.OrganizationChanged {
	return &fundraiserv1.OrganizationChanged{
		OrganizationId: refuge, Code: "REFUGE", LegalName: "Refuge Aid Association", Address: []string{"12 Harbour Street", "1204 Geneva"},
		Registration: "CHE-123.456.789", TimeZone: "Europe/Zurich", ReceiptProfile: "generic", ContactEmail: "gifts@refuge.example", Version: 4,
	}
}

func fund() *fundraiserv1.FundChanged {
	return &fundraiserv1.FundChanged{FundId: "fund-1", OrganizationId: refuge, Code: "WATER", Name: "Water in the camps", Version: 2}
}

func gift() *donationv1.DonationSucceeded {
	return &donationv1.DonationSucceeded{
		DonationId: donation, Gift: &moneyv1.Money{Minor: 10000, Currency: "EUR"}, Cover: &moneyv1.Money{Minor: 330, Currency: "EUR"},
		Attribution:     &attributionv1.Attribution{OrganizationId: refuge, FundCode: "WATER"},
		PaymentIntentId: "pi_1", PaidAt: 1793784600000000,
	}
}

func TestFactsBecomeWhatTheReceiptNeeds(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	err := errors.Join(
		apply(d, d.OnOrganizationChanged, organization()),
		apply(d, d.OnFundChanged, fund()),
		apply(d, d.OnDonationSucceeded, gift()),
		apply(d, d.OnDonationSucceeded, gift()), // delivered again
	)
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	err = d.store.InReadTx(t.Context(), func(ctx context.Context, r app.Reader) error {
		organizations, err := r.Organizations(ctx, []string{refuge})
		if err != nil {
			return err
		}
		o := organizations[refuge]
		if o.Code != "REFUGE" || o.LegalName != "Refuge Aid Association" || strings.Join(o.Address, "|") != "12 Harbour Street|1204 Geneva" ||
			o.Registration != "CHE-123.456.789" || o.Contact != "gifts@refuge.example" || o.TimeZone.String() != "Europe/Zurich" ||
			o.Profile != "generic" || o.Version != 4 {
			t.Errorf("organization = %+v", o)
		}
		due, err := r.DueGifts(ctx, time.UnixMicro(1793784700000000), 10)
		if err != nil {
			return err
		}
		if len(due) != 1 {
			t.Fatalf("%d receipts due, want 1", len(due))
		}
		g := due[0].Gift
		if g.DonationID != donation || g.Amount.String() != "100.00 EUR" || g.Cover.String() != "3.30 EUR" || g.PaymentReference != "pi_1" ||
			g.Traceparent != traceparent || g.PaidAt.UnixMicro() != 1793784600000000 || g.SucceededAt.UnixMicro() != 1793784602000000 {
			t.Errorf("gift = %+v", g)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
}

func TestGiftBeforeItsFundIsNotYet(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	err := apply(d, d.OnDonationSucceeded, gift())
	if !errors.Is(err, envelope.ErrNotYet) || apperr.Permanent(err) {
		t.Errorf("without the organization: %v, want not yet", err)
	}
	err = apply(d, d.OnOrganizationChanged, organization())
	if err != nil {
		t.Fatalf("organization: %v", err)
	}
	err = apply(d, d.OnDonationSucceeded, gift())
	if !errors.Is(err, envelope.ErrNotYet) || apperr.Permanent(err) {
		t.Errorf("without the fund: %v, want not yet", err)
	}
}

// What no retry can make sense of is permanent, so that it is parked and seen.
func TestSenselessFactsArePermanent(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for name, spoil := range map[string]func(*donationv1.DonationSucceeded){
		"no gift":            func(m *donationv1.DonationSucceeded) { m.Gift = nil },
		"no cover":           func(m *donationv1.DonationSucceeded) { m.Cover = nil },
		"unknown currency":   func(m *donationv1.DonationSucceeded) { m.Gift.Currency = "XXX" },
		"two currencies":     func(m *donationv1.DonationSucceeded) { m.Cover.Currency = "JPY" },
		"nothing given":      func(m *donationv1.DonationSucceeded) { m.Gift.Minor = 0 },
		"negative gift":      func(m *donationv1.DonationSucceeded) { m.Gift.Minor = -10000 },
		"no donation":        func(m *donationv1.DonationSucceeded) { m.DonationId = "" },
		"no attribution":     func(m *donationv1.DonationSucceeded) { m.Attribution = nil },
		"no time of payment": func(m *donationv1.DonationSucceeded) { m.PaidAt = 0 },
	} {
		fact := gift()
		spoil(fact)
		err := apply(d, d.OnDonationSucceeded, fact)
		if !apperr.Permanent(err) || !strings.Contains(apperr.Public(err).Message, "event-1") {
			t.Errorf("%s: %v, want a permanent error that names the event", name, err)
		}
	}
	for name, spoil := range map[string]func(*fundraiserv1.OrganizationChanged){
		"unknown zone":     func(m *fundraiserv1.OrganizationChanged) { m.TimeZone = "Atlantis/Capital" },
		"no zone":          func(m *fundraiserv1.OrganizationChanged) { m.TimeZone = "" },
		"the server's":     func(m *fundraiserv1.OrganizationChanged) { m.TimeZone = "Local" },
		"a path":           func(m *fundraiserv1.OrganizationChanged) { m.TimeZone = "../../etc/passwd" },
		"code with dashes": func(m *fundraiserv1.OrganizationChanged) { m.Code = "RE-FUGE" },
		"no version":       func(m *fundraiserv1.OrganizationChanged) { m.Version = 0 },
	} {
		fact := organization()
		spoil(fact)
		err := apply(d, d.OnOrganizationChanged, fact)
		if !apperr.Permanent(err) {
			t.Errorf("%s: %v, want a permanent error", name, err)
		}
	}
	nameless := fund()
	nameless.Code = ""
	err := apply(d, d.OnFundChanged, nameless)
	if !apperr.Permanent(err) {
		t.Errorf("fund without a code: %v, want a permanent error", err)
	}
}
