package fundraiser_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/apperr"
)

// person is web, acting for somebody, or for nobody when there is no id.
type person struct {
	fundraiserv1.SupporterServiceClient
	id string
}

func (w world) as(t *testing.T, id string, roles ...string) person {
	t.Helper()
	options := w.people.As(id, roles...)
	if id == "" {
		options = nil
	}
	conn, err := w.network.Dial("web", options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return person{SupporterServiceClient: fundraiserv1.NewSupporterServiceClient(conn), id: id}
}

// signIn proves an address as a redeemed link does.
func (w world) signIn(t *testing.T, email, language string) person {
	t.Helper()
	account, err := w.as(t, "").EnsureSupporter(t.Context(), &fundraiserv1.EnsureSupporterRequest{Email: email, Language: language})
	if err != nil {
		t.Fatal(err)
	}
	return w.as(t, account.GetSupporterId(), "supporter")
}

func walk() *fundraiserv1.FundraiserInput {
	return &fundraiserv1.FundraiserInput{
		AppealSlug: "shelter-tonight", Title: "One lap for every tent", OwnerName: "Amira Haddad", GoalMinor: 1_000_00,
		StoryMarkdown: "I run **slowly**.\r\n\r\nBut I run.",
	}
}

func (p person) begin(t *testing.T, in *fundraiserv1.FundraiserInput) *fundraiserv1.OwnFundraiser {
	t.Helper()
	saved, err := p.SaveFundraiser(t.Context(), &fundraiserv1.SaveFundraiserRequest{IntentId: uuid.NewString(), Input: in})
	if err != nil {
		t.Fatal(err)
	}
	return saved.GetFundraiser()
}

func (p person) do(t *testing.T, id string, action fundraiserv1.FundraiserAction) *fundraiserv1.OwnFundraiser {
	t.Helper()
	changed, err := p.ChangeFundraiserState(t.Context(), &fundraiserv1.ChangeFundraiserStateRequest{FundraiserId: id, Action: action})
	if err != nil {
		t.Fatal(err)
	}
	return changed.GetFundraiser()
}

const (
	publish = fundraiserv1.FundraiserAction_FUNDRAISER_ACTION_PUBLISH
	pause   = fundraiserv1.FundraiserAction_FUNDRAISER_ACTION_PAUSE
	resume  = fundraiserv1.FundraiserAction_FUNDRAISER_ACTION_RESUME
	closing = fundraiserv1.FundraiserAction_FUNDRAISER_ACTION_CLOSE
	discard = fundraiserv1.FundraiserAction_FUNDRAISER_ACTION_DISCARD
)

// refused expects a code, and the reason beside each named field.
func refused(t *testing.T, what string, err error, code apperr.Code, fields ...string) {
	t.Helper()
	var answer *apperr.Error
	if !errors.As(err, &answer) || answer.Code != code {
		t.Errorf("%s: %v, want %s", what, err, code)
		return
	}
	var got []string
	for _, f := range answer.Fields {
		got = append(got, f.Name+" "+f.Reason)
	}
	if strings.Join(got, ", ") != strings.Join(fields, ", ") {
		t.Errorf("%s: fields are %v, want %v", what, got, fields)
	}
}

func photo(t *testing.T, w, h int) []byte {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range picture.Pix {
		picture.Pix[i] = 0xFF
	}
	picture.Set(1, 1, color.Black)
	var b bytes.Buffer
	err := jpeg.Encode(&b, picture, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The whole way: a page is written before its owner signs in, claimed, published,
// given to, edited, paused and closed.
func TestAPageFromTheFirstWordToTheLastGift(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	nobody := w.as(t, "")
	intent := uuid.NewString()
	draft, err := nobody.SaveDraft(t.Context(), &fundraiserv1.SaveDraftRequest{IntentId: intent, Input: walk()})
	if err != nil {
		t.Fatal(err)
	}
	again, err := nobody.SaveDraft(t.Context(), &fundraiserv1.SaveDraftRequest{IntentId: strings.ToUpper(intent), Input: walk()})
	if err != nil || again.GetFundraiserId() != draft.GetFundraiserId() {
		t.Errorf("a double click made %v, %v", again, err)
	}
	id := draft.GetFundraiserId()
	set, err := nobody.SetDraftPhoto(t.Context(), &fundraiserv1.SetDraftPhotoRequest{
		FundraiserId: id, Photo: &fundraiserv1.Photo{Content: photo(t, 1000, 500), Alt: " Amira\nrunning "},
	})
	if err != nil || set.GetImage().GetWidth() != 1000 || len(set.GetImage().GetWidths()) != 3 || set.GetImage().GetAlt() != "Amira running" {
		t.Fatalf("%v, %v", set, err)
	}
	_, err = w.web.GetFundraiser(t.Context(), &fundraiserv1.GetFundraiserRequest{Slug: "one-lap-for-every-tent"})
	refused(t, "a draft in public", err, apperr.NotFound)

	amira := w.signIn(t, "amira@example.org", "ar")
	claimed, err := amira.ClaimDraft(t.Context(), &fundraiserv1.ClaimDraftRequest{FundraiserId: id})
	if err != nil {
		t.Fatal(err)
	}
	page := claimed.GetFundraiser().GetFundraiser()
	if page.GetSlug() != "one-lap-for-every-tent" || page.GetStoryMarkdown() != "I run **slowly**.\n\nBut I run." ||
		page.GetState() != fundraiserv1.FundraiserState_FUNDRAISER_STATE_DRAFT || page.GetPhoto().GetImageId() != set.GetImage().GetImageId() ||
		claimed.GetFundraiser().GetAppeal().GetCurrency() != "EUR" || claimed.GetFundraiser().GetCreatedAt() != w.clock.Now().UnixMicro() {
		t.Errorf("%v", claimed)
	}
	_, err = nobody.GetDraft(t.Context(), &fundraiserv1.GetDraftRequest{FundraiserId: id})
	refused(t, "a claimed draft", err, apperr.NotFound)
	_, err = nobody.SaveDraft(t.Context(), &fundraiserv1.SaveDraftRequest{IntentId: intent, Input: walk()})
	refused(t, "writing a claimed draft", err, apperr.NotFound)

	published := amira.do(t, id, publish)
	if published.GetPublishedAt() != w.clock.Now().UnixMicro() || published.GetFundraiser().GetClosed() {
		t.Errorf("%v", published)
	}
	amira.do(t, id, publish) // a second click
	shown, err := w.web.GetFundraiser(t.Context(), &fundraiserv1.GetFundraiserRequest{Slug: page.GetSlug()})
	if err != nil || shown.GetFundraiser().GetPhoto().GetAlt() != "Amira running" || shown.GetFundraiser().GetState() != fundraiserv1.FundraiserState_FUNDRAISER_STATE_LIVE {
		t.Errorf("%v, %v", shown, err)
	}
	file, err := w.web.GetImage(t.Context(), &fundraiserv1.GetImageRequest{ImageId: page.GetPhoto().GetImageId(), Width: 400})
	if err != nil || file.GetContentType() != "image/jpeg" {
		t.Fatalf("%v", err)
	}
	small, err := jpeg.Decode(bytes.NewReader(file.GetContent()))
	if err != nil || small.Bounds().Dx() != 400 || small.Bounds().Dy() != 200 {
		t.Errorf("%v, %v", small.Bounds(), err)
	}
	_, err = w.web.GetImage(t.Context(), &fundraiserv1.GetImageRequest{ImageId: page.GetPhoto().GetImageId(), Width: 399})
	refused(t, "a width that is not there", err, apperr.NotFound)

	w.publish(t, w.succeed(w.resolve(t, toPage(page.GetSlug())).GetAttribution(), 25_00, "EUR"))
	w.applied(t, 1)
	desk, err := amira.GetOwnFundraiser(t.Context(), &fundraiserv1.GetOwnFundraiserRequest{FundraiserId: id})
	if err != nil || desk.GetFundraiser().GetFundraiser().GetTotals().GetSettledMinor() != 25_00 || len(desk.GetRecent()) != 1 ||
		desk.GetOrganization().GetSlug() != "wayhaven" {
		t.Errorf("%v, %v", desk, err)
	}

	if paused := amira.do(t, id, pause); !paused.GetFundraiser().GetClosed() {
		t.Errorf("a paused page is %v", paused)
	}
	_, err = w.donation.ResolveGift(t.Context(), toPage(page.GetSlug()))
	refused(t, "a gift to a paused page", err, apperr.Gone)
	shown, err = w.web.GetFundraiser(t.Context(), &fundraiserv1.GetFundraiserRequest{Slug: page.GetSlug()})
	if err != nil || !shown.GetFundraiser().GetClosed() || shown.GetFundraiser().GetState() != fundraiserv1.FundraiserState_FUNDRAISER_STATE_PAUSED {
		t.Errorf("%v, %v", shown, err)
	}
	amira.do(t, id, resume)
	w.resolve(t, toPage(page.GetSlug()))
	amira.do(t, id, closing)
	_, err = w.donation.ResolveGift(t.Context(), toPage(page.GetSlug()))
	refused(t, "a gift to a closed page", err, apperr.Gone)
	for _, action := range []fundraiserv1.FundraiserAction{publish, pause, resume, discard} {
		_, err = amira.ChangeFundraiserState(t.Context(), &fundraiserv1.ChangeFundraiserStateRequest{FundraiserId: id, Action: action})
		refused(t, action.String()+" a closed page", err, apperr.FailedPrecondition)
	}
	appeal, err := w.web.GetAppeal(t.Context(), &fundraiserv1.GetAppealRequest{Slug: "shelter-tonight"})
	if err != nil || len(appeal.GetFundraisers()) != 1 {
		t.Errorf("the appeal shows %v, %v", appeal.GetFundraisers(), err)
	}
}

func TestNobodyReachesAnothersPage(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	owner, other := w.signIn(t, "amira@example.org", "en"), w.signIn(t, "noor@example.org", "en")
	id := owner.begin(t, walk()).GetFundraiser().GetFundraiserId()
	sample, err := w.web.GetFundraiser(t.Context(), &fundraiserv1.GetFundraiserRequest{Slug: "salma-walks-the-coast"})
	if err != nil {
		t.Fatal(err)
	}
	calls := func(p person, id string) map[string]error {
		_, get := p.GetOwnFundraiser(t.Context(), &fundraiserv1.GetOwnFundraiserRequest{FundraiserId: id})
		_, save := p.SaveFundraiser(t.Context(), &fundraiserv1.SaveFundraiserRequest{FundraiserId: id, Version: 1, Input: walk()})
		_, paint := p.SetPhoto(t.Context(), &fundraiserv1.SetPhotoRequest{FundraiserId: id, Photo: &fundraiserv1.Photo{Content: photo(t, 40, 30)}})
		_, clear := p.SetPhoto(t.Context(), &fundraiserv1.SetPhotoRequest{FundraiserId: id})
		_, move := p.ChangeFundraiserState(t.Context(), &fundraiserv1.ChangeFundraiserStateRequest{FundraiserId: id, Action: publish})
		_, claim := p.ClaimDraft(t.Context(), &fundraiserv1.ClaimDraftRequest{FundraiserId: id})
		return map[string]error{"get": get, "save": save, "paint": paint, "clear": clear, "move": move, "claim": claim}
	}
	for _, target := range []string{id, sample.GetFundraiser().GetFundraiserId(), uuid.NewString(), "", "' OR 1=1", strings.Repeat("x", 5000)} {
		for name, err := range calls(other, target) {
			if target == "" && name == "save" {
				continue // begins a page
			}
			refused(t, fmt.Sprintf("%s %.40s", name, target), err, apperr.NotFound)
		}
		_, err := other.SetDraftPhoto(t.Context(), &fundraiserv1.SetDraftPhotoRequest{FundraiserId: target, Photo: &fundraiserv1.Photo{Content: photo(t, 40, 30)}})
		refused(t, "paint as a draft", err, apperr.NotFound)
		_, err = other.GetDraft(t.Context(), &fundraiserv1.GetDraftRequest{FundraiserId: target})
		refused(t, "get as a draft", err, apperr.NotFound)
	}
	own, err := other.ListOwnFundraisers(t.Context(), &fundraiserv1.ListOwnFundraisersRequest{})
	if err != nil || len(own.GetFundraisers()) != 0 {
		t.Errorf("%v, %v", own, err)
	}
	// Staff are no supporters, and nobody is nobody.
	for name, err := range calls(w.as(t, uuid.NewString(), "viewer", "accountant", "admin"), id) {
		refused(t, name+" as staff", err, apperr.PermissionDenied)
	}
	for name, err := range calls(w.as(t, ""), id) {
		refused(t, name+" as nobody", err, apperr.Unauthenticated)
	}
	for name, err := range calls(owner, id) {
		if err != nil && name != "save" {
			t.Errorf("%s as the owner: %v", name, err)
		}
	}
	_, err = w.as(t, uuid.NewString(), "supporter").GetSupporter(t.Context(), &fundraiserv1.GetSupporterRequest{})
	refused(t, "an account that is not there", err, apperr.NotFound)
}

func TestOneDraftHasOneOwner(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	draft, err := w.as(t, "").SaveDraft(t.Context(), &fundraiserv1.SaveDraftRequest{IntentId: uuid.NewString(), Input: walk()})
	if err != nil {
		t.Fatal(err)
	}
	var people []person
	for i := range 6 {
		people = append(people, w.signIn(t, fmt.Sprintf("runner%d@example.org", i), "en"))
	}
	errs := make([]error, len(people))
	var claims sync.WaitGroup
	for i, p := range people {
		claims.Go(func() {
			_, errs[i] = p.ClaimDraft(t.Context(), &fundraiserv1.ClaimDraftRequest{FundraiserId: draft.GetFundraiserId()})
		})
	}
	claims.Wait()
	winners := 0
	for i, err := range errs {
		if err == nil {
			winners++
			_, err = people[i].ClaimDraft(t.Context(), &fundraiserv1.ClaimDraftRequest{FundraiserId: draft.GetFundraiserId()})
			if err != nil {
				t.Errorf("claiming one's own again: %v", err)
			}
			continue
		}
		refused(t, "coming second", err, apperr.NotFound)
	}
	if winners != 1 {
		t.Errorf("%d own the page", winners)
	}
}

func TestTwoWindowsDoNotUndoEachOther(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	amira := w.signIn(t, "amira@example.org", "en")
	begun := amira.begin(t, walk())
	id, version := begun.GetFundraiser().GetFundraiserId(), begun.GetFundraiser().GetVersion()
	save := func(version int64, change func(*fundraiserv1.FundraiserInput)) (*fundraiserv1.SaveFundraiserResponse, error) {
		in := walk()
		change(in)
		return amira.SaveFundraiser(t.Context(), &fundraiserv1.SaveFundraiserRequest{FundraiserId: id, Version: version, Input: in})
	}
	first := func(in *fundraiserv1.FundraiserInput) { in.StoryMarkdown = "From the first window." }
	saved, err := save(version, first)
	if err != nil || saved.GetFundraiser().GetFundraiser().GetVersion() != version+1 {
		t.Fatalf("%v, %v", saved, err)
	}
	again, err := save(version, first) // the button pressed twice
	if err != nil || again.GetFundraiser().GetFundraiser().GetVersion() != version+1 {
		t.Errorf("%v, %v", again, err)
	}
	_, err = save(version, func(in *fundraiserv1.FundraiserInput) { in.StoryMarkdown = "From the second." })
	refused(t, "an old version", err, apperr.Aborted)

	amira.do(t, id, publish)
	version += 2
	_, err = save(version, func(in *fundraiserv1.FundraiserInput) { in.Slug = "another-address" })
	refused(t, "another address", err, apperr.InvalidArgument, "slug SLUG_FIXED")
	_, err = save(version, func(in *fundraiserv1.FundraiserInput) { in.AppealSlug = "sixty-thousand-homes" })
	refused(t, "another appeal", err, apperr.InvalidArgument, "appeal_slug APPEAL_FIXED")
	_, err = save(version, func(in *fundraiserv1.FundraiserInput) { in.StoryMarkdown = " \n " })
	refused(t, "no story any more", err, apperr.InvalidArgument, "story_markdown STORY_MISSING")
	renamed, err := save(version, func(in *fundraiserv1.FundraiserInput) { in.Title, in.AppealSlug = "A new title", "" })
	if err != nil || renamed.GetFundraiser().GetFundraiser().GetSlug() != "one-lap-for-every-tent" {
		t.Errorf("%v, %v", renamed, err)
	}
}

func TestAddressesClashAndOneIsOffered(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	amira := w.signIn(t, "amira@example.org", "en")
	amira.begin(t, walk())
	if second := amira.begin(t, walk()).GetFundraiser().GetSlug(); second != "one-lap-for-every-tent-2" {
		t.Errorf("the same title again is at %q", second)
	}
	wanted := walk()
	wanted.Slug = "one-lap-for-every-tent"
	_, err := amira.SaveFundraiser(t.Context(), &fundraiserv1.SaveFundraiserRequest{IntentId: uuid.NewString(), Input: wanted})
	refused(t, "an address that is taken", err, apperr.InvalidArgument, "slug SLUG_TAKEN")
	if !strings.Contains(apperr.Public(err).Fields[0].Message, "one-lap-for-every-tent-3 is free") {
		t.Errorf("offered is %q", apperr.Public(err).Fields[0].Message)
	}
	for _, title := range []string{"مئة وثمانون كيلومترا", "我们的面包"} {
		in := walk()
		in.Title = title
		if slug := amira.begin(t, in).GetFundraiser().GetSlug(); !strings.HasPrefix(slug, "shelter-tonight-") {
			t.Errorf("%s is at %q", title, slug)
		}
	}
}

func TestWhatCannotBeSaved(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	nobody, amira := w.as(t, ""), w.signIn(t, "amira@example.org", "en")
	for name, c := range map[string]struct {
		spoil func(*fundraiserv1.FundraiserInput)
		field string
	}{
		"no such appeal":   {func(in *fundraiserv1.FundraiserInput) { in.AppealSlug = "nowhere" }, "appeal_slug APPEAL_UNKNOWN"},
		"no appeal":        {func(in *fundraiserv1.FundraiserInput) { in.AppealSlug = "" }, "appeal_slug APPEAL_MISSING"},
		"reserved address": {func(in *fundraiserv1.FundraiserInput) { in.Slug = "sign-in" }, "slug SLUG_INVALID"},
		"sample's address": {func(in *fundraiserv1.FundraiserInput) { in.Slug = "salma-walks-the-coast" }, "slug SLUG_TAKEN"},
		"goal of nothing":  {func(in *fundraiserv1.FundraiserInput) { in.GoalMinor = 0 }, "goal_minor GOAL_MISSING"},
		"invisible title":  {func(in *fundraiserv1.FundraiserInput) { in.Title = "\u200b\u202e" }, "title TITLE_MISSING"},
		"1 MB of story":    {func(in *fundraiserv1.FundraiserInput) { in.StoryMarkdown = strings.Repeat("x", 1<<20) }, "story_markdown STORY_TOO_LONG"},
	} {
		in := walk()
		c.spoil(in)
		_, err := nobody.SaveDraft(t.Context(), &fundraiserv1.SaveDraftRequest{IntentId: uuid.NewString(), Input: in})
		refused(t, name+" as a draft", err, apperr.InvalidArgument, c.field)
		_, err = amira.SaveFundraiser(t.Context(), &fundraiserv1.SaveFundraiserRequest{IntentId: uuid.NewString(), Input: in})
		refused(t, name, err, apperr.InvalidArgument, c.field)
	}
	for _, intent := range []string{"", "1", "not-a-uuid-but-of-the-right-length!!", "{" + uuid.NewString() + "}"} {
		_, err := nobody.SaveDraft(t.Context(), &fundraiserv1.SaveDraftRequest{IntentId: intent, Input: walk()})
		refused(t, "intent "+intent, err, apperr.InvalidArgument, "intent_id INTENT_INVALID")
	}
	_, err := nobody.SaveDraft(t.Context(), &fundraiserv1.SaveDraftRequest{IntentId: uuid.NewString()})
	refused(t, "nothing at all", err, apperr.InvalidArgument, "appeal_slug APPEAL_MISSING", "title TITLE_MISSING", "owner_name OWNER_NAME_MISSING", "goal_minor GOAL_MISSING")

	unfinished := walk()
	unfinished.StoryMarkdown = ""
	id := amira.begin(t, unfinished).GetFundraiser().GetFundraiserId()
	_, err = amira.ChangeFundraiserState(t.Context(), &fundraiserv1.ChangeFundraiserStateRequest{FundraiserId: id, Action: publish})
	refused(t, "publishing without a story", err, apperr.InvalidArgument, "story_markdown STORY_MISSING")
	_, err = amira.ChangeFundraiserState(t.Context(), &fundraiserv1.ChangeFundraiserStateRequest{FundraiserId: id})
	refused(t, "no action", err, apperr.InvalidArgument, "action ACTION_UNKNOWN")
	for name, content := range map[string][]byte{
		"text": []byte("hello"), "SVG": []byte("<svg onload=alert(1)>"), "GIF": []byte("GIF89a"), "12 MB": append(photo(t, 20, 20), make([]byte, 12<<20)...),
		"half": photo(t, 200, 200)[:300],
	} {
		_, err = amira.SetPhoto(t.Context(), &fundraiserv1.SetPhotoRequest{FundraiserId: id, Photo: &fundraiserv1.Photo{Content: content}})
		if public := apperr.Public(err); public == nil || public.Code != apperr.InvalidArgument || len(public.Fields) != 1 || public.Fields[0].Name != "photo" {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = amira.SetPhoto(t.Context(), &fundraiserv1.SetPhotoRequest{FundraiserId: id, Photo: &fundraiserv1.Photo{Content: photo(t, 20, 20), Alt: strings.Repeat("é", 301)}})
	refused(t, "an essay about the picture", err, apperr.InvalidArgument, "alt ALT_TOO_LONG")
	if gone := amira.do(t, id, discard); gone != nil {
		t.Errorf("%v", gone)
	}
	_, err = amira.GetOwnFundraiser(t.Context(), &fundraiserv1.GetOwnFundraiserRequest{FundraiserId: id})
	refused(t, "what was thrown away", err, apperr.NotFound)
}

func TestAnAccountIsFoundUnderItsAddress(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	nobody := w.as(t, "")
	ids := make([]string, 16)
	var links sync.WaitGroup
	for i := range ids {
		links.Go(func() {
			email := []string{"Amira@Example.org", " amira@example.org", "AMIRA@EXAMPLE.ORG "}[i%3]
			account, err := nobody.EnsureSupporter(t.Context(), &fundraiserv1.EnsureSupporterRequest{Email: email, Language: "fr-CA"})
			if err != nil {
				t.Error(err)
			}
			ids[i] = account.GetSupporterId()
		})
	}
	links.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Fatalf("accounts are %v", ids)
		}
	}
	_, err := nobody.EnsureSupporter(t.Context(), &fundraiserv1.EnsureSupporterRequest{Email: "amira"})
	refused(t, "no address", err, apperr.InvalidArgument, "email EMAIL_INVALID")

	amira := w.as(t, ids[0], "supporter")
	account, err := amira.GetSupporter(t.Context(), &fundraiserv1.GetSupporterRequest{})
	if s := account.GetSupporter(); err != nil || s.GetEmail() != "amira@example.org" || s.GetLanguage() != "fr-CA" || !s.GetMailGifts() || s.GetDisplayName() != "" {
		t.Errorf("%v, %v", account, err)
	}
	changed, err := amira.UpdateSupporter(t.Context(), &fundraiserv1.UpdateSupporterRequest{DisplayName: " Amira\u202e  Haddad\n", Language: "es"})
	if s := changed.GetSupporter(); err != nil || s.GetDisplayName() != "Amira Haddad" || s.GetLanguage() != "es" || s.GetMailGifts() {
		t.Errorf("%v, %v", changed, err)
	}
	_, err = amira.UpdateSupporter(t.Context(), &fundraiserv1.UpdateSupporterRequest{DisplayName: strings.Repeat("é", 121), Language: "??"})
	refused(t, "a long name in no language", err, apperr.InvalidArgument, "display_name NAME_TOO_LONG", "language LANGUAGE_UNKNOWN")
}
