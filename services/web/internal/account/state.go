package account

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/web/internal/view"
)

// action is what an owner can do with a page.
type action struct {
	does  fundraiserv1.FundraiserAction
	from  map[fundraiserv1.FundraiserState]bool
	final bool // for good, so it is asked for twice
	quiet bool
}

// actions by their name in the address.
func actions() map[string]action {
	const (
		draft  = fundraiserv1.FundraiserState_FUNDRAISER_STATE_DRAFT
		live   = fundraiserv1.FundraiserState_FUNDRAISER_STATE_LIVE
		paused = fundraiserv1.FundraiserState_FUNDRAISER_STATE_PAUSED
	)
	in := func(states ...fundraiserv1.FundraiserState) map[fundraiserv1.FundraiserState]bool {
		set := map[fundraiserv1.FundraiserState]bool{}
		for _, s := range states {
			set[s] = true
		}
		return set
	}
	return map[string]action{
		"publish": {does: fundraiserv1.FundraiserAction_FUNDRAISER_ACTION_PUBLISH, from: in(draft)},
		"resume":  {does: fundraiserv1.FundraiserAction_FUNDRAISER_ACTION_RESUME, from: in(paused)},
		"pause":   {does: fundraiserv1.FundraiserAction_FUNDRAISER_ACTION_PAUSE, from: in(live), quiet: true},
		"close":   {does: fundraiserv1.FundraiserAction_FUNDRAISER_ACTION_CLOSE, from: in(live, paused), final: true, quiet: true},
		"discard": {does: fundraiserv1.FundraiserAction_FUNDRAISER_ACTION_DISCARD, from: in(draft), final: true, quiet: true},
	}
}

// sortButtons puts what goes on first and what ends last.
func sortButtons(buttons []Button) {
	rank := func(b Button) int {
		switch {
		case b.Asks:
			return 2
		case b.Quiet:
			return 1
		}
		return 0
	}
	slices.SortFunc(buttons, func(a, b Button) int { return cmp.Or(rank(a)-rank(b), cmp.Compare(a.URL, b.URL)) })
}

// confirm asks before something is done.
func (d *Desk) confirm(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("action")
	known, ok := actions()[name]
	if !ok {
		d.front.Unknown(w, r)
		return
	}
	found, ok := d.find(w, r)
	if !ok {
		return
	}
	page := found.GetFundraiser().GetFundraiser()
	back := ownPath(page.GetFundraiserId())
	if !known.from[page.GetState()] {
		seeOther(w, r, back)
		return
	}
	heading := d.say(r, "ask."+name, "Title", page.GetTitle())
	d.front.Show(w, r, http.StatusOK, &Confirm{
		Frame: d.frame(r, heading), Heading: heading, Text: d.say(r, "ask."+name+"_text"), Back: back,
		Form: view.Inputs{Action: back + "/" + name, Button: d.say(r, "action."+name)},
	})
}

// act does it. What is missing for a page to be published is shown in its form.
func (d *Desk) act(w http.ResponseWriter, r *http.Request) {
	known, ok := actions()[r.PathValue("action")]
	if !ok {
		d.front.Unknown(w, r)
		return
	}
	if !d.front.ReadForm(w, r, smallForm) {
		return
	}
	found, ok := d.find(w, r)
	if !ok {
		return
	}
	own := found.GetFundraiser()
	id := own.GetFundraiser().GetFundraiserId()
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	answer, err := d.supporters.ChangeFundraiserState(ctx, &fundraiserv1.ChangeFundraiserStateRequest{FundraiserId: id, Action: known.does})
	if apperr.CodeOf(err) == apperr.InvalidArgument {
		currency, badCurrency := money.ParseCurrency(own.GetAppeal().GetCurrency())
		if badCurrency == nil {
			d.showEdit(w, r, http.StatusUnprocessableEntity, own, writtenOf(own, currency), currency, d.blame(r, err), nil)
			return
		}
	}
	if err != nil {
		d.front.Fail(w, r, err)
		return
	}
	if answer.GetFundraiser() == nil {
		seeOther(w, r, "/account/")
		return
	}
	seeOther(w, r, ownPath(id))
}
