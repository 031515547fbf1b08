package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"

	"github.com/almoner/almoner/services/internal/demo"
	"github.com/almoner/almoner/services/internal/node"
)

type command struct {
	// words that name the command.
	words []string
	usage string
	does  string
	run   func(p program, ctx context.Context, args []string) error
}

func (c command) match(args []string) (rest []string, ok bool) {
	if len(args) < len(c.words) || !slices.Equal(args[:len(c.words)], c.words) {
		return nil, false
	}
	return args[len(c.words):], true
}

// commands in the order in which help shows them; a longer name stands before a
// shorter one that begins alike.
func commands() []command {
	return []command{
		{[]string{"run"}, "run [--target=SERVICE,…]", "runs everything in one process, or these services", program.runNode},
		{[]string{"migrate"}, "migrate [--target=SERVICE,…]", "brings every configured database up to date, or those of these services", program.migrate},
		{[]string{"check"}, "check [--target=SERVICE,…]", "prints the configuration without its secrets and tries everything that it names; exit 1 when something is wrong", program.check},
		{[]string{"recover"}, "recover FEED [--yes]", "shows how a feed has forked, and with --yes ends that; exit 0 no fork any more, 1 a fork and nothing changed", program.recoverFeed},
		{[]string{"keys", "nats"}, "keys nats --out DIR", "writes a key for each service that is not there, and users.conf with what each may do", program.keysNATS},
		{[]string{"keys", "person"}, "keys person", "draws the pair of keys by which the site's people are believed in other processes", program.keysPerson},
		{[]string{"load"}, "load FILE", "organizations, funds, appeals and pages from YAML", program.load},
		{[]string{"stripe", "setup"}, "stripe setup [--url URL] [--secret-file FILE]", "makes the webhook endpoint at Stripe, or brings it in line, and tries what the key may do; a new endpoint's secret is printed once, or written to the file; exit 1 when something is missing", program.stripeSetup},
		{[]string{"stripe", "check"}, "stripe check [--url URL]", "looks at endpoint and key, and changes nothing; exit 1 when something is missing", program.stripeCheck},
		{[]string{"demo"}, "demo [--json]", "gives through a running instance, prints where each gift ended", program.demo},
		{[]string{"audit", "verify"}, "audit verify", "walks the hash chains", program.auditVerify},
		{[]string{"audit"}, "audit [--json] [--wait 30s] [--metrics FILE|URL] [--every 1h]", "prints the conservation table, and writes its outcome for Prometheus, to a file or a push gateway; exit 0 equal, 1 different, 2 not caught up. With --every it does so again and again", program.audit},
		{[]string{"export", "journal"}, "export journal --format hledger|csv [--organization O] [--from D] [--to D] [--output FILE]", "the journal", program.exportJournal},
		{[]string{"export", "trial-balance"}, "export trial-balance --format csv [--organization O] [--from D] [--to D] [--output FILE]", "the trial balance", program.exportTrialBalance},
		{[]string{"parked", "list"}, "parked list", "what could not be applied", program.parkedList},
		{[]string{"parked", "retry"}, "parked retry [SERVICE/ID]", "applies it again, in order", program.parkedRetry},
		{[]string{"rebuild"}, "rebuild SERVICE [--check]", "folds totals (fundraiser) again, or derives books (ledger) and dues (receipt) beside them; exit 1 when something differed. On PostgreSQL it takes the migrator's URL to replace totals", program.rebuild},
		{[]string{"backup"}, "backup DIR", "copies all SQLite databases as they are at one moment, beside a running instance", program.backup},
		{[]string{"restore"}, "restore [--only SERVICE,…] DIR", "puts a backup in place, of all services or of some, while nothing runs", program.restore},
		{[]string{"version"}, "version", "version, commit, Stripe API version", program.version},
	}
}

// flags parses args; positional arguments beyond want are a wrong call.
func (p program) flags(name string, args []string, define func(*flag.FlagSet), want int) ([]string, error) {
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	if define != nil {
		define(set)
	}
	err := set.Parse(args)
	if err != nil {
		return nil, usagef("%s: %s", name, err)
	}
	if set.NArg() > want {
		return nil, usagef("%s: unexpected %q", name, set.Arg(want))
	}
	return set.Args(), nil
}

func (p program) runNode(ctx context.Context, args []string) error {
	target, err := p.target("run", args)
	if err != nil {
		return err
	}
	cfg, err := p.config(node.LoadConfig(p.environ, target...))
	if err != nil {
		return err
	}
	n, err := node.Open(ctx, cfg, cfg.Logger(p.stderr, slog.LevelInfo))
	if err != nil {
		return err
	}
	return errors.Join(n.Run(ctx), n.Close())
}

