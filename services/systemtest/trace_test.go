package systemtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/almoner/almoner/services/internal/testkit"
)

// From the donor's post to the journal entry and the receipt, a gift is one trace,
// through as many processes as there are: an OpenTelemetry collector, which is what
// operators have, sees it whole. The batches in which services work belong to many
// gifts, and lead to each by a link.
func aGiftIsOneTraceFromThePostToTheReceipt(t *testing.T, s system) {
	collector := testkit.NewCollector(t)
	s.halt(t)
	s.tell("OTEL_EXPORTER_OTLP_ENDPOINT="+collector.GRPC, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc")
	s.resume(t)
	result := give(t, operator(t, s.config()))
	page := s.metrics(t)
	s.halt(t) // what is left is exported
	s.tell()
	s.resume(t)
	for where, told := range map[string]string{"spans": string(collector.Raw()), "metrics": page} {
		if len(told) < 1000 {
			t.Errorf("the %s are %d bytes only", where, len(told))
		}
		for _, canary := range []string{"Demo Donor", "@example.org", "4242424242424242"} {
			if strings.Contains(told, canary) {
				t.Errorf("the %s hold %q", where, canary)
			}
		}
	}

	spans := collector.Spans()
	traces := map[string][]testkit.Span{}
	processes := map[int64]bool{}
	for _, span := range spans {
		traces[span.Trace] = append(traces[span.Trace], span)
		processes[span.Process] = true
		if span.Service == "operator" {
			t.Errorf("%s is nobody's", span.Name)
		}
	}
	if len(processes) != s.processes() {
		t.Errorf("spans came of %d processes, want %d", len(processes), s.processes())
	}
	followed := 0
	for _, gift := range result.Gifts {
		if gift.State != "succeeded" {
			continue
		}
		followed++
		// The demo has compared this id with those on the entries and the receipt.
		whole(t, gift.Donation, traces[gift.TraceID])
		through := map[int64]bool{}
		for _, span := range traces[gift.TraceID] {
			through[span.Process] = true
		}
		if len(through) != s.processes() {
			t.Errorf("gift %s: its trace is of %d processes, want %d", gift.Donation, len(through), s.processes())
		}
		if !slices.ContainsFunc(spans, func(s testkit.Span) bool {
			return s.Service == "ledger" && s.Name == "apply donation" && slices.Contains(s.Links, gift.TraceID)
		}) {
			t.Errorf("gift %s: no batch of the ledger links to its trace %s", gift.Donation, gift.TraceID)
		}
	}
	if followed == 0 {
		t.Fatal("no gift was followed")
	}
}

// whole requires that a trace has every step of a gift, each below a span that is
// there too: a step without its parent would be a trace that falls apart.
func whole(t *testing.T, gift string, trace []testkit.Span) {
	t.Helper()
	ids := map[string]bool{}
	for _, span := range trace {
		ids[span.ID] = true
	}
	roots := 0
	for _, span := range trace {
		if span.Parent == "" {
			roots++
			if span.Service != "web" || !strings.HasPrefix(span.Name, "POST ") {
				t.Errorf("gift %s: its trace begins with %s of %s", gift, span.Name, span.Service)
			}
		} else if !ids[span.Parent] {
			t.Errorf("gift %s: %s of %s lacks its parent", gift, span.Name, span.Service)
		}
	}
	if roots != 1 {
		t.Errorf("gift %s: its trace begins %d times", gift, roots)
	}
	for _, step := range []struct{ service, name string }{
		{"web", "POST /"}, // the donor's form
		{"web", "almoner.donation.v1.DonationService/StartChec"},  // the question
		{"donation", "almoner.donation.v1.DonationService/Start"}, // the answer
		{"donation", "start checkout"},                            // what is done about it
		{"donation", "write donation"},                            // a row
		{"donation", "stripe POST /v1/checkout/sessions"},         // the session
		{"donation", "donation succeeded"},                        // the webhook, or another route
		{"fundraiser", "apply almoner.donation.v1.DonationSucc"},  // the totals
		{"ledger", "apply almoner.donation.v1.DonationSucceeded"}, // the entry
		{"receipt", "apply almoner.donation.v1.DonationSucceede"}, // what is due
		{"receipt", "issue receipt"},                              // the receipt
	} {
		if !slices.ContainsFunc(trace, func(s testkit.Span) bool { return s.Service == step.service && strings.HasPrefix(s.Name, step.name) }) {
			t.Errorf("gift %s: its trace has no %s of %s", gift, step.name, step.service)
		}
	}
	if t.Failed() {
		for _, span := range trace {
			t.Logf("%s: %s", span.Service, span.Name)
		}
	}
}
