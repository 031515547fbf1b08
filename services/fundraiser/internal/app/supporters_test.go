package app_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/fundraiser/internal/pictures"
	"github.com/almoner/almoner/services/fundraiser/internal/store"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

// postbox takes letters, or refuses them as long as it has a reason to.
type postbox struct {
	mu      sync.Mutex
	refuse  error
	letters []app.Letter
	log     strings.Builder
}

func (p *postbox) Send(_ context.Context, letter app.Letter) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse == nil {
		p.letters = append(p.letters, letter)
	}
	return p.refuse
}

// ownDesk is the supporters' use cases beside all others on one database with the
// sample in it.
type ownDesk struct {
	bench
	*app.Supporters
	store *store.Store
	post  *postbox
}

func openOwnDesk(t *testing.T) ownDesk {
	t.Helper()
	b, post := setup(t), &postbox{}
	b.load(t, sample(t))
	kept := store.New(b.db, feed.NewLog(b.db, "fundraiser"))
	people, err := app.NewSupporters(app.SupportersConfig{
		Store: kept, Pictures: pictures.New(), Mailer: post, BaseURL: "https://give.example.org/", Now: b.clock.Now,
		Logger: slog.New(slog.NewTextHandler(&post.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return ownDesk{bench: b, Supporters: people, store: kept, post: post}
}

func (d ownDesk) account(t *testing.T, email, language string) string {
	t.Helper()
	id, err := d.EnsureSupporter(t.Context(), email, language)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func lap() domain.PageInput {
	return domain.PageInput{AppealSlug: "shelter-tonight", Title: "One lap for every tent", Owner: "Amira Haddad", Goal: 1_000_00, Story: "I run."}
}

// published is a supporter's page that takes gifts.
func (d ownDesk) published(t *testing.T, supporterID string, in domain.PageInput) app.OwnPage {
	t.Helper()
	own, err := d.BeginPage(t.Context(), supporterID, uuid.NewString(), in)
	if err != nil {
		t.Fatal(err)
	}
	live, err := d.ChangeState(t.Context(), supporterID, own.Page.ID, domain.Publish)
	if err != nil {
		t.Fatal(err)
	}
	return *live
}

// give counts gifts of 25.00 to a page, paid at a moment.
func (d ownDesk) give(t *testing.T, to app.OwnPage, paid time.Time, n int) {
	t.Helper()
	err := d.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		var gifts []domain.Gift
		for range n {
			gifts = append(gifts, domain.Gift{
				DonationID: uuid.NewString(), OrganizationID: to.Appeal.OrganizationID, AppealID: to.Appeal.ID, PageID: to.Page.ID,
				Amount: money.Amount{Minor: 25_00, Currency: to.Appeal.Currency}, Visibility: domain.Anonymous, PaidAt: paid.UnixMicro(), Pos: 1,
			})
		}
		return d.CountGifts(ctx, d.store.Bind(tx), gifts)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (d ownDesk) send(t *testing.T) []app.Letter {
	t.Helper()
	before := len(d.post.letters)
	for more := true; more; {
		var err error
		more, err = d.SendDueMails(t.Context())
		if err != nil {
			t.Fatal(err)
		}
	}
	return d.post.letters[before:]
}

func (d ownDesk) rows(t *testing.T, table string) int {
	t.Helper()
	var rows int
	err := d.db.InReadTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+table).Scan(&rows)
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func picture(t *testing.T) []byte {
	t.Helper()
	var b strings.Builder
	err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 500, 300)))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(b.String())
}

func TestDraftsNobodyClaimsAreThrownAwayAfterAWeek(t *testing.T) {
	t.Parallel()
	d := openOwnDesk(t)
	amira := d.account(t, "amira@example.org", "en")
	left, err := d.SaveDraft(t.Context(), uuid.NewString(), lap())
	if err != nil {
		t.Fatal(err)
	}
	claimed, err := d.SaveDraft(t.Context(), uuid.NewString(), lap())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{left, claimed} {
		_, err = d.SetDraftPhoto(t.Context(), id, picture(t), "A track")
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = d.ClaimDraft(t.Context(), amira, claimed)
	if err != nil {
		t.Fatal(err)
	}
	d.clock.Advance(7 * 24 * time.Hour)
	more, err := d.DiscardOldDrafts(t.Context())
	if err != nil || more || d.rows(t, "image") != 2 {
		t.Errorf("after exactly a week: %v, %v, %d pictures", more, err, d.rows(t, "image"))
	}
	d.clock.Advance(time.Second)
	_, err = d.DiscardOldDrafts(t.Context())
	if err != nil || d.rows(t, "image") != 1 || d.rows(t, "image_size") != 2 {
		t.Errorf("%v, %d pictures in %d sizes", err, d.rows(t, "image"), d.rows(t, "image_size"))
	}
	_, err = d.GetDraft(t.Context(), left)
	if apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("the draft is there: %v", err)
	}
	_, err = d.GetOwn(t.Context(), amira, claimed)
	if err != nil {
		t.Errorf("the claimed one is gone: %v", err)
	}
}

func TestNobodyFillsTheHouseWithDrafts(t *testing.T) {
	t.Parallel()
	d := openOwnDesk(t)
	intent := uuid.NewString()
	_, err := d.SaveDraft(t.Context(), intent, lap())
	for range 199 {
		in := lap()
		in.Title = uuid.NewString()
		_, saveErr := d.SaveDraft(t.Context(), uuid.NewString(), in)
		err = errors.Join(err, saveErr)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.SaveDraft(t.Context(), uuid.NewString(), lap())
	if apperr.CodeOf(err) != apperr.ResourceExhausted {
		t.Errorf("the 201st in an hour: %v", err)
	}
	// Who has begun goes on, and who signed in is not held up by the others.
	_, err = d.SaveDraft(t.Context(), intent, lap())
	if err != nil {
		t.Errorf("a draft that is there: %v", err)
	}
	amira := d.account(t, "amira@example.org", "en")
	_, err = d.BeginPage(t.Context(), amira, uuid.NewString(), lap())
	if err != nil {
		t.Errorf("signed in: %v", err)
	}
	d.clock.Advance(time.Hour + time.Second)
	_, err = d.SaveDraft(t.Context(), uuid.NewString(), lap())
	if err != nil {
		t.Errorf("an hour later: %v", err)
	}
}

func TestFiftyPagesAreEnoughForOne(t *testing.T) {
	t.Parallel()
	d := openOwnDesk(t)
	amira := d.account(t, "amira@example.org", "en")
	waiting, err := d.SaveDraft(t.Context(), uuid.NewString(), lap())
	if err != nil {
		t.Fatal(err)
	}
	var last app.OwnPage
	for i := range 50 {
		in := lap()
		in.Title = fmt.Sprintf("Lap number %d", i)
		last, err = d.BeginPage(t.Context(), amira, uuid.NewString(), in)
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = d.BeginPage(t.Context(), amira, uuid.NewString(), lap())
	_, claimErr := d.ClaimDraft(t.Context(), amira, waiting)
	if apperr.CodeOf(err) != apperr.ResourceExhausted || apperr.CodeOf(claimErr) != apperr.ResourceExhausted {
		t.Errorf("the 51st: %v, %v", err, claimErr)
	}
	_, err = d.ChangeState(t.Context(), amira, last.Page.ID, domain.Discard)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.ClaimDraft(t.Context(), amira, waiting)
	if err != nil {
		t.Errorf("after one was thrown away: %v", err)
	}
	own, err := d.ListOwn(t.Context(), amira)
	if err != nil || len(own) != 50 {
		t.Errorf("%d pages, %v", len(own), err)
	}
}

func TestOneIntentBeginsOnePage(t *testing.T) {
	t.Parallel()
	d := openOwnDesk(t)
	amira, noor := d.account(t, "amira@example.org", "en"), d.account(t, "noor@example.org", "en")
	intent := uuid.NewString()
	ids := make([]string, 6)
	var clicks sync.WaitGroup
	for i := range ids {
		clicks.Go(func() {
			own, err := d.BeginPage(t.Context(), amira, intent, lap())
			if err != nil {
				t.Error(err)
			}
			ids[i] = own.Page.ID
		})
	}
	clicks.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("pages are %v", ids)
		}
	}
	changed := lap()
	changed.Story = "I run on."
	again, err := d.BeginPage(t.Context(), amira, intent, changed)
	if err != nil || again.Page.ID != ids[0] || again.Page.Story != "I run on." {
		t.Errorf("sent again: %+v, %v", again, err)
	}
	// Somebody else's intent of the same number begins a page of their own.
	hers, err := d.BeginPage(t.Context(), noor, intent, lap())
	if err != nil || hers.Page.ID == ids[0] {
		t.Errorf("%+v, %v", hers, err)
	}
	_, err = d.ChangeState(t.Context(), amira, ids[0], domain.Publish)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.BeginPage(t.Context(), amira, intent, lap())
	if apperr.CodeOf(err) != apperr.Aborted {
		t.Errorf("the form of a published page, sent again: %v", err)
	}
	_, err = d.BeginPage(t.Context(), uuid.NewString(), uuid.NewString(), lap())
	if apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("without an account: %v", err)
	}
}

func TestDraftsWrittenAtOnceAreOne(t *testing.T) {
	t.Parallel()
	d := openOwnDesk(t)
	intent := uuid.NewString()
	var clicks sync.WaitGroup
	for range 8 {
		clicks.Go(func() {
			_, err := d.SaveDraft(t.Context(), intent, lap())
			if err != nil {
				t.Error(err)
			}
		})
	}
	clicks.Wait()
	draft, err := d.GetDraft(t.Context(), domain.DraftID(intent))
	if err != nil || draft.Page.Slug != "one-lap-for-every-tent" || draft.Page.Version != 1 {
		t.Errorf("%+v, %v", draft, err)
	}
}

func TestAPictureGoesWithItsReplacement(t *testing.T) {
	t.Parallel()
	d := openOwnDesk(t)
	amira := d.account(t, "amira@example.org", "en")
	own := d.published(t, amira, lap())
	first, err := d.SetPhoto(t.Context(), amira, own.Page.ID, picture(t), "The track")
	if err != nil || len(first.ID) < 26 {
		t.Fatalf("%+v, %v", first, err)
	}
	second, err := d.SetPhoto(t.Context(), amira, own.Page.ID, picture(t), "")
	if err != nil || second.ID == first.ID || d.rows(t, "image") != 1 {
		t.Errorf("%+v, %v, %d pictures", second, err, d.rows(t, "image"))
	}
	_, err = d.Image(t.Context(), first.ID, 400)
	if apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("the old one is there: %v", err)
	}
	for range 2 {
		none, err := d.SetPhoto(t.Context(), amira, own.Page.ID, nil, "")
		if err != nil || none.ID != "" || d.rows(t, "image") != 0 || d.rows(t, "image_size") != 0 {
			t.Errorf("%+v, %v", none, err)
		}
	}
	desk, err := d.GetOwn(t.Context(), amira, own.Page.ID)
	if err != nil || desk.Page.Version != own.Page.Version+3 {
		t.Errorf("version %d, was %d, %v", desk.Page.Version, own.Page.Version, err)
	}
}

func TestWhatStaffTookDownStaysDown(t *testing.T) {
	t.Parallel()
	d := openOwnDesk(t)
	amira := d.account(t, "amira@example.org", "en")
	own := d.published(t, amira, lap())
	down := own.Page.Page
	down.State, down.StateBefore, down.Reason = domain.TakenDown, domain.Live, "The picture is somebody else's."
	err := d.store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error { return tx.PutPage(ctx, down) })
	if err != nil {
		t.Fatal(err)
	}
	desk, err := d.GetOwn(t.Context(), amira, down.ID)
	if err != nil || desk.Page.Reason != down.Reason || !desk.Closed {
		t.Errorf("the owner sees %+v, %v", desk, err)
	}
	in := lap()
	in.Title = "Another title"
	_, saveErr := d.SavePage(t.Context(), amira, down.ID, down.Version, in)
	_, paintErr := d.SetPhoto(t.Context(), amira, down.ID, picture(t), "")
	_, clearErr := d.SetPhoto(t.Context(), amira, down.ID, nil, "")
	for what, err := range map[string]error{"save": saveErr, "paint": paintErr, "clear": clearErr} {
		if code, reason := code(err); code != apperr.FailedPrecondition || reason != "FUNDRAISER_TAKEN_DOWN" {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, action := range []domain.Action{domain.Publish, domain.Pause, domain.Resume, domain.Close, domain.Discard} {
		_, err := d.ChangeState(t.Context(), amira, down.ID, action)
		if _, reason := code(err); reason != "FUNDRAISER_TAKEN_DOWN" {
			t.Errorf("%s: %v", action, err)
		}
	}
	_, err = d.GetFundraiser(t.Context(), down.Slug)
	_, giftErr := d.ResolveGift(t.Context(), app.Target{PageSlug: down.Slug})
	if apperr.CodeOf(err) != apperr.NotFound || apperr.CodeOf(giftErr) != apperr.NotFound {
		t.Errorf("the public gets %v, %v", err, giftErr)
	}
}

func TestLoadingAFileUndoesNothingThatPeopleDid(t *testing.T) {
	t.Parallel()
	d := openOwnDesk(t)
	amira := d.account(t, "amira@example.org", "en")
	in := lap()
	in.Slug = "amira-runs"
	d.published(t, amira, in)
	// Staff took a page of the file down, and gave another of them an owner.
	err := d.store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
		down, _, err := tx.PageBySlug(ctx, "salma-walks-the-coast")
		adopted, _, adoptErr := tx.PageBySlug(ctx, "bread-for-new-neighbours")
		down.State, down.StateBefore, down.Reason, down.Version = domain.TakenDown, domain.Live, "Reported.", 2
		adopted.SupporterID, adopted.Title, adopted.Version = amira, "Our own words", 2
		return errors.Join(err, adoptErr, tx.PutPage(ctx, down.Page), tx.PutPage(ctx, adopted.Page))
	})
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer("180 kilometres, one for each family in row C", "Changed in the file", "title: Bread for new neighbours", "title: Overwritten").Replace(sample(t))
	report := d.load(t, changed)
	if report.Fundraisers != (app.Count{Changed: 1, Unchanged: 1}) {
		t.Errorf("%+v", report.Fundraisers)
	}
	err = d.store.InReadTx(t.Context(), func(ctx context.Context, tx app.Reader) error {
		down, _, err := tx.PageBySlug(ctx, "salma-walks-the-coast")
		if down.State != domain.TakenDown || down.StateBefore != domain.Live || down.Reason != "Reported." || down.Title != "Changed in the file" || down.Version != 3 {
			t.Errorf("%+v", down)
		}
		adopted, _, adoptErr := tx.PageBySlug(ctx, "bread-for-new-neighbours")
		if adopted.Title != "Our own words" || adopted.SupporterID != amira || adopted.Version != 2 {
			t.Errorf("%+v", adopted)
		}
		return errors.Join(err, adoptErr)
	})
	if err != nil {
		t.Fatal(err)
	}
	if again := d.load(t, changed); again.Fundraisers != (app.Count{Unchanged: 2}) {
		t.Errorf("the same file again: %+v", again.Fundraisers)
	}
	_, err = d.Load(t.Context(), strings.NewReader(strings.Replace(sample(t), "slug: salma-walks-the-coast", "slug: amira-runs", 1)))
	var invalid *app.InvalidFileError
	if !errors.As(err, &invalid) || !strings.Contains(err.Error(), "the address of a supporter's page") {
		t.Errorf("a file with a supporter's address: %v", err)
	}
}
