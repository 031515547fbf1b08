package testkit

import (
	"context"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// Collector takes spans as an OpenTelemetry collector does, in both of its
// protocols, and keeps them.
type Collector struct {
	collectorv1.UnimplementedTraceServiceServer

	// GRPC and HTTP are its two addresses, each for OTEL_EXPORTER_OTLP_ENDPOINT.
	GRPC, HTTP string

	mu       sync.Mutex
	requests [][]byte
	spans    []Span
	keys     []string
}

// Span is one span as it was exported, in words.
type Span struct {
	Service, Name     string
	Process           int64  // its id, as the span's resource names it
	Trace, ID, Parent string // hex; Parent is empty for a trace's first span
	Links             []string
	Attributes        map[string]string
	Failed            bool
	Began, Ended      int64 // unix nanoseconds
}

// NewCollector starts a collector on free ports. It ends with the test.
func NewCollector(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.GRPC = "http://" + listener.Addr().String()
	server := grpc.NewServer()
	collectorv1.RegisterTraceServiceServer(server, c)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		err := <-served
		if err != nil {
			t.Errorf("collector: %v", err)
		}
	})
	site := httptest.NewServer(http.HandlerFunc(c.post))
	t.Cleanup(site.Close)
	c.HTTP = site.URL
	return c
}

// Export implements the collector's gRPC service.
func (c *Collector) Export(ctx context.Context, request *collectorv1.ExportTraceServiceRequest) (*collectorv1.ExportTraceServiceResponse, error) {
	raw, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	c.keep(raw, request, metadata.ValueFromIncomingContext(ctx, "authorization"))
	return &collectorv1.ExportTraceServiceResponse{}, nil
}

func (c *Collector) post(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	request := &collectorv1.ExportTraceServiceRequest{}
	if err == nil {
		err = proto.Unmarshal(raw, request)
	}
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" {
		http.Error(w, "not a trace", http.StatusBadRequest)
		return
	}
	c.keep(raw, request, r.Header.Values("Authorization"))
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (c *Collector) keep(raw []byte, request *collectorv1.ExportTraceServiceRequest, keys []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, raw)
	c.keys = append(c.keys, keys...)
	for _, resource := range request.GetResourceSpans() {
		service, process := "", int64(0)
		for _, attribute := range resource.GetResource().GetAttributes() {
			switch attribute.GetKey() {
			case "service.name":
				service = attribute.GetValue().GetStringValue()
			case "process.pid":
				process = attribute.GetValue().GetIntValue()
			}
		}
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans = append(c.spans, inWords(service, process, span))
			}
		}
	}
}

func inWords(service string, process int64, span *tracev1.Span) Span {
	words := Span{
		Service: service, Process: process, Name: span.GetName(), Trace: hex.EncodeToString(span.GetTraceId()),
		ID: hex.EncodeToString(span.GetSpanId()), Parent: hex.EncodeToString(span.GetParentSpanId()),
		Attributes: map[string]string{}, Failed: span.GetStatus().GetCode() == tracev1.Status_STATUS_CODE_ERROR,
		Began: int64(span.GetStartTimeUnixNano()), Ended: int64(span.GetEndTimeUnixNano()),
	}
	for _, link := range span.GetLinks() {
		words.Links = append(words.Links, hex.EncodeToString(link.GetTraceId()))
	}
	for _, attribute := range span.GetAttributes() {
		words.Attributes[attribute.GetKey()] = attribute.GetValue().GetStringValue()
	}
	return words
}

// Spans are those that have come so far.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// Keys are the values of the header "authorization" that have come so far.
func (c *Collector) Keys() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.keys...)
}

// Raw is everything that has come, as it came: what must not be told must not be
// in it.
func (c *Collector) Raw() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []byte
	for _, request := range c.requests {
		all = append(all, request...)
	}
	return all
}
