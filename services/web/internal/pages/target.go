package pages

import (
	"context"
	"net/http"
	"strings"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/web/internal/live"
	"github.com/almoner/almoner/services/web/internal/view"
)

// target is what is given to: an appeal, directly or through a supporter's page.
type target struct {
	organization *fundraiserv1.Organization
	appeal       *fundraiserv1.Appeal
	page         *fundraiserv1.Fundraiser // nil for the appeal itself
	pages        []*fundraiserv1.Fundraiser
	recent       []*fundraiserv1.Gift
}

func (t target) path() string {
	if t.page != nil {
		return fundraiserPath(t.page.GetSlug())
	}
	return appealPath(t.appeal.GetSlug())
}

// donatePath leads to the form and takes the code of the shared link along.
func (t target) donatePath(share string) string {
	path := t.path() + "/donate"
	if share != "" {
		path += "?" + view.FieldShare + "=" + share
	}
	return path
}

func (t target) title() string {
	if t.page != nil {
		return t.page.GetTitle()
	}
	return t.appeal.GetTitle()
}

func (t target) closed() bool {
	return t.appeal.GetClosed() || t.page.GetClosed()
}

// key names the target to the live totals.
func (t target) key() live.Key {
	if t.page != nil {
		return live.Key{Fundraiser: t.page.GetSlug()}
	}
	return live.Key{Appeal: t.appeal.GetSlug()}
}

// live says where the page's totals are told as they change.
func (t target) live() view.Live {
	return view.Live{URL: t.path() + "/events", AsOf: t.totals().AsOf}
}

// totals are those that came with the target.
func (t target) totals() live.Totals {
	told := t.appeal.GetTotals()
	if t.page != nil {
		told = t.page.GetTotals()
	}
	return live.Totals{SettledMinor: told.GetSettledMinor(), Gifts: told.GetGifts(), Processing: told.GetProcessingMinor(), AsOf: told.GetAsOf()}
}

// progress is how far the target has come with these totals.
func (t target) progress(now live.Totals) (view.Progress, error) {
	totals := &fundraiserv1.Totals{SettledMinor: now.SettledMinor, Gifts: now.Gifts, ProcessingMinor: now.Processing, AsOf: now.AsOf}
	if t.page != nil {
		return progress(t.appeal.GetCurrency(), totals, t.page.GetGoalMinor())
	}
	return appealProgress(t.appeal, totals)
}

// paused reports whether only the page's owner keeps it from taking gifts.
func (t target) paused() bool {
	return t.page.GetState() == fundraiserv1.FundraiserState_FUNDRAISER_STATE_PAUSED && !t.appeal.GetClosed()
}

// startPath leads to a new page for the appeal, nowhere when it is closed.
func (t target) startPath() string {
	if t.appeal.GetClosed() {
		return ""
	}
	return "/start?appeal=" + t.appeal.GetSlug()
}

// share is what there is to tell others of the target, beginning with a text of
// the catalogue.
func (s *Site) share(ctx context.Context, key string, found target) view.Share {
	spoken := s.front.Texts(ctx)
	return view.NewShare(spoken, spoken.Say(key, "Title", found.title()), s.front.Absolute(found.path()))
}

// finder looks up a target by its slug.
type finder func(ctx context.Context, slug string) (target, error)

func (s *Site) appealTarget(ctx context.Context, slug string) (target, error) {
	if !isSlug(slug) {
		return target{}, errNoSuchAddress
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	answer, err := s.fundraisers.GetAppeal(ctx, &fundraiserv1.GetAppealRequest{Slug: slug})
	if err != nil {
		return target{}, err
	}
	return target{
		organization: answer.GetOrganization(),
		appeal:       answer.GetAppeal(),
		pages:        answer.GetFundraisers(),
		recent:       answer.GetRecent(),
	}, nil
}

func (s *Site) fundraiserTarget(ctx context.Context, slug string) (target, error) {
	if !isSlug(slug) {
		return target{}, errNoSuchAddress
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	answer, err := s.fundraisers.GetFundraiser(ctx, &fundraiserv1.GetFundraiserRequest{Slug: slug})
	if err != nil {
		return target{}, err
	}
	return target{
		organization: answer.GetOrganization(),
		appeal:       answer.GetAppeal(),
		page:         answer.GetFundraiser(),
		recent:       answer.GetRecent(),
	}, nil
}

// shownAppeal and shownFundraiser are the same for what is only shown: as they were
// while nothing has changed. Who is about to give is told what is true now.
func (s *Site) shownAppeal(ctx context.Context, slug string) (target, error) {
	return s.shownTarget(ctx, live.Key{Appeal: slug}, slug, s.appealTarget)
}

func (s *Site) shownFundraiser(ctx context.Context, slug string) (target, error) {
	return s.shownTarget(ctx, live.Key{Fundraiser: slug}, slug, s.fundraiserTarget)
}

func (s *Site) shownTarget(ctx context.Context, key live.Key, slug string, find finder) (target, error) {
	stamp, standing := s.live.Stamp(key)
	if !standing {
		return find(ctx, slug)
	}
	return s.targets.get(key, stamp, s.now(), func() (target, bool, error) {
		// Who asks for others must not take the answer along on leaving.
		found, err := find(context.WithoutCancel(ctx), slug)
		return found, true, err
	})
}

// find looks up what a donation was given to.
func (s *Site) find(ctx context.Context, appealSlug, fundraiserSlug string) (target, error) {
	if fundraiserSlug != "" {
		return s.fundraiserTarget(ctx, fundraiserSlug)
	}
	return s.appealTarget(ctx, appealSlug)
}

var errNoSuchAddress = apperr.New(apperr.NotFound, "NO_SUCH_ADDRESS", "This page does not exist.")

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

// isSlug keeps what cannot be an address from being asked for: a path may hold
// any bytes, and those that are not UTF-8 cannot even be put into a question.
func isSlug(slug string) bool { return isWord(slug, 60, lower+digits+"-") }

// isWord reports whether the text is made of the alphabet, and not too long.
func isWord(text string, longest int, alphabet string) bool {
	return text != "" && len(text) <= longest && strings.Trim(text, alphabet) == ""
}

// shareCode is the code of the shared link that led here. A mangled one is
// dropped: it may cost somebody credit, never the gift.
func shareCode(r *http.Request) string {
	code := ""
	if r.URL.RawQuery != "" { // most readers bring none
		code = r.URL.Query().Get(view.FieldShare)
	}
	if code == "" {
		code = r.PostForm.Get(view.FieldShare)
	}
	if !isWord(code, 32, lower+upper+digits+"-_") {
		return ""
	}
	return code
}
