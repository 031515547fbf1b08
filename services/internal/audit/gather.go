package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
)

// Auditor asks the services. It is safe for concurrent use.
type Auditor struct {
	donation   donationv1.DonationServiceClient
	fundraiser fundraiserv1.FundraiserServiceClient
	ledger     ledgerv1.LedgerServiceClient
	receipt    receiptv1.ReceiptServiceClient
	parking    feedv1.ParkingServiceClient
}

// New returns an auditor that asks through conn, which must carry the name of a
// caller that may ask for sums.
func New(conn grpc.ClientConnInterface) *Auditor {
	return &Auditor{
		donation:   donationv1.NewDonationServiceClient(conn),
		fundraiser: fundraiserv1.NewFundraiserServiceClient(conn),
		ledger:     ledgerv1.NewLedgerServiceClient(conn),
		receipt:    receiptv1.NewReceiptServiceClient(conn),
		parking:    feedv1.NewParkingServiceClient(conn),
	}
}

// Interval between two looks while something is still on its way.
const interval = 100 * time.Millisecond

// Run takes the sums until everything has arrived or wait is over, and reports
// the last reading. It asks at least once. An error means that a service or
// Stripe could not be asked at all.
func (a *Auditor) Run(ctx context.Context, wait time.Duration) (Report, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	over := time.NewTimer(wait)
	defer over.Stop()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		readings, steady, err := a.read(ctx)
		if err != nil {
			return Report{}, err
		}
		report := Compare(readings)
		if !steady {
			report.CaughtUp, report.OK = false, false
			report.Behind = append(report.Behind, "the feeds moved while the sums were taken")
		}
		if report.CaughtUp {
			return report, nil
		}
		select {
		case <-ctx.Done():
			return Report{}, ctx.Err()
		case <-over.C:
			return report, nil
		case <-tick.C:
		}
	}
}

// read takes all sums once. They come from four databases and from Stripe, so
// no transaction spans them: steady says that no head moved between the first
// question and the last, and nothing was parked or released.
func (a *Auditor) read(ctx context.Context) (readings Readings, steady bool, err error) {
	// A gift that waits is behind its consumer's checkpoint. Listed only after
	// the sums, it could be counted in between: missing from the sums and from
	// the list, it would look lost.
	before, err := a.parked(ctx)
	if err != nil {
		return Readings{}, false, err
	}
	readings.Gifts, err = a.donation.SumGifts(ctx, &donationv1.SumGiftsRequest{})
	if err != nil {
		return Readings{}, false, fmt.Errorf("sum gifts: %w", err)
	}
	readings.Totals, err = a.fundraiser.SumTotals(ctx, &fundraiserv1.SumTotalsRequest{})
	if err != nil {
		return Readings{}, false, fmt.Errorf("sum totals: %w", err)
	}
	readings.Books, err = a.ledger.SumBooks(ctx, &ledgerv1.SumBooksRequest{})
	if err != nil {
		return Readings{}, false, fmt.Errorf("sum books: %w", err)
	}
	readings.Receipts, err = a.receipt.SumReceipts(ctx, &receiptv1.SumReceiptsRequest{})
	if err != nil {
		return Readings{}, false, fmt.Errorf("sum receipts: %w", err)
	}
	readings.Balance, err = a.donation.GetStripeBalance(ctx, &donationv1.GetStripeBalanceRequest{})
	if err != nil {
		return Readings{}, false, fmt.Errorf("ask Stripe for its balance: %w", err)
	}
	readings.Parked, err = a.parked(ctx)
	if err != nil {
		return Readings{}, false, err
	}
	gifts, err := a.donation.SumGifts(ctx, &donationv1.SumGiftsRequest{})
	if err != nil {
		return Readings{}, false, fmt.Errorf("sum gifts again: %w", err)
	}
	totals, err := a.fundraiser.SumTotals(ctx, &fundraiserv1.SumTotalsRequest{})
	if err != nil {
		return Readings{}, false, fmt.Errorf("sum totals again: %w", err)
	}
	steady = gifts.GetHead() == readings.Gifts.GetHead() && gifts.GetUnsequenced() == 0 &&
		totals.GetHead() == readings.Totals.GetHead() && totals.GetUnsequenced() == 0 &&
		gifts.GetStripeEventsUndone() == readings.Gifts.GetStripeEventsUndone() &&
		sameParked(before, readings.Parked)
	return readings, steady, nil
}

// parked lists what each service has parked, by the service's name.
func (a *Auditor) parked(ctx context.Context) (map[string][]*feedv1.ParkedItem, error) {
	items := map[string][]*feedv1.ParkedItem{}
	for _, service := range []string{"donation", "fundraiser", "receipt", "ledger"} {
		parked, err := a.parking.ListParked(ctx, &feedv1.ListParkedRequest{Service: service})
		if err != nil {
			return nil, fmt.Errorf("list what is parked in %s: %w", service, err)
		}
		items[service] = parked.GetItems()
	}
	return items, nil
}

// sameParked tells whether two lists name the same items. How often they were
// tried says nothing about the sums.
func sameParked(x, y map[string][]*feedv1.ParkedItem) bool {
	return maps.EqualFunc(x, y, func(x, y []*feedv1.ParkedItem) bool {
		return slices.EqualFunc(x, y, func(x, y *feedv1.ParkedItem) bool { return x.GetId() == y.GetId() })
	})
}
