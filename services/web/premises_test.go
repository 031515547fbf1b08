package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/donation"
	"github.com/almoner/almoner/services/fundraiser"
	"github.com/almoner/almoner/services/internal/audit"
	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/ledger"
	"github.com/almoner/almoner/services/receipt"
	"github.com/almoner/almoner/services/web"
	"github.com/almoner/almoner/services/web/internal/front"
	"github.com/almoner/almoner/services/web/internal/session"
)

// premisesURL is where browsers know the site. It listens elsewhere, as it does
// behind a proxy, so whatever were made from the request's Host would show.
const premisesURL = "https://give.harbour.example"

// Names and addresses that are found again wherever they leak to. They are in no
// text of ours.
const (
	donorName  = "Quillon Zarnowski"
	donorMail  = "quillon.zarnowski@example.org"
	raiserName = "Vashti Perrowne"
	raiserMail = "vashti.perrowne@example.org"
	rivalName  = "Ludovic Ashgrove"
	rivalMail  = "ludovic.ashgrove@example.org"
	viewerMail = "thessaly.viewer@example.org"
	bookMail   = "bartholo.books@example.org"
	chairMail  = "odalys.chair@example.org"
	juniorMail = "pelham.junior@example.org" // whom the chair added
)

// The visitors of each route, from who may least to who may most.
const (
	anonymous  = "anonymous"
	supporter  = "supporter"
	other      = "other supporter"
	viewer     = "viewer"
	accountant = "accountant"
	admin      = "admin"
)

func everybody() []string {
	return []string{anonymous, supporter, other, viewer, accountant, admin}
}

func addresses() map[string]string {
	return map[string]string{supporter: raiserMail, other: rivalMail, viewer: viewerMail, accountant: bookMail, admin: chairMail}
}

// premises is the whole program as it runs, with a gift that has arrived
// everywhere, two supporters with a page each, and staff of each role.
type premises struct {
	t         *testing.T
	dir       string
	address   string // where it listens
	simulator string
	routes    []front.Route
	known     map[string]place
	logs      *lockedText
	accounts  map[string]string // of supporters, by visitor
	sessions  *session.Sessions
	photo     *fundraiserv1.Image // of the first supporter's page
	mails     *mail.Sink
	databases map[string]*database.DB
	cookies   map[string]*http.Cookie // of who is signed in, by visitor
	client    *http.Client
	secrets   []string // tokens that were used
}

// place is what fills one {} of a pattern.
type place struct {
	mine   string // exists, and the first supporter's or the books' own
	theirs string // exists, and nobody but its owner may know; empty where there is no such thing
	none   string // has the same shape and does not exist
	query  string // that opens mine
}

