package audit

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
)

// charity answers for all services. What it says may change between two
// questions, as it does while the services work.
type charity struct {
	readings Readings
	// after happens once the named question has been answered for the first time.
	after map[string]func(*Readings)
	asked map[string]int
}

func (c *charity) Invoke(_ context.Context, method string, question, answer any, _ ...grpc.CallOption) error {
	var said proto.Message
	switch method {
	case donationv1.DonationService_SumGifts_FullMethodName:
		said = c.readings.Gifts
	case donationv1.DonationService_GetStripeBalance_FullMethodName:
		said = c.readings.Balance
	case fundraiserv1.FundraiserService_SumTotals_FullMethodName:
		said = c.readings.Totals
	case ledgerv1.LedgerService_SumBooks_FullMethodName:
		said = c.readings.Books
	case receiptv1.ReceiptService_SumReceipts_FullMethodName:
		said = c.readings.Receipts
	case feedv1.ParkingService_ListParked_FullMethodName:
		service := question.(*feedv1.ListParkedRequest).GetService()
		said = &feedv1.ListParkedResponse{Items: c.readings.Parked[service]}
	default:
		return fmt.Errorf("nobody answers %s", method)
	}
	proto.Merge(answer.(proto.Message), said)
	c.asked[method]++
	if change := c.after[method]; change != nil && c.asked[method] == 1 {
		change(&c.readings)
	}
	return nil
}

func (c *charity) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, errors.New("nothing is streamed")
}

// A gift that waits for its organization stands behind the checkpoint and in no
// sum. When it is booked between the question for the sums and the one for what
// is parked, it is neither in the sums nor parked, and is not lost all the same.
func TestAGiftReleasedWhileTheSumsAreTakenIsNoDifference(t *testing.T) {
	t.Parallel()
	before := agreeing()
	before.Books.Sums[0].GiftMinor -= 2_000
	before.Books.Clearing[0].BalanceMinor -= 2_000
	before.Parked["ledger"] = []*feedv1.ParkedItem{{Id: "donation:4", Source: "donation", Waiting: true}}
	released := func(r *Readings) { *r = agreeing() }
	for _, method := range []string{
		ledgerv1.LedgerService_SumBooks_FullMethodName,
		receiptv1.ReceiptService_SumReceipts_FullMethodName,
		donationv1.DonationService_GetStripeBalance_FullMethodName,
	} {
		services := &charity{readings: before, after: map[string]func(*Readings){method: released}, asked: map[string]int{}}
		report, err := New(services).Run(t.Context(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if !report.OK || report.ExitCode() != 0 {
			t.Errorf("released after %s: %+v", method, report)
		}
	}
}

func TestAHeadThatMovesWhileTheSumsAreTakenIsNoDifference(t *testing.T) {
	t.Parallel()
	services := &charity{readings: agreeing(), asked: map[string]int{}, after: map[string]func(*Readings){
		fundraiserv1.FundraiserService_SumTotals_FullMethodName: func(r *Readings) {
			r.Gifts.Head++
			for _, checkpoints := range [][]*feedv1.Checkpoint{r.Totals.GetCheckpoints(), r.Books.GetCheckpoints(), r.Receipts.GetCheckpoints()} {
				checkpoints[0].Pos++
			}
		},
	}}
	report, err := New(services).Run(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if report.ExitCode() != 2 {
		t.Errorf("without waiting: exit %d, want 2: %+v", report.ExitCode(), report)
	}
	report, err = New(services).Run(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if report.ExitCode() != 0 {
		t.Errorf("a moment later: exit %d, want 0: %+v", report.ExitCode(), report)
	}
}
