package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/rpc"
	"github.com/almoner/almoner/services/internal/platform/texts"
	"github.com/almoner/almoner/services/web/internal/view"
)

// pageTimeout bounds all the questions that a page waits for; filesAndChains those
// that go through whole books.
const (
	pageTimeout    = 10 * time.Second
	filesAndChains = 5 * time.Minute
)

// bookParameter names whose books a page is about, where there are several.
const bookParameter = "book"

// visit is one request at the desk: who asks, and of which books.
type visit struct {
	ctx     context.Context
	r       *http.Request
	spoken  *texts.Texts
	query   url.Values
	book    *ledgerv1.Book
	zone    *time.Location
	today   string
	several bool
	names   map[string]string // of organizations, by id
	desk    Desk
}

// at opens the books before a page is asked for. The address of a page about one
// of several books always says which, so that it means the same to everybody.
func (c *Console) at(handle func(http.ResponseWriter, *visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
		defer cancel()
		listed, err := c.books.ListBooks(ctx, &ledgerv1.ListBooksRequest{})
		if err != nil {
			c.front.Fail(w, r, err)
			return
		}
		v := &visit{ctx: ctx, r: r, spoken: c.front.Texts(r.Context()), query: r.URL.Query(), several: len(listed.GetBooks()) > 1}
		if len(listed.GetBooks()) == 0 {
			page := Empty{Desk: v.newDesk("", "overview")}
			c.show(w, v, http.StatusOK, &page)
			return
		}
		named := v.query.Get(bookParameter)
		switch {
		case named == "" && v.several && r.Method != http.MethodPost:
			v.query.Set(bookParameter, listed.GetBooks()[0].GetSlug())
			address := url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: v.query.Encode()}
			http.Redirect(w, r, address.String(), http.StatusSeeOther)
			return
		case named == "":
			v.book = listed.GetBooks()[0]
		default:
			v.book = find(listed.GetBooks(), named)
		}
		if v.book == nil {
			c.front.Unknown(w, r)
			return
		}
		v.zone, err = time.LoadLocation(v.book.GetTimeZone())
		if err != nil {
			// Days are then UTC's, and are called so.
			v.zone = time.UTC
		}
		v.today = c.front.Now().In(v.zone).Format(time.DateOnly)
		v.introduce(listed)
		handle(w, v)
	}
}

// find takes the words that the ledger itself takes.
func find(books []*ledgerv1.Book, name string) *ledgerv1.Book {
	for _, book := range books {
		if book.GetSlug() == name || book.GetOrganizationId() == name || book.GetCode() == name {
			return book
		}
	}
	return nil
}

// introduce fills the masthead of the desk.
func (v *visit) introduce(listed *ledgerv1.ListBooksResponse) {
	v.names = map[string]string{}
	for _, book := range listed.GetBooks() {
		v.names[book.GetOrganizationId()] = book.GetName()
	}
	v.desk.Site = view.Site{Name: v.book.GetName()}
	v.desk.Book, v.desk.Zone = v.book.GetName(), v.zone.String()
	for _, at := range listed.GetCheckpoints() {
		v.desk.Positions = append(v.desk.Positions, Position{Feed: at.GetFeed(), Number: at.GetPos()})
	}
	if !v.several {
		return
	}
	v.desk.BookName = v.book.GetSlug()
	for _, book := range listed.GetBooks() {
		// Filters are words of one organization's books: another's begin without.
		v.desk.Books = append(v.desk.Books, Choice{
			Label: book.GetName(), URL: address(overviewPath, bookParameter, book.GetSlug()), Current: book == v.book,
		})
	}
}

// newDesk is the frame of one page. area is the part of the console that it is in.
func (v *visit) newDesk(title, area string) Desk {
	desk := v.desk
	desk.Title = title
	if title == "" {
		desk.Title = v.spoken.Say("console.name")
	}
	desk.Private = true
	desk.Styles = []string{"console.css"}
	for _, part := range []struct{ area, path string }{
		{"overview", overviewPath}, {"journal", journalPath}, {"refunds", refundsPath}, {"disputes", disputesPath},
		{"plans", plansPath}, {"payouts", payoutsPath}, {"accounts", accountsPath},
		{"trial_balance", trialPath}, {"audit", auditPath},
	} {
		desk.Areas = append(desk.Areas, Choice{
			Label: v.spoken.Say("console.area." + part.area), URL: v.link(part.path), Current: part.area == area,
		})
	}
	return desk
}

// link is an address of the console, of the same books, with pairs of a name and a
// value; what has no value is left out.
func (v *visit) link(path string, pairs ...string) string {
	if v.several {
		pairs = append(pairs, bookParameter, v.book.GetSlug())
	}
	return address(path, pairs...)
}

func address(path string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	return (&url.URL{Path: path, RawQuery: values.Encode()}).String()
}

// entryLink leads to an entry of the visit's books.
func (v *visit) entryLink(number int64) string {
	return v.link(entriesPath + strconv.FormatInt(number, 10))
}

// accountLink leads to an account in one currency, over the days between.
func (v *visit) accountLink(code, currency, from, to string) string {
	return v.link(accountsPath+"/"+code, "currency", currency, "from", from, "to", to)
}

// moment is a time of the wire in the organization's own time zone; the zero time
// for none.
func (v *visit) moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).In(v.zone)
}

// mayKnowDonors reports whether the person may be shown who gave.
func (v *visit) mayKnowDonors() bool {
	person, signedIn := rpc.ActingPerson(v.ctx)
	return signedIn && person.Is("accountant", "admin")
}

// mayAct reports whether the person may give money back and end plans.
func (v *visit) mayAct() bool {
	person, signedIn := rpc.ActingPerson(v.ctx)
	return signedIn && person.Is("accountant", "admin")
}

// mayVerify is the same set of roles for now as those who may know donors, and
// another decision.
func (v *visit) mayVerify() bool {
	person, signedIn := rpc.ActingPerson(v.ctx)
	return signedIn && person.Is("accountant", "admin")
}

// show sends a page of the console.
func (c *Console) show(w http.ResponseWriter, v *visit, status int, page view.Page) {
	c.front.Show(w, v.r, status, page)
}

// fail answers for a question that was not answered. What the services do not
// have, and what they refuse as a part of an address, does not exist.
func (c *Console) fail(w http.ResponseWriter, v *visit, err error) {
	c.front.Fail(w, v.r, err)
}

// unknown answers for an address that leads nowhere.
func (c *Console) unknown(w http.ResponseWriter, v *visit) { c.front.Unknown(w, v.r) }

// amount reads what the books say. A currency that this program does not know is
// shown as a bare number, which is at least true.
func amount(minor int64, code string) money.Amount {
	currency, err := money.ParseCurrency(code)
	if err != nil {
		return money.Amount{Minor: minor}
	}
	return money.Amount{Minor: minor, Currency: currency}
}