// target reads the one flag of commands that can be for some services alone.
func (p program) target(name string, args []string) ([]string, error) {
	var services string
	_, err := p.flags(name, args, func(set *flag.FlagSet) { set.StringVar(&services, "target", "", "") }, 0)
	if err != nil {
		return nil, err
	}
	target, err := node.ParseTarget(services)
	if err != nil {
		return nil, usagef("%s: --target: %s", name, err)
	}
	return target, nil
}

func (p program) migrate(ctx context.Context, args []string) error {
	target, err := p.target("migrate", args)
	if err != nil {
		return err
	}
	cfg, err := p.config(node.LoadMigrateConfig(p.environ, target...))
	if err != nil {
		return err
	}
	return node.Migrate(ctx, cfg, p.logger(slog.LevelInfo))
}

func (p program) check(ctx context.Context, args []string) error {
	target, err := p.target("check", args)
	if err != nil {
		return err
	}
	return report(node.Check(ctx, p.environ, target...), p.stdout)
}

// operate runs do with the services' own code on the configured databases.
func (p program) operate(ctx context.Context, do func(*node.Operator) error) error {
	cfg, err := p.config(node.LoadOperatorConfig(p.environ))
	if err != nil {
		return err
	}
	operator, err := node.OpenOperator(ctx, cfg, p.logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	return errors.Join(do(operator), operator.Close())
}

func (p program) load(ctx context.Context, args []string) error {
	rest, err := p.flags("load", args, nil, 1)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usagef("load: which file? (- for standard input)")
	}
	input := p.stdin
	if rest[0] != "-" {
		file, err := os.Open(rest[0])
		if err != nil {
			return err
		}
		defer file.Close()
		input = file
	}
	return p.operate(ctx, func(o *node.Operator) error {
		report, err := o.Load(ctx, input)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(p.stdout, report)
		return err
	})
}

func (p program) demo(ctx context.Context, args []string) error {
	var asJSON bool
	_, err := p.flags("demo", args, func(set *flag.FlagSet) { set.BoolVar(&asJSON, "json", false, "") }, 0)
	if err != nil {
		return err
	}
	return p.operate(ctx, func(o *node.Operator) error {
		result, err := demo.New(demo.Config{BaseURL: o.BaseURL(), SimulatorURL: o.SimulatorURL(), Conn: o.Conn()}).Run(ctx)
		if err != nil {
			return err
		}
		write := result.WriteTable
		if asJSON {
			write = result.WriteJSON
		}
		err = write(p.stdout)
		if err == nil && !result.OK {
			err = exitError{1}
		}
		return err
	})
}

func (p program) auditVerify(ctx context.Context, args []string) error {
	_, err := p.flags("audit verify", args, nil, 0)
	if err != nil {
		return err
	}
	return p.operate(ctx, func(o *node.Operator) error {
		resp, err := ledgerv1.NewLedgerServiceClient(o.Conn()).VerifyChain(ctx, &ledgerv1.VerifyChainRequest{})
		if err != nil {
			return err
		}
		catalogue, err := fundraiserv1.NewFundraiserServiceClient(o.Conn()).ListAppeals(ctx, &fundraiserv1.ListAppealsRequest{})
		if err != nil {
			return err
		}
		slugs := map[string]string{}
		for _, organization := range catalogue.GetOrganizations() {
			slugs[organization.GetOrganizationId()] = organization.GetSlug()
		}
		broken := false
		for _, chain := range resp.GetChains() {
			verdict := "unbroken"
			if chain.GetFault() != "" {
				verdict, broken = "BROKEN: "+chain.GetFault(), true
			}
			fmt.Fprintf(p.stdout, "%s  %d entries  head %s  %s\n", cmp.Or(slugs[chain.GetOrganizationId()], chain.GetOrganizationId()), chain.GetEntries(), chain.GetHeadHash(), verdict)
		}
		if broken {
			return exitError{1}
		}
		return nil
	})
}

// selection is what both exports can be narrowed by.
type selection struct{ format, organization, from, to, output string }

func (s *selection) define(set *flag.FlagSet) {
	set.StringVar(&s.format, "format", "", "")
	set.StringVar(&s.organization, "organization", "", "")
	set.StringVar(&s.from, "from", "", "")
	set.StringVar(&s.to, "to", "", "")
	set.StringVar(&s.output, "output", "", "")
}

func (p program) exportJournal(ctx context.Context, args []string) error {
	var s selection
	_, err := p.flags("export journal", args, s.define, 0)
	if err != nil {
		return err
	}
	return p.export(ctx, s, []string{"hledger", "csv"}, func(ledger ledgerv1.LedgerServiceClient) (func() ([]byte, error), error) {
		stream, err := ledger.ExportJournal(ctx, &ledgerv1.ExportJournalRequest{
			Organization: s.organization, Format: s.format, From: s.from, To: s.to,
		})
		if err != nil {
			return nil, err
		}
		return func() ([]byte, error) { part, err := stream.Recv(); return part.GetChunk(), err }, nil
	})
}

