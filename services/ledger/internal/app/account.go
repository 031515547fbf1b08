package app

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// AccountPage asks for one page of an account.
type AccountPage struct {
	Period
	Account  string // code, with its fund as the journal writes it
	Currency string // empty for the only one that the account has
	After    string // where the page before ended, empty begins
	Limit    int    // 0 and more than 500 mean 500
}

// AccountLine is one posting in its account. Minor units, debit positive.
type AccountLine struct {
	Place       LineCursor
	Description string
	Rule        string
	Minor       int64
	Balance     int64 // after this line
	DonationID  string
	Fund        string
}

// AccountLines is a page of an account. Opening is the balance before its first
// line, whatever the page; Closing the one at the end of the whole period.
type AccountLines struct {
	Account          string // name
	Currency         money.Currency
	Opening, Closing int64
	Lines            []AccountLine
	Next             string // cursor of the next page, empty on the last
	Currencies       []money.Currency
}

// AccountSpan is an account in one currency over a span.
type AccountSpan struct {
	Span
	AccountCurrency
}

// LineCursor is a place in an account: days, then numbers, then lines.
type LineCursor struct {
	Day    string
	Number int64
	Line   int
}

func (c LineCursor) String() string { return fmt.Sprintf("%s.%d.%d", c.Day, c.Number, c.Line) }

// parseLineCursor reads what String wrote. Cursors travel through addresses that
// people edit, so anything may come.
func parseLineCursor(text string) (LineCursor, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || !isDay(parts[0]) {
		return LineCursor{}, false
	}
	number, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || number < 1 {
		return LineCursor{}, false
	}
	line, err := strconv.ParseInt(parts[2], 10, 32)
	if err != nil || line < 1 {
		return LineCursor{}, false
	}
	return LineCursor{Day: parts[0], Number: number, Line: int(line)}, true
}

// ListPostings returns an account line by line in the order of days, with the
// balance after each. Balances are of the moment of asking: a line that is
// booked later on an earlier day is in the opening of the pages after it.
func (b *Books) ListPostings(ctx context.Context, page AccountPage) (AccountLines, error) {
	question, after, err := page.check()
	if err != nil {
		return AccountLines{}, err
	}
	limit := pageLimit(page.Limit)
	var answer AccountLines
	err = b.Store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		_, span, err := b.open(ctx, r, page.Period)
		if err != nil {
			return err
		}
		question.Span = span
		answer, err = readAccount(ctx, r, question, after, limit)
		return err
	})
	if err != nil {
		return AccountLines{}, fmt.Errorf("list postings: %w", err)
	}
	return answer, nil
}

// check reads what needs no books to be refused. An empty cursor is zero.
func (page AccountPage) check() (AccountSpan, LineCursor, error) {
	var question AccountSpan
	var after LineCursor
	var err error
	faults := append(dayFaults(page.From, page.To), limitFaults(page.Limit)...)
	question.Account, err = domain.ParseAccount(page.Account)
	if err != nil {
		faults = append(faults, noAccount())
	}
	if page.Currency != "" {
		question.Currency, err = money.ParseCurrency(page.Currency)
		if err != nil {
			faults = append(faults, noCurrency())
		}
	}
	if page.After != "" {
		var ok bool
		after, ok = parseLineCursor(page.After)
		if !ok {
			faults = append(faults, apperr.Field{Name: "after", Reason: "CURSOR_INVALID", Message: "This is no place in an account."})
		}
	}
	if len(faults) > 0 {
		return AccountSpan{}, LineCursor{}, apperr.Invalid(faults...)
	}
	return question, after, nil
}

func readAccount(ctx context.Context, r Reader, question AccountSpan, after LineCursor, limit int) (AccountLines, error) {
	var answer AccountLines
	var err error
	answer.Currencies, err = r.Currencies(ctx, question.OrganizationID, question.Account)
	if err != nil {
		return AccountLines{}, fmt.Errorf("currencies: %w", err)
	}
	if question.Currency.IsZero() {
		question.Currency, err = onlyCurrency(answer.Currencies)
		if err != nil {
			return AccountLines{}, err
		}
	}
	answer.Currency = question.Currency
	answer.Account, err = question.name()
	if err != nil {
		return AccountLines{}, err
	}
	answer.Opening, answer.Closing, err = r.AccountBalance(ctx, question, after)
	if err != nil {
		return AccountLines{}, fmt.Errorf("balance: %w", err)
	}
	answer.Lines, err = r.AccountLines(ctx, question, after, limit+1)
	if err != nil {
		return AccountLines{}, fmt.Errorf("lines: %w", err)
	}
	if len(answer.Lines) > limit {
		answer.Lines = answer.Lines[:limit]
		answer.Next = answer.Lines[limit-1].Place.String()
	}
	balance := answer.Opening
	for i := range answer.Lines {
		balance += answer.Lines[i].Minor
		answer.Lines[i].Balance = balance
	}
	return answer, nil
}

// name is the account's name; of one that nothing was posted to and that was
// asked for in no currency, the name without one.
func (a AccountCurrency) name() (string, error) {
	if a.Currency.IsZero() {
		return a.Account.Title()
	}
	return a.Account.Name(a.Currency)
}

// onlyCurrency refuses to guess: a balance in the wrong currency looks as good
// as one in the right one. An account without any has nothing to mistake.
func onlyCurrency(currencies []money.Currency) (money.Currency, error) {
	switch len(currencies) {
	case 0:
		return money.Currency{}, nil
	case 1:
		return currencies[0], nil
	}
	codes := make([]string, len(currencies))
	for i, currency := range currencies {
		codes[i] = currency.Code()
	}
	return money.Currency{}, apperr.Invalid(apperr.Field{
		Name: "currency", Reason: "CURRENCY_NEEDED", Message: "The account has several currencies, name one: " + strings.Join(codes, ", ") + ".",
	})
}
