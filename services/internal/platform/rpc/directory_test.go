package rpc_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/rpc"
)

// road is a connection that only notes who was asked.
type road struct {
	name  string
	taken *string
}

func (r road) Invoke(context.Context, string, any, any, ...grpc.CallOption) error {
	*r.taken = r.name
	return nil
}

func (r road) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	*r.taken = r.name
	return nil, apperr.New(apperr.Unavailable, "NO_STREAM", "")
}

func TestACallGoesToTheServiceThatItIsFor(t *testing.T) {
	t.Parallel()
	var taken string
	routes := map[string]grpc.ClientConnInterface{}
	for _, service := range []string{"donation", "fundraiser", "ledger"} {
		routes[service] = road{service, &taken}
	}
	directory := rpc.NewDirectory(routes)
	ctx := t.Context()
	for want, call := range map[string]func() error{
		"donation": func() error {
			_, err := donationv1.NewDonationServiceClient(directory).GetDonation(ctx, &donationv1.GetDonationRequest{})
			return err
		},
		// One service may have several protos.
		"fundraiser": func() error {
			_, err := fundraiserv1.NewCatalogueServiceClient(directory).ListFunds(ctx, &fundraiserv1.ListFundsRequest{})
			return err
		},
		"ledger": func() error {
			_, _ = ledgerv1.NewLedgerServiceClient(directory).ExportJournal(ctx, &ledgerv1.ExportJournalRequest{}) // the road has no streams
			return nil
		},
		// Every process serves feeds and parked work: the request says whose.
		"donation's feed": func() error {
			_, err := feedv1.NewFeedServiceClient(directory).Head(ctx, &feedv1.HeadRequest{Feed: "donation"})
			return err
		},
		"fundraiser's feed": func() error {
			_, err := feedv1.NewFeedServiceClient(directory).Read(ctx, &feedv1.ReadRequest{Feed: "fundraiser"})
			return err
		},
		"ledger's parking": func() error {
			_, err := feedv1.NewParkingServiceClient(directory).RetryParked(ctx, &feedv1.RetryParkedRequest{Service: "ledger"})
			return err
		},
	} {
		taken = ""
		err := call()
		service, _, _ := strings.Cut(want, "'")
		if err != nil || taken != service {
			t.Errorf("%s: %q was asked (%v)", want, taken, err)
		}
	}
}

// Events that need somebody unknown must wait, and not be parked.
func TestSomebodyUnknownIsAwayAndNotWrong(t *testing.T) {
	t.Parallel()
	directory := rpc.NewDirectory(nil)
	_, err := donationv1.NewDonationServiceClient(directory).GetDonation(t.Context(), &donationv1.GetDonationRequest{})
	if apperr.CodeOf(err) != apperr.Unavailable || apperr.Permanent(err) {
		t.Errorf("a service without an address: %v", err)
	}
	_, err = ledgerv1.NewLedgerServiceClient(directory).ExportJournal(t.Context(), &ledgerv1.ExportJournalRequest{})
	if apperr.CodeOf(err) != apperr.Unavailable {
		t.Errorf("its stream: %v", err)
	}
}
