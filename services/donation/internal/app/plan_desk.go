package app

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/mail"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
)

const (
	shownInstalments = 24
	plansPerPage     = 50
	mostPlans        = 200
)

// PlanView is a plan and how many of its instalments were paid.
type PlanView struct {
	Plan        domain.Plan
	Instalments int
}

func noPlan() error {
	return apperr.New(apperr.NotFound, "PLAN_UNKNOWN", "There is no such monthly gift.")
}

// openPlan answers the plan to who holds its link, and NotFound to everybody else.
func (a *App) openPlan(ctx context.Context, id, token string) (domain.Plan, error) {
	if !a.Links.Opens(token, id) {
		return domain.Plan{}, noPlan()
	}
	return a.plan1(ctx, id)
}

func (a *App) plan1(ctx context.Context, id string) (domain.Plan, error) {
	view, err := a.planView(ctx, id)
	return view.Plan, err
}

func (a *App) planView(ctx context.Context, id string) (PlanView, error) {
	if uuid.Validate(id) != nil {
		return PlanView{}, noPlan()
	}
	var view PlanView
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		view.Plan, err = tx.Plan(ctx, id)
		if err != nil {
			return err
		}
		counts, err := tx.CountInstalments(ctx, []string{id})
		view.Instalments = counts[id]
		return err
	})
	if errors.Is(err, ErrNone) {
		return PlanView{}, noPlan()
	}
	if err != nil {
		return PlanView{}, fmt.Errorf("read the plan: %w", err)
	}
	return view, nil
}

// PlanPage is what a donor sees of a plan.
type PlanPage struct {
	PlanView
	Paid    []View // instalments, the newest first
	Minimum money.Amount
	// ChargedAfterEnd was charged after the end had been asked for, less what has gone
	// back of it; the zero Amount for nothing.
	ChargedAfterEnd money.Amount
}

// PlanPage answers who holds the link.
func (a *App) PlanPage(ctx context.Context, id, token string) (PlanPage, error) {
	p, err := a.openPlan(ctx, id, token)
	if err != nil {
		return PlanPage{}, err
	}
	var page PlanPage
	page.PlanView, err = a.planView(ctx, p.ID)
	if err != nil {
		return PlanPage{}, err
	}
	err = a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		gifts, err := tx.Instalments(ctx, p.ID, shownInstalments)
		page.Paid, page.ChargedAfterEnd = nil, money.Amount{}
		for _, d := range gifts {
			page.Paid = append(page.Paid, View{Donation: d})
			if left := d.Gift.Minor + d.Cover.Minor - d.ReturnedMinor; p.ChargedAfterEnd(d.PaidAt) && left > 0 {
				page.ChargedAfterEnd = money.Amount{Minor: page.ChargedAfterEnd.Minor + left, Currency: d.Gift.Currency}
			}
		}
		return err
	})
	if err != nil {
		return PlanPage{}, fmt.Errorf("read instalments: %w", err)
	}
	terms, err := a.planTerms(ctx, p, false)
	page.Minimum = money.Amount{Minor: terms.Minimum, Currency: terms.Currency}
	return page, err
}

// OpenPortal answers Stripe's page where the donor puts in another card.
func (a *App) OpenPortal(ctx context.Context, id, token string) (string, error) {
	p, err := a.openPlan(ctx, id, token)
	if err != nil {
		return "", err
	}
	if p.CustomerID == "" || p.Status.Over() || p.Ending() {
		return "", planOver()
	}
	url, err := a.Stripe.OpenPortal(ctx, "portal:"+uuid.NewString(), p.CustomerID, a.planAddress(p.ID))
	if err != nil {
		return "", apperr.Wrap(err, apperr.Unavailable, "STRIPE_UNAVAILABLE",
			"The payment service cannot be reached just now. Please try again in a moment.")
	}
	return url, nil
}

