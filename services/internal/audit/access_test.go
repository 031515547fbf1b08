package audit_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/audit"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/testkit"
)

// The services of a charity that has no gift yet: what matters here is who may
// ask them.
type (
	gifts struct {
		donationv1.UnimplementedDonationServiceServer
	}
	totals struct {
		fundraiserv1.UnimplementedFundraiserServiceServer
	}
	books struct {
		ledgerv1.UnimplementedLedgerServiceServer
	}
	receipts struct {
		receiptv1.UnimplementedReceiptServiceServer
	}
	parking struct {
		feedv1.UnimplementedParkingServiceServer
	}
)

func (gifts) SumGifts(context.Context, *donationv1.SumGiftsRequest) (*donationv1.SumGiftsResponse, error) {
	return &donationv1.SumGiftsResponse{}, nil
}

func (gifts) GetStripeBalance(context.Context, *donationv1.GetStripeBalanceRequest) (*donationv1.GetStripeBalanceResponse, error) {
	return &donationv1.GetStripeBalanceResponse{}, nil
}

func (totals) SumTotals(context.Context, *fundraiserv1.SumTotalsRequest) (*fundraiserv1.SumTotalsResponse, error) {
	return &fundraiserv1.SumTotalsResponse{}, nil
}

func (books) SumBooks(context.Context, *ledgerv1.SumBooksRequest) (*ledgerv1.SumBooksResponse, error) {
	return &ledgerv1.SumBooksResponse{}, nil
}

func (receipts) SumReceipts(context.Context, *receiptv1.SumReceiptsRequest) (*receiptv1.SumReceiptsResponse, error) {
	return &receiptv1.SumReceiptsResponse{}, nil
}

func (parking) ListParked(context.Context, *feedv1.ListParkedRequest) (*feedv1.ListParkedResponse, error) {
	return &feedv1.ListParkedResponse{}, nil
}

// The console shows the audit to whoever works there, and to nobody else.
func TestStaffMayAuditThroughTheConsole(t *testing.T) {
	t.Parallel()
	people := testkit.NewPeople(t)
	network := rpc.NewNetwork()
	server := rpc.NewServer(rpc.ServerConfig{PersonKey: people.Key})
	donationv1.RegisterDonationServiceServer(server, gifts{})
	fundraiserv1.RegisterFundraiserServiceServer(server, totals{})
	ledgerv1.RegisterLedgerServiceServer(server, books{})
	receiptv1.RegisterReceiptServiceServer(server, receipts{})
	feedv1.RegisterParkingServiceServer(server, parking{})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, network) }()
	t.Cleanup(func() {
		stop()
		err := <-ended
		if err != nil {
			t.Error(err)
		}
	})
	run := func(caller string, options ...grpc.DialOption) (audit.Report, error) {
		t.Helper()
		conn, err := network.Dial(caller, options...)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		return audit.New(conn).Run(t.Context(), 0)
	}
	for _, role := range []string{"viewer", "accountant", "admin"} {
		report, err := run("web", people.As("somebody of the staff", role)...)
		if err != nil || !report.OK {
			t.Errorf("as %s: %+v (%v)", role, report, err)
		}
	}
	report, err := run("operator")
	if err != nil || !report.OK {
		t.Errorf("at the command line: %+v (%v)", report, err)
	}
	for name, options := range map[string][]grpc.DialOption{
		"nobody":      nil,
		"a supporter": people.As("somebody with a page", "supporter"),
		"a stranger":  testkit.NewPeople(t).As("somebody whom another key made an admin", "admin"),
	} {
		_, err := run("web", options...)
		if code := apperr.CodeOf(err); code != apperr.PermissionDenied && code != apperr.Unauthenticated {
			t.Errorf("as %s: %v, want a refusal", name, err)
		}
	}
}
