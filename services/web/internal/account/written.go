package account

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/web/internal/view"
)

const (
	// largestPhoto is what the fundraiser service takes.
	largestPhoto = 10 << 20
	// largestPage lets a photo through that is too large, so that the form can say
	// so and keep the story that was sent with it.
	largestPage = 28 << 20
)

// written is a page as its form was sent, before anything is made of it.
type written struct {
	intent  string
	version int64
	slug    string
	title   string
	owner   string
	goal    string
	story   string
	alt     string
	remove  bool // the photo
	photo   []byte
	tooBig  bool
}

// readWritten takes the fields as they are, so that a refused form shows again what
// was typed. Only what is not text at all is replaced.
func readWritten(r *http.Request) (written, error) {
	field := func(name string) string { return strings.ToValidUTF8(r.PostForm.Get(name), "\uFFFD") }
	if r.MultipartForm != nil {
		field = func(name string) string { return strings.ToValidUTF8(r.FormValue(name), "\uFFFD") }
	}
	in := written{
		intent: strings.ToLower(field("intent")), slug: field("slug"), title: field("title"), owner: field("owner_name"),
		goal: field("goal"), story: strings.ReplaceAll(field("story"), "\r\n", "\n"), alt: field("alt"), remove: field("remove") != "",
	}
	// What is no number is no version that there was: the page is then said to have changed.
	in.version, _ = strconv.ParseInt(field("version"), 10, 64)
	if r.MultipartForm == nil {
		return in, nil
	}
	file, header, err := r.FormFile("photo")
	if errors.Is(err, http.ErrMissingFile) {
		return in, nil
	}
	if err != nil {
		return in, fmt.Errorf("open the photo that was sent: %w", err)
	}
	defer func() { _ = file.Close() }()
	if header.Size > largestPhoto {
		in.tooBig = true
		return in, nil
	}
	in.photo, err = io.ReadAll(file)
	if err != nil {
		return in, fmt.Errorf("read the photo that was sent: %w", err)
	}
	return in, nil
}

// writtenOf is what a page says now.
func writtenOf(own *fundraiserv1.OwnFundraiser, currency money.Currency) written {
	page := own.GetFundraiser()
	return written{
		version: page.GetVersion(), slug: page.GetSlug(), title: page.GetTitle(), owner: page.GetOwnerName(),
		goal: money.Typed(money.Amount{Minor: page.GetGoalMinor(), Currency: currency}), story: page.GetStoryMarkdown(), alt: page.GetPhoto().GetAlt(),
	}
}

// input is what the fundraiser service is asked to keep, and what is wrong already:
// only here is a goal something that is typed.
func (in written) input(d *Desk, r *http.Request, appealSlug string, currency money.Currency) (*fundraiserv1.FundraiserInput, map[string][]string) {
	faults := map[string][]string{}
	goal, err := money.Parse(in.goal, currency, d.front.Texts(r.Context()).Tag)
	if err != nil {
		faults["goal"] = []string{d.say(r, goalFault(err), "Currency", currency.Code(), "Example", goalExample(currency))}
	}
	if in.tooBig {
		faults["photo"] = []string{d.say(r, "reason.PICTURE_TOO_LARGE")}
	}
	return &fundraiserv1.FundraiserInput{
		AppealSlug: appealSlug, Slug: strings.ToLower(strings.TrimSpace(in.slug)), Title: in.title, OwnerName: in.owner, GoalMinor: goal.Minor, StoryMarkdown: in.story,
	}, faults
}

func goalExample(currency money.Currency) string {
	minor := int64(1000)
	for range currency.Exponent() {
		minor *= 10
	}
	return money.Typed(money.Amount{Minor: minor, Currency: currency})
}