// planAddress is the link that opens a plan.
func (a *App) planAddress(id string) string {
	return a.cfg.BaseURL + "/plans/" + id + "/" + a.Links.Token(id)
}

// SendPlanLinks makes a letter with the links of an address's plans due, if there
// are any. Whether there are is not to be seen from the answer.
func (a *App) SendPlanLinks(ctx context.Context, email, clientAddress, language string) error {
	parsed, err := mail.ParseAddress(strings.TrimSpace(email))
	if err != nil || parsed.Address != strings.TrimSpace(email) {
		return apperr.Invalid(apperr.Field{Name: "email", Reason: "EMAIL_INVALID", Message: "Enter an e-mail address like name@example.org."})
	}
	key, now := a.Links.DonorKey(email), a.Now()
	// The client first: one that has had its share must not use up what others may ask
	// for, and no letter would go out.
	spent := !a.exempt(clientAddress) && !a.linkers.take(clientAddress, now)
	if spent || !a.links.take(key, now) {
		return apperr.New(apperr.ResourceExhausted, "TOO_MANY_LINKS", "The links were asked for several times. Please look into your mails, or try again in an hour.")
	}
	err = a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		plans, err := tx.PlansOfDonor(ctx, key)
		if err != nil || len(plans) == 0 {
			return err
		}
		if len(language) > maxLanguage {
			language = ""
		}
		return tx.AddPlanMails(ctx, []PlanMail{{
			Key: string(MailLinks) + ":" + uuid.NewString(), PlanID: plans[0].ID, Kind: MailLinks, Language: language, MadeAt: a.micros(),
		}})
	})
	if err != nil {
		return fmt.Errorf("make a letter with links due: %w", err)
	}
	a.toPlans.ring()
	return nil
}

// maxLanguage is the longest tag that BCP 47 asks software to keep.
const maxLanguage = 35

// PlanSearch is what staff look for.
type PlanSearch struct {
	Status    string
	Failed    bool
	Ending    bool
	Reference string
	PageToken string
	PageSize  int
}

// Plans pages through plans, the newest first; next is empty on the last page.
func (a *App) Plans(ctx context.Context, s PlanSearch) (views []PlanView, next string, err error) {
	filter := PlanFilter{
		Status: s.Status, Failed: s.Failed, Ending: s.Ending, Reference: strings.TrimSpace(s.Reference), BeforeAt: math.MaxInt64,
		Limit: plansPerPage,
	}
	if s.PageSize > 0 {
		filter.Limit = min(s.PageSize, mostPlans)
	}
	if s.PageToken != "" {
		filter.BeforeAt, filter.BeforeID, err = readPageToken(s.PageToken)
		if err != nil {
			return nil, "", err
		}
	}
	err = a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		views, next = nil, ""
		f := filter
		f.Limit++
		plans, err := tx.ListPlans(ctx, f)
		if err != nil {
			return err
		}
		if len(plans) > filter.Limit {
			plans = plans[:filter.Limit]
			last := plans[len(plans)-1]
			next = pageToken(last.First.CreatedAt, last.ID)
		}
		ids := make([]string, len(plans))
		for i, p := range plans {
			ids[i] = p.ID
		}
		counts, err := tx.CountInstalments(ctx, ids)
		for _, p := range plans {
			views = append(views, PlanView{Plan: p, Instalments: counts[p.ID]})
		}
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list plans: %w", err)
	}
	return views, next, nil
}

func pageToken(at int64, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(at, 10) + " " + id))
}

func readPageToken(token string) (at int64, id string, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		var first string
		first, id, _ = strings.Cut(string(raw), " ")
		at, err = strconv.ParseInt(first, 10, 64)
	}
	if err != nil || uuid.Validate(id) != nil {
		return 0, "", apperr.Invalid(apperr.Field{Name: "page_token", Reason: "PAGE_TOKEN_INVALID", Message: "This page does not exist."})
	}
	return at, id, nil
}
