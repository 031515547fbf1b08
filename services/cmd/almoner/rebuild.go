package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/almoner/almoner/services/internal/node"
)

// named is how many differences are told one by one.
const named = 10

func (p program) rebuild(ctx context.Context, args []string) error {
	// The flag may stand on either side of the service.
	var onlyCheck bool
	define := func(set *flag.FlagSet) { set.BoolVar(&onlyCheck, "check", onlyCheck, "") }
	rest, err := p.flags("rebuild", args, define, len(args))
	if err == nil && len(rest) > 1 {
		service := rest[0]
		rest, err = p.flags("rebuild", rest[1:], define, 0)
		rest = append([]string{service}, rest...)
	}
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usagef("rebuild: which service? fundraiser, ledger or receipt")
	}
	service := rest[0]
	return p.operate(ctx, func(o *node.Operator) error {
		result, err := o.Rebuild(ctx, service, onlyCheck)
		if errors.Is(err, node.ErrNothingToRebuild) {
			return usagef("rebuild: fundraiser, ledger or receipt; there is nothing to fold again in %q", service)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%s, folded again from its events", service)
		for _, at := range result.Through {
			fmt.Fprintf(p.stdout, ", %s up to %d", at.Feed, at.Pos)
		}
		fmt.Fprintf(p.stdout, "\nbefore  %d  %s\nafter   %d  %s\n", result.Before.Keys(), result.Before.Hash(), result.After.Keys(), result.After.Hash())
		differences := result.Before.Differences(&result.After)
		if len(differences) == 0 {
			fmt.Fprintln(p.stdout, "equal")
			return nil
		}
		for _, key := range differences[:min(named, len(differences))] {
			fmt.Fprintf(p.stdout, "differs: %s\n", key)
		}
		verdict := "nothing was written"
		if service == "fundraiser" && !onlyCheck {
			verdict = "what came out is in force now"
		}
		fmt.Fprintf(p.stdout, "%d differ; %s\n", len(differences), verdict)
		return exitError{1}
	})
}
