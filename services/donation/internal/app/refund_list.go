package app

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
)

const (
	usualPage = 50
	mostOnce  = 200
)

func pageSize(asked int) int {
	if asked <= 0 {
		return usualPage
	}
	return min(asked, mostOnce)
}

// place is where a page ended, as the next one is asked for: part of the list, what
// it is ordered by, and the id.
type place struct {
	part string
	at   int64
	id   string
}

func (p place) token() string { return p.part + "." + strconv.FormatInt(p.at, 10) + "." + p.id }

// placeOf reads a token; empty is before the first page.
func placeOf(token string) (place, error) {
	if token == "" {
		return place{}, nil
	}
	parts := strings.SplitN(token, ".", 3)
	wrong := apperr.Invalid(apperr.Field{Name: "page_token", Reason: "PAGE_UNKNOWN", Message: "There is no such page. Begin with the first one."})
	if len(parts) != 3 || parts[2] == "" || len(token) > maxReference {
		return place{}, wrong
	}
	at, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return place{}, wrong
	}
	return place{part: parts[0], at: at, id: strings.ToValidUTF8(strings.ReplaceAll(parts[2], "\x00", ""), "")}, nil
}

// RefundList asks for a page of refunds.
type RefundList struct {
	Waiting, Failed bool
	Token           string
	Size            int
}

// ListRefunds pages through refunds, the newest first, and answers the token of the
// next page, empty on the last. InvalidArgument for a token that is none.
func (a *App) ListRefunds(ctx context.Context, ask RefundList) (refunds []domain.Refund, next string, err error) {
	from, err := placeOf(ask.Token)
	if err != nil {
		return nil, "", err
	}
	size := pageSize(ask.Size)
	err = a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		refunds, err = tx.ListRefunds(ctx, RefundPage{
			Waiting: ask.Waiting, Failed: ask.Failed, AfterAt: from.at, AfterKey: from.id, Limit: size + 1,
		})
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list refunds: %w", err)
	}
	if len(refunds) > size {
		refunds = refunds[:size]
		last := refunds[size-1]
		next = place{part: "r", at: last.CreatedAt, id: last.Key()}.token()
	}
	return refunds, next, nil
}

// DisputeList asks for a page of disputes.
type DisputeList struct {
	Open  bool // only those
	Token string
	Size  int
}

// The parts of the list of disputes.
const (
	partOpen   = "open"
	partClosed = "closed"
)

// ListDisputes pages through disputes: the open ones by when their evidence is due,
// then the closed ones, the newest first. It answers the token of the next page.
func (a *App) ListDisputes(ctx context.Context, ask DisputeList) (disputes []domain.Dispute, next string, err error) {
	from, err := placeOf(ask.Token)
	if err != nil {
		return nil, "", err
	}
	size := pageSize(ask.Size)
	err = a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		disputes = nil
		if from.part != partClosed {
			disputes, err = tx.ListDisputes(ctx, DisputePage{AfterAt: from.at, AfterID: from.id, Limit: size + 1})
			if err != nil || ask.Open || len(disputes) > size {
				return err
			}
			from = place{}
		}
		closed, err := tx.ListDisputes(ctx, DisputePage{Closed: true, AfterAt: from.at, AfterID: from.id, Limit: size + 1 - len(disputes)})
		disputes = append(disputes, closed...)
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list disputes: %w", err)
	}
	if len(disputes) <= size {
		return disputes, "", nil
	}
	disputes = disputes[:size]
	return disputes, disputePlace(disputes[size-1]).token(), nil
}

func disputePlace(d domain.Dispute) place {
	switch {
	case d.Status.Closed():
		return place{part: partClosed, at: d.CreatedAt, id: d.ID}
	case d.EvidenceDueAt == 0:
		return place{part: partOpen, at: NoTerm, id: d.ID}
	}
	return place{part: partOpen, at: d.EvidenceDueAt, id: d.ID}
}
