// Package consume applies the events that the books are made from. It
// translates facts into the domain's words; a fact that makes no sense there
// can never be booked, and its permanent error parks it with its aggregate.
package consume

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	attributionv1 "github.com/almoner/almoner/proto/gen/almoner/attribution/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// Handlers are the event handlers. Each applies a batch in the consumer's
// transaction, and twice is the same as once.
type Handlers struct {
	Poster *app.Poster
	// Bind makes the consumer's transaction one that the use cases write with.
	Bind func(*database.Tx) app.Tx
}

// translate turns the events of a batch into facts with where they came from.
func translate[M proto.Message, F any](items []feed.Item[M], fact func(M) (F, error)) ([]app.Received[F], error) {
	facts := make([]app.Received[F], len(items))
	for i, item := range items {
		f, err := fact(item.Message)
		if err != nil {
			return nil, unusable(item.ID, err)
		}
		facts[i] = app.Received[F]{Fact: f, EventID: item.ID, TraceID: item.TraceID}
	}
	return facts, nil
}

// unusable says that an event will never mean anything to the books.
func unusable(eventID string, cause error) error {
	return apperr.Wrap(fmt.Errorf("event %s: %w", eventID, cause), apperr.InvalidArgument,
		"UNUSABLE_EVENT", "The event does not say what the books need.")
}

// keep applies a batch of copies, where only the newest version counts.
func keep[M proto.Message, C any](
	ctx context.Context, h Handlers, tx *database.Tx, items []feed.Item[M], copied func(M) C,
	save func(context.Context, app.Tx, []C) error,
) error {
	copies := make([]C, len(items))
	for i, item := range items {
		copies[i] = copied(item.Message)
	}
	return save(ctx, h.Bind(tx), copies)
}

func attribution(m *attributionv1.Attribution) domain.Attribution {
	return domain.Attribution{
		OrganizationID: m.GetOrganizationId(),
		AppealID:       m.GetAppealId(),
		FundCode:       m.GetFundCode(),
		FundClass:      fundClasses[m.GetFundClass()],
		FundraiserID:   m.GetFundraiserId(),
		TeamID:         m.GetTeamId(),
	}
}

// fundClasses leaves out the unspecified and every class of a later version:
// they become the zero value, which no rule books.
var fundClasses = map[attributionv1.FundClass]domain.FundClass{
	attributionv1.FundClass_FUND_CLASS_UNRESTRICTED: domain.FundUnrestricted,
	attributionv1.FundClass_FUND_CLASS_RESTRICTED:   domain.FundRestricted,
}

// amount reads an amount that must be there.
func amount(what string, m *moneyv1.Money) (money.Amount, error) {
	currency, err := money.ParseCurrency(m.GetCurrency())
	if err != nil {
		return money.Amount{}, fmt.Errorf("%s: %w", what, err)
	}
	return money.Amount{Minor: m.GetMinor(), Currency: currency}, nil
}

// amountOrZero reads an amount that may be left out and is then nothing, in the
// currency of the amount that it is a part of.
func amountOrZero(what string, m *moneyv1.Money, of money.Amount) (money.Amount, error) {
	if m.GetMinor() == 0 && m.GetCurrency() == "" {
		return money.Amount{Currency: of.Currency}, nil
	}
	return amount(what, m)
}
