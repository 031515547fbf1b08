package app

import (
	"fmt"
	"time"

	attributionv1 "github.com/almoner/almoner/proto/gen/almoner/attribution/v1"
	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

// All events of the service are built in this file. None carries personal data.

// succeededID is the id of a payment's success: by whichever route it is found,
// it is the same event.
func succeededID(d domain.Donation) string {
	return envelope.OnceID(d.AccountID, d.PaymentIntentID, "payment_intent", "succeeded")
}

func donationSucceeded(d domain.Donation, traceparent string) (envelope.Event, error) {
	event, err := envelope.New(succeededID(d), d.ID, d.Version, time.UnixMicro(d.PaidAt), traceparent, &donationv1.DonationSucceeded{
		DonationId:      d.ID,
		AccountId:       d.AccountID,
		Gift:            wireAmount(d.Gift),
		Cover:           wireAmount(d.Cover),
		Attribution:     wireAttribution(d.Attribution),
		Visibility:      wireVisibility(d.Visibility),
		PaymentIntentId: d.PaymentIntentID,
		ChargeId:        d.ChargeID,
		PaidAt:          d.PaidAt,
		Late:            d.Late,
		RecurringPlanId: d.PlanID,
		InvoiceId:       d.InvoiceID,
		Delayed:         domain.Delayed(d.Delayable, d.ChargeID),
	})
	if err != nil {
		return envelope.Event{}, fmt.Errorf("donation %s succeeded: %w", d.ID, err)
	}
	return event, nil
}

// balanceTransactionRecorded tells of a transaction of a gift, or, when that is nil, of
// one that belongs to none.
func balanceTransactionRecorded(t Transaction, d *PaidGift) (envelope.Event, error) {
	message := &donationv1.BalanceTransactionRecorded{
		TransactionId:     t.ID,
		AccountId:         t.AccountID,
		ReportingCategory: t.Category,
		Amount:            wireMoney(t.Amount),
		Fee:               wireMoney(t.Fee),
		Net:               wireMoney(t.Net),
		ExchangeRate:      t.ExchangeRate,
		SourceId:          t.SourceID,
		OrganizationId:    t.OrganizationID,
		DonationId:        t.DonationID,
		Foreign:           t.Foreign,
		PaymentIntentId:   t.PaymentIntentID,
		CreatedAt:         t.CreatedAt,
		ChargeId:          t.ChargeID,
	}
	traceparent := ""
	if d != nil {
		message.Attribution, message.RecurringPlanId = wireAttribution(d.Attribution), d.PlanID
		message.Delayed, traceparent = domain.Delayed(d.Delayable, t.ChargeID), d.Traceparent
		message.Foreign = d.Beside && !own(t)
	}
	if t.SourceAmount.Currency != "" {
		message.SourceAmount = wireMoney(t.SourceAmount)
	}
	for _, f := range t.FeeDetails {
		message.FeeDetails = append(message.FeeDetails, &donationv1.FeeDetail{
			Type: f.Type, Amount: wireMoney(f.Amount), Description: f.Description,
		})
	}
	id := envelope.OnceID(t.AccountID, t.ID, "balance_transaction", "recorded")
	event, err := envelope.New(id, t.ID, 1, time.UnixMicro(t.CreatedAt), traceparent, message)
	if err != nil {
		return envelope.Event{}, fmt.Errorf("balance transaction %s recorded: %w", t.ID, err)
	}
	return event, nil
}

func wireAmount(a money.Amount) *moneyv1.Money {
	return &moneyv1.Money{Minor: a.Minor, Currency: a.Currency.Code()}
}

func wireMoney(m Money) *moneyv1.Money {
	return &moneyv1.Money{Minor: m.Minor, Currency: m.Currency}
}

func wireAttribution(at domain.Attribution) *attributionv1.Attribution {
	class := attributionv1.FundClass_FUND_CLASS_UNSPECIFIED
	switch at.FundClass {
	case domain.Restricted:
		class = attributionv1.FundClass_FUND_CLASS_RESTRICTED
	case domain.Unrestricted:
		class = attributionv1.FundClass_FUND_CLASS_UNRESTRICTED
	}
	return &attributionv1.Attribution{
		OrganizationId: at.OrganizationID, AppealId: at.AppealID, FundCode: at.FundCode, FundClass: class,
		FundraiserId: at.FundraiserID, TeamId: at.TeamID, ShareCode: at.ShareCode,
	}
}

func wireVisibility(v domain.Visibility) donationv1.Visibility {
	switch v {
	case domain.Public:
		return donationv1.Visibility_VISIBILITY_PUBLIC
	case domain.FirstName:
		return donationv1.Visibility_VISIBILITY_FIRST_NAME
	case domain.Anonymous:
	}
	return donationv1.Visibility_VISIBILITY_ANONYMOUS
}
