package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"

	"github.com/almoner/almoner/services/internal/audit"
	"github.com/almoner/almoner/services/internal/money"
)

// Config says where the instance is.
type Config struct {
	// BaseURL of the public site.
	BaseURL string
	// SimulatorURL is where the Stripe simulator answers.
	SimulatorURL string
	// Conn reaches the services as an operator.
	Conn grpc.ClientConnInterface
	// Patience is how long a gift may take to arrive everywhere; 0 means 30 s.
	Patience time.Duration
	// GiftsAlone leaves out what happens to money after it was given, and monthly
	// gifts.
	GiftsAlone bool
}

// Demo plays donors. Use it once.
type Demo struct {
	baseURL, simulatorURL string
	patience              time.Duration
	giftsAlone            bool
	donor                 *donor
	auditor               *audit.Auditor
	donation              donationv1.DonationServiceClient
	fundraiser            fundraiserv1.FundraiserServiceClient
	ledger                ledgerv1.LedgerServiceClient
	receipt               receiptv1.ReceiptServiceClient
}

// New returns a demo of the instance that cfg names.
func New(cfg Config) *Demo {
	if cfg.Patience == 0 {
		cfg.Patience = 30 * time.Second
	}
	return &Demo{
		baseURL:      strings.TrimSuffix(cfg.BaseURL, "/"),
		simulatorURL: strings.TrimSuffix(cfg.SimulatorURL, "/"),
		patience:     cfg.Patience,
		giftsAlone:   cfg.GiftsAlone,
		donor:        newDonor(http.DefaultTransport),
		auditor:      audit.New(cfg.Conn),
		donation:     donationv1.NewDonationServiceClient(cfg.Conn),
		fundraiser:   fundraiserv1.NewFundraiserServiceClient(cfg.Conn),
		ledger:       ledgerv1.NewLedgerServiceClient(cfg.Conn),
		receipt:      receiptv1.NewReceiptServiceClient(cfg.Conn),
	}
}

// Result is the whole answer of the demo.
type Result struct {
	OK    bool   `json:"ok"`
	Gifts []Line `json:"gifts"`
	// Cases are what happened to money after it was given.
	Cases []Case       `json:"cases"`
	Audit audit.Report `json:"audit"`
}

// Donors who give at the same time, so that webhooks of several gifts mix.
const together = 4

// Run plays all stories and audits. An error means that it could not be played;
// a gift that ended wrongly is in the result.
func (d *Demo) Run(ctx context.Context) (Result, error) {
	gifts, err := d.scenario(ctx)
	if err != nil {
		return Result{}, err
	}
	restore, err := d.disturb(ctx)
	if err != nil {
		return Result{}, err
	}
	defer restore()

	lines := make([]Line, len(gifts))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(together)
	for n, g := range gifts {
		group.Go(func() error {
			donationID, err := d.give(groupCtx, n+1, g)
			if err != nil {
				return fmt.Errorf("%s (%s): %w", g.story, g.path, err)
			}
			lines[n] = d.follow(groupCtx, donationID, g)
			return nil
		})
	}
	err = group.Wait()
	if err != nil {
		return Result{}, err
	}
	var cases []Case
	if !d.giftsAlone {
		cases, err = d.afterwards(ctx)
		if err != nil {
			return Result{}, err
		}
	}
	report, err := d.auditor.Run(ctx, d.patience)
	if err != nil {
		return Result{}, fmt.Errorf("audit: %w", err)
	}
	result := Result{OK: report.OK, Gifts: lines, Cases: cases, Audit: report}
	for _, line := range lines {
		result.OK = result.OK && line.Fault == ""
	}
	for _, told := range cases {
		result.OK = result.OK && told.Fault == ""
	}
	return result, nil
}

// disturb has every webhook delivered twice and out of order, until restore.
func (d *Demo) disturb(ctx context.Context) (restore func(), err error) {
	// Held back a little, webhooks of several gifts gather and leave mixed.
	err = d.setKnobs(ctx, map[string]any{"duplicate": 1, "order": map[string]any{"mode": "shuffle", "window": 20, "hold_ms": 50}})
	if err != nil {
		return nil, fmt.Errorf("the simulator at %s does not answer; the demo pays with test cards and needs it: %w", d.simulatorURL, err)
	}
	return func() {
		// The demo may have been interrupted: put the knobs back all the same.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = d.setKnobs(ctx, map[string]any{"duplicate": nil, "order": nil}) // the instance may be gone by now
	}, nil
}

func (d *Demo) setKnobs(ctx context.Context, knobs map[string]any) error {
	body, err := json.Marshal(knobs)
	if err != nil {
		return fmt.Errorf("encode knobs: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.simulatorURL+"/_sim/knobs", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("set knobs: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := d.donor.do(req)
	if err != nil {
		return err
	}
	if answer.status >= 300 {
		return fmt.Errorf("set knobs: status %d", answer.status)
	}
	return nil
}

// WriteJSON writes the result for scripts.
func (r Result) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// WriteTable writes the result for people.
func (r Result) WriteTable(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "gift\tamount\tstate\tStripe id\tevent\ttotal\tentries\treceipt\ttrace id\tms to total\tledger\treceipt")
	for _, line := range r.Gifts {
		fmt.Fprintln(tw, strings.Join([]string{
			line.Story, line.Amount + " " + line.Currency, state(line), dash(line.PaymentIntent),
			number(line.EventPos), total(line), entries(line.Entries), dash(line.Receipt), dash(line.TraceID),
			took(line, line.TotalMillis), took(line, line.LedgerMillis), took(line, line.ReceiptMillis),
		}, "\t"))
	}
	err := tw.Flush()
	if err != nil {
		return err
	}
	for _, line := range r.Gifts {
		if line.Fault != "" {
			fmt.Fprintf(w, "\nWRONG: %s, donation %s: %s", line.Story, line.Donation, line.Fault)
		}
	}
	err = r.writeCases(w)
	if err != nil {
		return err
	}
	fmt.Fprintln(w)
	return r.Audit.WriteTable(w)
}

// writeCases writes each case with its entries.
func (r Result) writeCases(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, told := range r.Cases {
		fmt.Fprintf(tw, "\n%s\t%s\t%s\n", told.Story, told.StripeID, told.Receipt)
		for _, entry := range told.Entries {
			label := fmt.Sprintf("JE-%06d %s", entry.Number, entry.Rule)
			for _, posting := range entry.Postings {
				fmt.Fprintf(tw, "  %s\t%s\t%s %s\n", label, posting.Account, posting.Amount, posting.Currency)
				label = ""
			}
		}
		if told.Fault != "" {
			fmt.Fprintf(tw, "WRONG: %s\n", told.Fault)
		}
	}
	return tw.Flush()
}

func state(line Line) string {
	if line.Decline != "" {
		return line.State + " (" + line.Decline + ")"
	}
	return line.State
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func number(n int64) string {
	if n == 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}

// total is written like the amount beside it, in the currency's own units.
func total(line Line) string {
	currency, err := money.ParseCurrency(line.Currency)
	if err != nil || line.Total == 0 {
		return "-"
	}
	return money.Decimal(money.Amount{Minor: line.Total, Currency: currency})
}

func entries(numbers []int64) string {
	var parts []string
	for _, n := range numbers {
		parts = append(parts, "JE-"+fmt.Sprintf("%06d", n))
	}
	return dash(strings.Join(parts, " "))
}

func took(line Line, ms int64) string {
	if line.Receipt == "" {
		return "-"
	}
	return strconv.FormatInt(ms, 10)
}