func (p program) exportTrialBalance(ctx context.Context, args []string) error {
	var s selection
	_, err := p.flags("export trial-balance", args, s.define, 0)
	if err != nil {
		return err
	}
	return p.export(ctx, s, []string{"csv"}, func(ledger ledgerv1.LedgerServiceClient) (func() ([]byte, error), error) {
		stream, err := ledger.ExportTrialBalance(ctx, &ledgerv1.ExportTrialBalanceRequest{
			Organization: s.organization, Format: s.format, From: s.from, To: s.to,
		})
		if err != nil {
			return nil, err
		}
		return func() ([]byte, error) { part, err := stream.Recv(); return part.GetChunk(), err }, nil
	})
}

func (p program) export(ctx context.Context, s selection, formats []string, open func(ledgerv1.LedgerServiceClient) (func() ([]byte, error), error)) error {
	if !slices.Contains(formats, s.format) {
		return usagef("export: --format is one of %s", strings.Join(formats, ", "))
	}
	return p.operate(ctx, func(o *node.Operator) error {
		write := func(w io.Writer) error {
			next, err := open(ledgerv1.NewLedgerServiceClient(o.Conn()))
			if err != nil {
				return err
			}
			return copyParts(w, next)
		}
		if s.output == "" {
			return write(p.stdout)
		}
		return writeWhole(s.output, write)
	})
}

func copyParts(w io.Writer, next func() ([]byte, error)) error {
	for {
		part, err := next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = w.Write(part)
		if err != nil {
			return fmt.Errorf("write the export: %w", err)
		}
	}
}

// writeWhole leaves the whole export under that name or nothing: half a journal
// that balances is the worst thing to import.
func writeWhole(name string, write func(io.Writer) error) error {
	file, err := os.CreateTemp(dirOf(name), ".almoner-export-*")
	if err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	defer os.Remove(file.Name())
	err = write(file)
	err = errors.Join(err, file.Close())
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}

func dirOf(name string) string {
	if i := strings.LastIndexByte(name, os.PathSeparator); i >= 0 {
		return name[:i+1]
	}
	return "."
}

func (p program) parkedList(ctx context.Context, args []string) error {
	_, err := p.flags("parked list", args, nil, 0)
	if err != nil {
		return err
	}
	return p.operate(ctx, func(o *node.Operator) error {
		parking := feedv1.NewParkingServiceClient(o.Conn())
		for _, service := range node.Services() {
			resp, err := parking.ListParked(ctx, &feedv1.ListParkedRequest{Service: service})
			if err != nil {
				return fmt.Errorf("%s: %w", service, err)
			}
			for _, item := range resp.GetItems() {
				waiting := ""
				if item.GetWaiting() {
					waiting = " (waits, retried by itself)"
				}
				fmt.Fprintf(p.stdout, "%s/%s  %s  %s  since %s  tried %d times%s: %s\n", service, item.GetId(), item.GetType(), item.GetAggregateId(),
					time.UnixMicro(item.GetSince()).UTC().Format(time.RFC3339), item.GetAttempts(), waiting, item.GetReason())
			}
		}
		return nil
	})
}

func (p program) parkedRetry(ctx context.Context, args []string) error {
	rest, err := p.flags("parked retry", args, nil, 1)
	if err != nil {
		return err
	}
	services, id := node.Services(), ""
	if len(rest) == 1 {
		service, item, found := strings.Cut(rest[0], "/")
		if !found || !slices.Contains(services, service) {
			return usagef("parked retry: an item is named SERVICE/ID, as `parked list` prints it")
		}
		services, id = []string{service}, item
	}
	return p.operate(ctx, func(o *node.Operator) error {
		parking := feedv1.NewParkingServiceClient(o.Conn())
		left := int32(0)
		for _, service := range services {
			resp, err := parking.RetryParked(ctx, &feedv1.RetryParkedRequest{Service: service, Id: id})
			if err != nil {
				return fmt.Errorf("%s: %w", service, err)
			}
			left += resp.GetParked()
			fmt.Fprintf(p.stdout, "%s: %d applied, %d still parked\n", service, resp.GetApplied(), resp.GetParked())
		}
		if left > 0 {
			return exitError{1}
		}
		return nil
	})
}

func (p program) version(_ context.Context, args []string) error {
	_, err := p.flags("version", args, nil, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "almoner %s\ncommit %s\nStripe API %s\n", version, commit, node.StripeAPIVersion)
	return err
}
