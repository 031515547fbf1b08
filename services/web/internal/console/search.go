package console

import (
	"net/http"
	"strconv"
	"strings"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/apperr"
)

// longestReference is more than any id has.
const longestReference = 255

// search finds what an id belongs to, whoever made the id. With one hit it goes
// there at once.
func (c *Console) search(w http.ResponseWriter, v *visit) {
	asked := strings.TrimSpace(v.query.Get("q"))
	page := Search{Desk: v.newDesk(v.spoken.Say("console.search.title"), "")}
	page.Query = v.query.Get("q")
	if asked == "" || len(asked) > longestReference || strings.ContainsFunc(asked, isControl) {
		c.show(w, v, http.StatusOK, &page)
		return
	}
	finder := &finder{Console: c, visit: v, page: &page, gifts: map[string]bool{}}
	for _, look := range []func(string) error{finder.byNumber, finder.donations, finder.plans, finder.payouts, finder.entries, finder.byReceipt} {
		err := look(asked)
		switch apperr.CodeOf(err) {
		case "", apperr.NotFound, apperr.InvalidArgument:
			// It is no id of that kind.
		case apperr.Unavailable, apperr.DeadlineExceeded, apperr.PermissionDenied:
			page.Away = true
		default:
			if err != nil {
				c.fail(w, v, err)
				return
			}
		}
	}
	if len(page.Hits) == 1 && !page.Away {
		http.Redirect(w, v.r, page.Hits[0].URL, http.StatusSeeOther)
		return
	}
	c.show(w, v, http.StatusOK, &page)
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// finder collects what is found.
type finder struct {
	*Console
	visit *visit
	page  *Search
	gifts map[string]bool
}

func (f *finder) add(kind, name, text, url string) {
	f.page.Hits = append(f.page.Hits, Hit{Kind: kind, Name: name, Text: text, URL: url})
}

func (f *finder) addGift(d *donationv1.Donation) {
	if f.gifts[d.GetDonationId()] {
		return
	}
	f.gifts[d.GetDonationId()] = true
	f.add("gift", d.GetDonationId(), f.visit.spoken.Money(amount(d.GetGift().GetMinor(), d.GetGift().GetCurrency())),
		f.visit.link(giftsPath+d.GetDonationId()))
}

// byNumber takes "17", "#17", "JE-000017" and, with the code of the books before
// it, "REFUGE-17".
func (f *finder) byNumber(asked string) error {
	rest := strings.ToUpper(asked)
	for _, prefix := range []string{"#", "JE-", strings.ToUpper(f.visit.book.GetCode()) + "-"} {
		rest = strings.TrimPrefix(rest, prefix)
	}
	wanted, known := number(strings.TrimLeft(rest, "0"))
	if !known || wanted == 0 {
		return nil
	}
	found, err := f.books.GetEntry(f.visit.ctx, &ledgerv1.GetEntryRequest{Organization: f.visit.book.GetOrganizationId(), Number: wanted})
	if err != nil {
		return err
	}
	f.add("entry", strconv.FormatInt(wanted, 10), found.GetEntry().GetDescription(), f.visit.entryLink(wanted))
	return nil
}

// donations takes our id of a gift and Stripe's ids of how it was paid.
func (f *finder) donations(asked string) error {
	found, err := f.Console.donations.FindDonations(f.visit.ctx, &donationv1.FindDonationsRequest{Reference: asked})
	if err != nil {
		return err
	}
	for _, donation := range found.GetDonations() {
		f.addGift(donation)
	}
	return nil
}

// plans takes our id of a monthly gift, and Stripe's of its subscription and customer.
func (f *finder) plans(asked string) error {
	found, err := f.Console.donations.ListPlans(f.visit.ctx, &donationv1.ListPlansRequest{Reference: asked})
	if err != nil {
		return err
	}
	for _, p := range found.GetPlans() {
		f.add("plan", p.GetPlanId(), f.visit.spoken.Say("console.plan.monthly", "Amount", f.visit.spoken.Money(*monthly(p))), f.visit.link(under(plansPath, p.GetPlanId())))
	}
	return nil
}

// payouts takes Stripe's id of one.
func (f *finder) payouts(asked string) error {
	if !strings.HasPrefix(asked, "po_") {
		return nil
	}
	found, err := f.Console.donations.GetPayout(f.visit.ctx, &donationv1.GetPayoutRequest{PayoutId: asked, PageSize: 1})
	if err != nil {
		return err
	}
	f.add("payout", asked, f.visit.spoken.Money(*value(found.GetPayout().GetAmount())), f.visit.link(under(payoutsPath, asked)))
	return nil
}

// entries takes any id that an entry names. Those of a gift that was found already
// are on its page.
func (f *finder) entries(asked string) error {
	listed, err := f.books.ListEntries(f.visit.ctx, &ledgerv1.ListEntriesRequest{
		OrganizationId: f.visit.book.GetOrganizationId(), Filter: &ledgerv1.EntryFilter{Reference: asked}, Limit: entriesShown, NewestFirst: true,
	})
	if err != nil {
		return err
	}
	for _, entry := range listed.GetEntries() {
		if !f.gifts[entry.GetDonationId()] || entry.GetDonationId() == "" {
			f.add("entry", strconv.FormatInt(entry.GetNumber(), 10), entry.GetDescription(), f.visit.entryLink(entry.GetNumber()))
		}
	}
	return nil
}

// byReceipt takes the number of a receipt, from who may read receipts. What it is
// for is the gift.
func (f *finder) byReceipt(asked string) error {
	if !f.visit.mayKnowDonors() {
		return nil
	}
	found, err := f.receipts.FindReceipt(f.visit.ctx, &receiptv1.FindReceiptRequest{Number: asked})
	if err != nil {
		return err
	}
	donation, err := f.Console.donations.GetDonation(f.visit.ctx, &donationv1.GetDonationRequest{DonationId: found.GetDonationId()})
	if err != nil {
		return err
	}
	f.addGift(donation.GetDonation())
	return nil
}
