package grpcapi

import (
	"google.golang.org/grpc"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/fundraiser/internal/app"
)

// WatchTotals is FundraiserService's. A caller that does not read makes Send
// wait, and nobody else.
func (s *Server) WatchTotals(_ *fundraiserv1.WatchTotalsRequest, stream grpc.ServerStreamingServer[fundraiserv1.WatchTotalsResponse]) error {
	return s.watch.Totals(stream.Context(), func(update app.WatchUpdate) error {
		message := &fundraiserv1.WatchTotalsResponse{CatalogueRevision: update.Revision}
		for _, line := range update.Changed {
			message.Changed = append(message.Changed, &fundraiserv1.WatchedTotals{
				AppealSlug:     line.AppealSlug,
				FundraiserSlug: line.PageSlug,
				Totals:         totals(line.Total),
			})
		}
		return stream.Send(message)
	})
}
