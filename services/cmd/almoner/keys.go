package main

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/internal/node"
)

// Keys are printed and not kept: where a secret is stored is the operator's to say.

func (p program) keysPerson(_ context.Context, args []string) error {
	_, err := p.flags("keys person", args, nil, 0)
	if err != nil {
		return err
	}
	lines, err := node.PersonKeys()
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(p.stdout, lines)
	return err
}
