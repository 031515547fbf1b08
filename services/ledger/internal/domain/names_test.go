package domain_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// Whoever shows the journal offers its rules by name. All that is booked here, of gifts,
// of their second payments and of what is nobody's gift, is by a rule that is told of,
// and none is told of that nothing is booked by.
func TestEntriesAreMadeByTheRulesThatAreTold(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	note := func(drafts []domain.Draft, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range drafts {
			used[d.Header().Rule.Name] = true
		}
	}
	one := func(d domain.Draft, err error) ([]domain.Draft, error) { return []domain.Draft{d}, err }

	g := appealGift(100_00, 3_30)
	instalment := g
	instalment.RecurringPlanID = "plan-1"
	note(one(domain.BookGift(g)))
	note(one(domain.BookGift(instalment)))
	note(one(domain.BookRefund(refundOf(g, 103_30, 100_00, 3_30, 0))))
	note(one(domain.BookRefundFailed(refundOf(g, 103_30, -100_00, -3_30, 0))))
	note(one(domain.BookLostDispute(lost(g, 103_30, 100_00, 3_30, 0))))

	transactions := []domain.Transaction{charge(euros(103_30), euros(3_30))}
	converted := charge(dollars(108_50), dollars(5_32))
	converted.Source = euros(103_30)
	transactions = append(transactions, converted)
	for category := range reported() {
		transactions = append(transactions, aftermath(category, "obj_1"))
	}
	for _, x := range transactions {
		late := x
		late.Delayed = true
		if late.ChargeID == "" {
			late.ChargeID = late.SourceID
		}
		second := late
		second.Foreign = true
		for _, about := range []domain.Transaction{x, late, second, abroad(x), abroad(late)} {
			note(domain.BookTransaction(about))
		}
	}
	if told := domain.Rules(); !slices.Equal(slices.Sorted(maps.Keys(used)), told) {
		t.Errorf("entries are made by %q\nand told are %q", slices.Sorted(maps.Keys(used)), told)
	}
}