// goalFault is the text of what is wrong with a goal.
func goalFault(err error) string {
	for _, known := range []struct {
		is  error
		key string
	}{
		{money.ErrEmpty, "goal.empty"}, {money.ErrNegative, "goal.small"}, {money.ErrZero, "goal.small"},
		{money.ErrTooManyDecimals, "goal.decimals"}, {money.ErrAmbiguous, "goal.ambiguous"}, {money.ErrTooLarge, "goal.large"},
		{money.ErrOtherCurrency, "goal.currency"},
	} {
		if errors.Is(err, known.is) {
			return known.key
		}
	}
	return "goal.letters"
}

// fieldNames are the form's, where they are not the service's.
var fieldNames = map[string]string{"goal_minor": "goal", "story_markdown": "story", "appeal_slug": "form", "intent_id": "form"}

// refused draws the form again with what is wrong. A photo that came with it is not
// kept, and no browser sends it again by itself: so that is said too, unless the
// photo itself is what is wrong.
func (in written) refused(d *Desk, r *http.Request, form *view.Inputs, faults map[string][]string) (homeless []string) {
	if len(in.photo) > 0 && len(faults["photo"]) == 0 {
		if faults == nil {
			faults = map[string][]string{}
		}
		faults["photo"] = []string{d.say(r, "photo_again")}
	}
	return form.Blame(faults)
}

// blame sorts what the service found wrong by the form's fields, in the reader's
// language where there are words for it.
func (d *Desk) blame(r *http.Request, err error) map[string][]string {
	faults := map[string][]string{}
	for _, f := range apperr.Public(err).Fields {
		name := f.Name
		if own := fieldNames[name]; own != "" {
			name = own
		}
		faults[name] = append(faults[name], d.reason(r, f))
	}
	return faults
}

// reason is a fault in words: ours, or the service's own where we have none.
func (d *Desk) reason(r *http.Request, f apperr.Field) string {
	words, err := d.front.Texts(r.Context()).Text("account.reason." + f.Reason)
	if err != nil {
		return f.Message
	}
	return words
}

// form draws the page's form with what was typed. published says that its address
// is fixed.
func (in written) form(d *Desk, r *http.Request, currency money.Currency, hasPhoto, published bool) view.Inputs {
	list := []view.Input{
		{Name: "intent", Kind: "hidden", Value: in.intent},
		{Name: "version", Kind: "hidden", Value: strconv.FormatInt(in.version, 10)},
		{Name: "title", Kind: "text", Label: d.say(r, "page.title"), Hint: d.say(r, "page.title_hint"), Value: in.title},
		{Name: "owner_name", Kind: "text", Label: d.say(r, "page.owner"), Hint: d.say(r, "page.owner_hint"), Value: in.owner, Autocomplete: "name"},
		{Name: "goal", Kind: "text", Label: d.say(r, "page.goal"), Hint: d.say(r, "page.goal_hint"), Value: in.goal, Unit: currency.Code(), Keyboard: "decimal"},
		{Name: "story", Kind: "area", Rows: 12, Label: d.say(r, "page.story"), Hint: d.say(r, "page.story_hint"), Value: in.story},
		{Name: "photo", Kind: "file", Accept: "image/jpeg,image/png,image/webp", Label: d.say(r, "page.photo"), Hint: d.say(r, "page.photo_hint")},
		{Name: "alt", Kind: "text", Label: d.say(r, "page.alt"), Hint: d.say(r, "page.alt_hint"), Value: in.alt},
		{Name: "remove", Kind: "check", Label: d.say(r, "page.remove"), Checked: in.remove},
		{Name: "slug", Kind: "text", Label: d.say(r, "page.slug"), Hint: d.say(r, "page.slug_hint", "Address", d.front.Absolute("/f/")), Value: in.slug},
	}
	return view.Inputs{Action: r.URL.Path, Files: true, Button: d.say(r, "page.save"), List: slices.DeleteFunc(list, func(i view.Input) bool {
		return i.Name == "remove" && !hasPhoto || i.Name == "slug" && published
	})}
}
