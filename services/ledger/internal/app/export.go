package app

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// journalFormat writes a journal for other programs. The methods are called in
// this order: begin once, entry for each entry in the order of days, end once.
type journalFormat interface {
	begin(exported journalExport) error
	entry(entry domain.Entry) error
	end() error
}

// journalExport is what is known before the first entry is read.
type journalExport struct {
	organization domain.Organization
	span         Span
	filter       EntryFilter
	head         domain.Head
	accounts     []AccountCurrency // every account that an exported entry moves
}

// exportPage is how many entries are read at a time.
const exportPage = 500

// ExportJournal writes the entries of a period that the filter lets through to
// w, whole and in the order of days, as "hledger" or "csv". What is exported is fixed when it begins: entries added
// meanwhile are left out, without keeping a transaction open while a slow
// reader takes the file. Nothing is written when the request is refused.
func (b *Books) ExportJournal(ctx context.Context, period Period, filter EntryFilter, format string, w io.Writer) error {
	buffered := bufio.NewWriterSize(w, 32<<10)
	writer, err := journalWriter(format, buffered)
	filter, fault := filter.checked()
	err = joinFaults(err, fault)
	if err != nil {
		return err
	}
	var exported journalExport
	err = b.Store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		exported, err = b.openExport(ctx, r, period, filter)
		return err
	})
	if err != nil {
		return fmt.Errorf("export journal: %w", err)
	}
	err = writer.begin(exported)
	if err != nil {
		return fmt.Errorf("export journal: %w", err)
	}
	err = b.writeEntries(ctx, exported, writer)
	if err != nil {
		return fmt.Errorf("export journal: %w", err)
	}
	err = writer.end()
	if err != nil {
		return fmt.Errorf("export journal: %w", err)
	}
	err = buffered.Flush()
	if err != nil {
		return fmt.Errorf("export journal: %w", err)
	}
	return nil
}

func journalWriter(format string, w *bufio.Writer) (journalFormat, error) {
	switch format {
	case "hledger":
		return &hledgerJournal{w: w}, nil
	case "csv":
		return &csvJournal{csv: newCSV(w)}, nil
	default:
		return nil, apperr.Invalid(apperr.Field{
			Name: "format", Reason: "FORMAT_UNKNOWN", Message: "A journal is exported as hledger or csv.",
		})
	}
}

func (b *Books) openExport(ctx context.Context, r Reader, period Period, filter EntryFilter) (journalExport, error) {
	organization, span, err := b.open(ctx, r, period)
	if err != nil {
		return journalExport{}, err
	}
	head, err := r.Head(ctx, organization.ID)
	if err != nil {
		return journalExport{}, fmt.Errorf("read head: %w", err)
	}
	// The filter's days narrow the period's, and are then no longer its own.
	span.From = max(span.From, filter.From)
	if filter.To != "" {
		span.To = min(span.To, filter.To)
	}
	filter.From, filter.To = "", ""
	accounts, err := r.AccountsIn(ctx, span, filter)
	if err != nil {
		return journalExport{}, fmt.Errorf("read accounts: %w", err)
	}
	return journalExport{organization: organization, span: span, filter: filter, head: head, accounts: accounts}, nil
}

func (b *Books) writeEntries(ctx context.Context, exported journalExport, writer journalFormat) error {
	var after DayCursor
	for {
		var entries []domain.Entry
		err := b.Store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
			var err error
			entries, err = r.EntriesByDay(ctx, exported.span, exported.filter, after, exportPage)
			return err
		})
		if err != nil {
			return fmt.Errorf("read entries: %w", err)
		}
		for _, entry := range entries {
			err := writer.entry(entry)
			if err != nil {
				return fmt.Errorf("write entry %d: %w", entry.Number, err)
			}
			after = DayCursor{Day: entry.BookedOn, Number: entry.Number}
		}
		if len(entries) < exportPage {
			return nil
		}
	}
}

// ExportTrialBalance writes the trial balance of a period to w as "csv".
func (b *Books) ExportTrialBalance(ctx context.Context, period Period, format string, w io.Writer) error {
	if format != "csv" {
		return apperr.Invalid(apperr.Field{
			Name: "format", Reason: "FORMAT_UNKNOWN", Message: "A trial balance is exported as csv.",
		})
	}
	balances, err := b.TrialBalance(ctx, period)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	buffered := bufio.NewWriterSize(w, 32<<10)
	err = writeTrialBalance(newCSV(buffered), balances)
	if err != nil {
		return fmt.Errorf("export trial balance: %w", err)
	}
	err = buffered.Flush()
	if err != nil {
		return fmt.Errorf("export trial balance: %w", err)
	}
	return nil
}

// entryCode is an entry's number as exports and pages write it. Longer numbers
// grow; they are never cut.
func entryCode(number int64) string { return fmt.Sprintf("JE-%06d", number) }
