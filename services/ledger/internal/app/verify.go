package app

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/ledger/internal/domain"
)

// Chain is what was found when walking one organization's entries.
type Chain struct {
	OrganizationID string
	Entries        int64 // found true
	HeadHash       string
	Fault          string // empty when nothing is wrong
}

// VerifyChain computes every hash again, from the first entry of every
// organization to the last, and says where a chain stops being true: an entry
// changed, missing, out of order or not balanced, a posting without its entry,
// newest entries cut off. Each chain is read in one snapshot and in pages, so
// memory does not grow with the books.
func (b *Books) VerifyChain(ctx context.Context) ([]Chain, error) {
	var ids []string
	err := b.Store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
		var err error
		ids, err = r.Chained(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find chains: %w", err)
	}
	chains := make([]Chain, 0, len(ids))
	for _, id := range ids {
		var chain Chain
		err := b.Store.InReadTx(ctx, func(ctx context.Context, r Reader) error {
			var err error
			chain, err = walk(ctx, r, id)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("verify chain of %s: %w", id, err)
		}
		chains = append(chains, chain)
	}
	return chains, nil
}

func walk(ctx context.Context, r Reader, organizationID string) (Chain, error) {
	steps := domain.NewWalk(organizationID)
	fault, err := walkEntries(ctx, r, organizationID, steps)
	if err != nil {
		return Chain{}, err
	}
	head := steps.Head()
	chain := Chain{OrganizationID: organizationID, Entries: head.Number, HeadHash: head.Hash, Fault: fault}
	if fault != "" {
		return chain, nil
	}
	kept, err := r.Head(ctx, organizationID)
	if err != nil {
		return Chain{}, fmt.Errorf("read head: %w", err)
	}
	chain.Fault = steps.Finish(kept)
	if chain.Fault != "" {
		return chain, nil
	}
	// Balances are added up from postings alone, so a posting that no entry
	// covers would be in them and in no hash.
	stray, err := r.StrayPosting(ctx, organizationID)
	if err != nil {
		return Chain{}, fmt.Errorf("look for stray postings: %w", err)
	}
	if stray != 0 {
		chain.Fault = fmt.Sprintf("postings numbered %d do not belong to the entry of that number", stray)
	}
	return chain, nil
}

func walkEntries(ctx context.Context, r Reader, organizationID string, steps *domain.Walk) (fault string, err error) {
	// Below every number that could be there: a tampered one may be negative.
	after := int64(-1 << 63)
	for {
		entries, err := r.Entries(ctx, EntryPage{OrganizationID: organizationID, After: after, Limit: maxPage})
		if err != nil {
			return "", fmt.Errorf("read entries after %d: %w", after, err)
		}
		for _, entry := range entries {
			fault = steps.Next(entry)
			if fault != "" {
				return fault, nil
			}
			after = entry.Number
		}
		if len(entries) < maxPage {
			return "", nil
		}
	}
}
