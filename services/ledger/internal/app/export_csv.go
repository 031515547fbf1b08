package app

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// newCSV writes RFC 4180: lines end with CRLF, whatever the machine.
func newCSV(w *bufio.Writer) *csv.Writer {
	writer := csv.NewWriter(w)
	writer.UseCRLF = true
	return writer
}

// cell makes text safe in a spreadsheet, which would compute what begins like a
// formula. Only text goes through here: a negative amount begins with a minus
// and must stay a number.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// journalColumns is the header of the journal as CSV. Programs outside read it
// by name: columns are added at the end and never renamed.
var journalColumns = []string{
	"entry_id", "line_no", "posted_date", "occurred_at", "account_code", "account_name", "class",
	"fund", "appeal", "fundraiser", "team", "channel", "currency", "debit", "credit", "description",
	"rule", "event_id", "stripe_object", "txn_id", "donation", "trace_id", "hash",
}

// csvJournal writes one line per posting.
type csvJournal struct {
	csv *csv.Writer
}

func (j *csvJournal) begin(journalExport) error { return j.csv.Write(journalColumns) }

func (j *csvJournal) entry(entry domain.Entry) error {
	objects, transaction := splitStripeIDs(entry.StripeIDs)
	for i, posting := range entry.Postings {
		name, err := posting.Account.Name(posting.Amount.Currency)
		if err != nil {
			return err
		}
		debit, credit, err := sides(posting.Amount)
		if err != nil {
			return err
		}
		err = j.csv.Write([]string{
			entryCode(entry.Number), strconv.Itoa(i + 1), entry.BookedOn, entry.OccurredAt.UTC().Format(time.RFC3339),
			cell(string(posting.Account)), cell(name), posting.Account.Class().String(),
			cell(posting.Fund), cell(posting.Appeal), cell(posting.Fundraiser), cell(posting.Team), cell(posting.Channel),
			posting.Amount.Currency.Code(), debit, credit, cell(plain(entry.Description)),
			cell(entry.Rule.Name), cell(entry.EventID), cell(objects), cell(transaction),
			cell(entry.DonationID), cell(entry.TraceID), entry.Hash,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (j *csvJournal) end() error {
	j.csv.Flush()
	return j.csv.Error()
}

// splitStripeIDs takes the balance transaction out of an entry's objects: it is
// what a line is found by in Stripe's own reports.
func splitStripeIDs(ids []string) (objects, transaction string) {
	var rest []string
	for _, id := range ids {
		if strings.HasPrefix(id, "txn_") {
			transaction = id
			continue
		}
		rest = append(rest, id)
	}
	return strings.Join(rest, " "), transaction
}

// sides writes an amount in the debit or in the credit column, always positive;
// the other one stays blank.
func sides(amount money.Amount) (debit, credit string, err error) {
	if amount.Minor >= 0 {
		return money.Decimal(amount), "", nil
	}
	positive, err := amount.Neg()
	if err != nil {
		return "", "", err
	}
	return "", money.Decimal(positive), nil
}

// writeTrialBalance writes one line per account and currency.
func writeTrialBalance(w *csv.Writer, balances []Balance) error {
	err := w.Write([]string{"account_code", "account_name", "currency", "opening", "debits", "credits", "closing"})
	if err != nil {
		return err
	}
	for _, b := range balances {
		name, err := b.Account.Name(b.Currency)
		if err != nil {
			return fmt.Errorf("write trial balance: %w", err)
		}
		decimal := func(minor int64) string {
			return money.Decimal(money.Amount{Minor: minor, Currency: b.Currency})
		}
		err = w.Write([]string{
			cell(string(b.Account)), cell(name), b.Currency.Code(),
			decimal(b.Opening), decimal(b.Debits), decimal(b.Credits), decimal(b.Closing),
		})
		if err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}