func newPremises(t *testing.T) *premises {
	t.Helper()
	p := &premises{
		t: t, dir: t.TempDir(), logs: &lockedText{}, accounts: map[string]string{}, cookies: map[string]*http.Cookie{}, databases: map[string]*database.DB{},
		client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	mine, theirs := p.prepare()
	operator := p.run()
	gift, number, token, code := p.give(mine.GetSlug())
	plan, planToken := p.giveMonthly(mine.GetSlug())
	report, err := audit.New(operator.Conn()).Run(t.Context(), time.Minute)
	if err != nil || !report.OK {
		t.Fatalf("the gift has not arrived everywhere: %v %+v", err, report)
	}
	ids, _ := p.letters()
	style := regexp.MustCompile(`/assets/([^"]+\.css)`).FindStringSubmatch(p.get(anonymous, "/").body)
	if style == nil {
		t.Fatal("the front page has no style")
	}
	nobody := "5e0c1de2-58a4-4d0f-9d5e-3c2f6f1a9b11"
	page := place{mine: mine.GetSlug(), theirs: theirs.GetSlug(), none: "nobody-runs"}
	owned := place{mine: mine.GetFundraiserId(), theirs: theirs.GetFundraiserId(), none: nobody}
	appeal, fund := p.id("SELECT id FROM appeal WHERE slug = 'shelter-tonight'"), p.id("SELECT id FROM fund WHERE code = 'GENERAL'")
	err = p.sessions.AddStaff(t.Context(), session.PersonID(chairMail), juniorMail, "viewer")
	if err != nil {
		t.Fatal(err)
	}
	p.known = map[string]place{
		"/":                           {mine: "nowhere"},
		"/api/":                       {mine: "v2/appeals"},
		"/assets/":                    {mine: style[1], none: "none.css"},
		"/appeals/{slug}":             {mine: "shelter-tonight", none: "no-such-appeal"},
		"/f/{slug}":                   page,
		"/embed/f/{slug}":             page,
		"/api/v1/appeals/{slug}":      {mine: "shelter-tonight", none: "no-such-appeal"},
		"/api/v1/fundraisers/{slug}":  page,
		"/donations/{id}":             {mine: gift.id, theirs: gift.id, none: nobody, query: "?session_id=" + gift.session},
		"/donations/{id}/cancelled":   {mine: gift.id, none: nobody}, // the address is the key
		"/plans/{id}":                 {mine: plan, theirs: plan, none: nobody},
		"/plans/{id}/{token}":         {mine: planToken, theirs: flipped(planToken), none: flipped(planToken)},
		"/receipts/{number}":          {mine: number, theirs: number, none: "WAYHAVEN-2026-999999"},
		"/receipts/{number}/{token}":  {mine: token, theirs: flipped(token), none: flipped(token)},
		"/verify/{number}":            {mine: number, theirs: number, none: "WAYHAVEN-2026-999999", query: "?c=" + code},
		"/dev/mail/{id}":              {mine: ids[0], none: "none"},
		"/sign-in/{token}":            {mine: p.link(), none: strings.Repeat("A", 43)},
		"/account/fundraisers/{id}":   owned,
		"/finance/entries/{number}":   {mine: "1", none: "999999"},
		"/finance/gifts/{id}":         {mine: gift.id, none: nobody},
		"/finance/refunds/{id}":       {mine: nobody, none: nobody},       // nothing is given back
		"/finance/payouts/{id}":       {mine: "po_none", none: "po_none"}, // nothing is paid out
		"/finance/plans/{id}":         {mine: nobody, none: nobody},       // nobody gives every month
		"/finance/accounts/{code...}": {mine: "4000", none: "9999"},
		"/staff/appeals/{id}":         {mine: appeal, none: nobody},
		"/staff/funds/{id}":           {mine: fund, none: nobody},
		"/staff/moderation/{id}":      {mine: mine.GetFundraiserId(), none: nobody},
		"/staff/parked/{id}":          {mine: nobody, none: nobody}, // nothing is set aside
		"/staff/people/{id}":          {mine: session.PersonID(juniorMail), none: nobody},
		"/start/{appeal}":             {mine: "shelter-tonight", none: "no-such-appeal"},
		"/photos/{image}":             {mine: p.photo.GetImageId(), none: flipped(p.photo.GetImageId())},
		"/photos/{image}/{width}":     {mine: fmt.Sprint(p.photo.GetWidths()[0]), none: "123"},

		"/account/fundraisers/{id}/{action}": {mine: "pause", theirs: "pause", none: "pause"},
	}
	p.secrets = append(p.secrets, token, planToken, p.known["/sign-in/{token}"].mine)
	return p
}

// prepare writes what supporters did before the story begins: one has a page, the
// other a draft.
func (p *premises) prepare() (mine, theirs *fundraiserv1.Fundraiser) {
	p.t.Helper()
	db := p.open("fundraiser", fundraiser.Migrations())
	err := db.Migrate(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	p.mails, err = mail.NewSink(filepath.Join(p.dir, "mail"), time.Now)
	if err != nil {
		p.t.Fatal(err)
	}
	service, err := fundraiser.New(fundraiser.Config{BaseURL: premisesURL}, fundraiser.Deps{DB: db, Mail: p.mails})
	if err != nil {
		p.t.Fatal(err)
	}
	_, err = service.LoadSampleIfEmpty(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	people, network := testkit.NewPeople(p.t), rpc.NewNetwork()
	server := rpc.NewServer(rpc.ServerConfig{PersonKey: people.Key})
	service.RegisterGRPC(server)
	ctx, stop := context.WithCancel(p.t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, network) }()
	conn, err := network.Dial("web", people.Acting()...)
	if err != nil {
		p.t.Fatal(err)
	}
	asked := fundraiserv1.NewSupporterServiceClient(conn)
	for who, address := range addresses() {
		account, err := asked.EnsureSupporter(p.t.Context(), &fundraiserv1.EnsureSupporterRequest{Email: address, Language: "en"})
		if err != nil {
			p.t.Fatal(err)
		}
		p.accounts[who] = account.GetSupporterId()
	}
	begin := func(who, slug, title, name string, publish bool) *fundraiserv1.Fundraiser {
		ctx := rpc.WithPerson(p.t.Context(), rpc.Person{ID: p.accounts[who], Roles: []string{"supporter"}})
		saved, err := asked.SaveFundraiser(ctx, &fundraiserv1.SaveFundraiserRequest{
			IntentId: uuid.NewString(), Input: &fundraiserv1.FundraiserInput{
				AppealSlug: "shelter-tonight", Slug: slug, Title: title, OwnerName: name, GoalMinor: 1_000_00,
				StoryMarkdown: "A lap of the harbour for each tent.",
			},
		})
		if err != nil {
			p.t.Fatal(err)
		}
		photo, err := asked.SetPhoto(ctx, &fundraiserv1.SetPhotoRequest{
			FundraiserId: saved.GetFundraiser().GetFundraiser().GetFundraiserId(), Photo: &fundraiserv1.Photo{Content: harbourPicture(p.t), Alt: "The harbour"},
		})
		if err != nil {
			p.t.Fatal(err)
		}
		if publish {
			p.photo = photo.GetImage()
			_, err = asked.ChangeFundraiserState(ctx, &fundraiserv1.ChangeFundraiserStateRequest{
				FundraiserId: saved.GetFundraiser().GetFundraiser().GetFundraiserId(),
				Action:       fundraiserv1.FundraiserAction_FUNDRAISER_ACTION_PUBLISH,
			})
			if err != nil {
				p.t.Fatal(err)
			}
		}
		return saved.GetFundraiser().GetFundraiser()
	}
	mine = begin(supporter, "laps-of-the-harbour", "Laps of the harbour", raiserName, true)
	theirs = begin(other, "a-quiet-draft", "A quiet draft", rivalName, false)
	stop()
	err = errors.Join(conn.Close(), <-served, db.Close())
	if err != nil {
		p.t.Fatal(err)
	}
	return mine, theirs
}

// open is another connection to the database of a service.
func (p *premises) open(service string, sets []database.MigrationSet) *database.DB {
	p.t.Helper()
	db, err := database.Open(p.t.Context(), database.Config{
		URL: "sqlite:" + filepath.Join(p.dir, service+".db"), Service: service, Migrations: sets,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return db
}

// run starts the program, and opens what tests need beside it.
func (p *premises) run() *node.Operator {
	p.t.Helper()
	cfg, err := node.LoadConfig([]string{
		"ALMONER_DATA_DIR=" + p.dir, "ALMONER_HTTP_ADDR=127.0.0.1:0", "ALMONER_OPS_ADDR=127.0.0.1:0", "ALMONER_STRIPESIM_ADDR=127.0.0.1:0",
		"ALMONER_BASE_URL=" + premisesURL,
		"ALMONER_STAFF=" + viewerMail + ":viewer," + bookMail + ":accountant," + chairMail + ":admin",
	})
	if err != nil {
		p.t.Fatal(err)
	}
	n, err := node.Open(p.t.Context(), cfg, node.NewLogger(p.logs, slog.LevelDebug))
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(p.t.Context()))
	ran := make(chan error, 1)
	go func() { ran <- n.Run(ctx) }()
	p.t.Cleanup(func() {
		p.client.CloseIdleConnections()
		stop()
		err := errors.Join(<-ran, n.Close())
		if err != nil {
			p.t.Error(err)
		}
	})
	p.address, p.simulator = "http://"+n.Address(), n.SimulatorURL()
	cfg.StripesimAddr = strings.TrimPrefix(p.simulator, "http://")
	operator, err := node.OpenOperator(p.t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = operator.Close() })

	// The same routes: they are values, and hold nothing of who answers.
	for name, sets := range map[string][]database.MigrationSet{
		"web": web.Migrations(), "fundraiser": fundraiser.Migrations(), "donation": donation.Migrations(), "ledger": ledger.Migrations(), "receipt": receipt.Migrations(),
	} {
		db := p.open(name, sets)
		p.t.Cleanup(func() { _ = db.Close() })
		p.databases[name] = db
	}
	service, err := web.New(
		web.Config{BaseURL: premisesURL, CheckoutOrigin: p.simulator, Development: true, MailDir: filepath.Join(p.dir, "mail")},
		web.Deps{DB: p.databases["web"], Conn: nobody(p.t), Mail: p.mails, Now: time.Now})
	if err != nil {
		p.t.Fatal(err)
	}
	p.routes = service.Routes()
	p.sessions, err = session.New(
		session.Config{Secure: true, Staff: map[string][]string{viewerMail: {"viewer"}, bookMail: {"accountant"}, chairMail: {"admin"}}},
		session.Deps{DB: p.databases["web"], Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		p.t.Fatal(err)
	}
	return operator
}

var (
	receiptLink = regexp.MustCompile(regexp.QuoteMeta(premisesURL) + `/receipts/([A-Z0-9-]+)/([A-Za-z0-9_-]+)`)
	planLink    = regexp.MustCompile(regexp.QuoteMeta(premisesURL) + `/plans/([0-9a-f-]{36})/([A-Za-z0-9_-]+)`)
	signInLink  = regexp.MustCompile(regexp.QuoteMeta(premisesURL) + `/sign-in/([A-Za-z0-9_-]{43})`)
	checkLink   = regexp.MustCompile(`/verify/[A-Z0-9-]+\?c=([A-Za-z0-9_-]+)`)
)

// letters are the texts of all mails that were written, the newest first.
func (p *premises) letters() (ids []string, texts string) {
	p.t.Helper()
	entries, err := p.mails.List(1000)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, entry := range entries {
		letter, err := p.mails.Read(entry.ID)
		if err != nil {
			p.t.Fatal(err)
		}
		ids = append(ids, entry.ID)
		texts += letter.Text
	}
	return ids, texts
}

// link is a sign-in link of the second supporter that nobody has used.
func (p *premises) link() string {
	p.t.Helper()
	p.post(anonymous, "/sign-in", url.Values{"email": {rivalMail}})
	_, texts := p.letters()
	found := signInLink.FindStringSubmatch(texts)
	if found == nil {
		p.t.Fatal("no mail with a link to sign in")
	}
	return found[1]
}

// id is one value of the fundraiser service's.
func (p *premises) id(question string) string {
	p.t.Helper()
	var found []string
	err := p.databases["fundraiser"].InReadTx(p.t.Context(), func(ctx context.Context, tx *database.Tx) (err error) {
		found, err = column(ctx, tx, question)
		return err
	})
	if err != nil || len(found) != 1 {
		p.t.Fatalf("%s: %v %v", question, found, err)
	}
	return found[0]
}

// harbourPicture is a photo as telephones take them, small.
func harbourPicture(t *testing.T) []byte {
	t.Helper()
	picture := image.NewGray(image.Rect(0, 0, 320, 200))
	for i := range picture.Pix {
		picture.Pix[i] = uint8(i / 320)
	}
	var file bytes.Buffer
	err := jpeg.Encode(&file, picture, nil)
	if err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// flipped is a token of the same shape with other bits in its middle.
func flipped(token string) string {
	middle := len(token) / 2
	with := byte('A')
	if token[middle] == with {
		with = 'B'
	}
	return token[:middle] + string(with) + token[middle+1:]
}
