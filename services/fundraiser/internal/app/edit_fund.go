package app

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

// ListFunds returns all funds, by organization and code.
func (a *App) ListFunds(ctx context.Context) ([]domain.Fund, error) {
	var funds []domain.Fund
	err := a.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		var err error
		funds, err = tx.Funds(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list funds: %w", err)
	}
	return funds, nil
}

// SaveFund makes a fund, when it has no id, or changes one's name, and tells
// who keeps a copy. Code and class of a fund stay: the books rest on them.
func (a *App) SaveFund(ctx context.Context, personID string, fund domain.Fund) (domain.Fund, error) {
	fund.Name = domain.OneLine(fund.Name)
	var after domain.Fund
	err := a.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		err := tx.LockCatalogue(ctx)
		if err != nil {
			return err
		}
		before, exists, err := fundBefore(ctx, tx, fund)
		if err != nil {
			return err
		}
		after = fund
		after.ID = domain.FundID(fund.OrganizationID, fund.Code)
		after.Version = before.Version
		if exists && after == before {
			return nil
		}
		after.Version++
		return a.putFund(ctx, tx, personID, before, after)
	})
	if err != nil {
		return domain.Fund{}, fmt.Errorf("save fund: %w", err)
	}
	return after, nil
}

// fundBefore returns the fund that is to be changed, or what stands in the way
// of the new one.
func fundBefore(ctx context.Context, tx Tx, fund domain.Fund) (before domain.Fund, exists bool, err error) {
	funds, err := tx.Funds(ctx)
	if err != nil {
		return domain.Fund{}, false, err
	}
	var problems domain.Problems
	domain.CheckFund("", fund, &problems)
	if fund.ID == "" {
		_, found, err := tx.Organization(ctx, fund.OrganizationID)
		if err != nil {
			return domain.Fund{}, false, err
		}
		if !found {
			problems.Add("organization_id", "is none that there is")
		}
		for _, other := range funds {
			if other.OrganizationID == fund.OrganizationID && other.Code == fund.Code {
				problems.Add("code", "is that of another fund")
			}
		}
		return domain.Fund{}, false, inForm(problems)
	}
	for _, kept := range funds {
		if kept.ID != fund.ID {
			continue
		}
		if kept.Version != fund.Version {
			return domain.Fund{}, false, errChanged
		}
		const fixed = "cannot change: the books rest on it; make another fund"
		if kept.OrganizationID != fund.OrganizationID {
			problems.Add("organization_id", fixed)
		}
		if kept.Code != fund.Code {
			problems.Add("code", fixed)
		}
		if kept.Class != fund.Class {
			problems.Add("class", fixed)
		}
		return kept, true, inForm(problems)
	}
	return domain.Fund{}, false, errNoFund
}

// putFund writes a fund with all that follows from it.
func (a *App) putFund(ctx context.Context, tx Tx, personID string, before, after domain.Fund) error {
	at := a.moment()
	err := tx.PutFund(ctx, after)
	if err != nil {
		return err
	}
	change := Change{
		At: at, PersonID: personID, Subject: FundSubject, SubjectID: after.ID, SubjectName: after.Code,
		Action: "created", Fields: difference(nil, sayFund(after)),
	}
	if before.Version > 0 {
		change.Action, change.Fields = "changed", difference(sayFund(before), sayFund(after))
	}
	err = tx.AddChanges(ctx, []Change{change})
	if err != nil {
		return err
	}
	event, err := fundChanged(ctx, after, at)
	if err != nil {
		return err
	}
	return tx.Append(ctx, event)
}
