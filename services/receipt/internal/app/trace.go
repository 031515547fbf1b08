package app

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/almoner/almoner/services/internal/platform/telemetry"
)

// issuing is the span of a batch, which belongs to many gifts: it links to the
// trace of each.
func (a *App) issuing(ctx context.Context, due []DueGift) (context.Context, trace.Span) {
	links := make([]trace.Link, 0, len(due))
	for _, g := range due {
		of := trace.SpanContextFromContext(telemetry.ContextWithTraceparent(context.Background(), g.Traceparent))
		if of.IsValid() {
			links = append(links, trace.Link{SpanContext: of})
		}
	}
	return a.tracer.Start(ctx, "issue receipts", trace.WithLinks(links...))
}

// issued gives each receipt a span in its gift's own trace, once it is committed:
// a number that was given back was given to nobody.
func (a *App) issued(ctx context.Context, began time.Time, due []DueGift, settled settlement) {
	receipted := map[string]bool{}
	for _, drafts := range settled.drafts {
		for _, receipt := range drafts {
			receipted[receipt.DonationID] = true
		}
	}
	batch := trace.LinkFromContext(ctx)
	for _, g := range due {
		if !receipted[g.DonationID] {
			continue
		}
		own := telemetry.ContextWithTraceparent(context.WithoutCancel(ctx), g.Traceparent)
		_, span := a.tracer.Start(own, "issue receipt", trace.WithTimestamp(began), trace.WithLinks(batch))
		span.End()
	}
}
