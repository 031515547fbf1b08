package fundraiser_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/mail"
	"github.com/almoner/almoner/services/internal/testkit"
)

// post is a sink that refuses for good while it is told to.
type post struct {
	*mail.Sink
	refuses atomic.Bool
}

func (p *post) Send(ctx context.Context, message mail.Message) error {
	if p.refuses.Load() {
		return apperr.New(apperr.InvalidArgument, "MAIL_REFUSED", "There is no such mailbox.")
	}
	return p.Sink.Send(ctx, message)
}

// An owner hears of a gift once, in the own language, and no donor is named.
func TestAnOwnerHearsOfEachGift(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	amira := w.signIn(t, "amira@example.org", "ar")
	in := walk()
	in.Title = "Bread & \"roses\" <for> all"
	own := amira.begin(t, in).GetFundraiser()
	amira.do(t, own.GetFundraiserId(), publish)
	terms := w.resolve(t, toPage(own.GetSlug())).GetAttribution()

	old := w.succeed(terms, 5_00, "EUR")
	old.PaidAt = w.clock.Now().Add(-8 * 24 * time.Hour).UnixMicro()
	gift := w.succeed(terms, 25_00, "EUR")
	w.publish(t, old, gift)
	w.publish(t, gift) // told again
	// A page without an owner has nobody to write to.
	w.publish(t, w.succeed(w.resolve(t, toPage("salma-walks-the-coast")).GetAttribution(), 9_00, "EUR"))
	w.applied(t, 4)
	var kept []mail.Entry
	testkit.Eventually(t, func() bool {
		var err error
		kept, err = w.mails.List(10)
		return err == nil && len(kept) == 1
	})
	letter, err := w.mails.Read("gift-" + gift.GetDonationId())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(letter.To, "amira@example.org") || !strings.Contains(letter.Subject, "تبرع") || !strings.Contains(letter.HTML, `dir="rtl"`) ||
		!strings.Contains(letter.HTML, "Bread &amp;") || strings.Contains(letter.HTML, "<for>") ||
		!strings.Contains(letter.Text, site+"/account/fundraisers/"+own.GetFundraiserId()) || !strings.Contains(letter.Text, site+"/f/"+own.GetSlug()) {
		t.Errorf("%s\n%s\n%s\n%s", letter.To, letter.Subject, letter.Text, letter.HTML)
	}

	_, err = amira.UpdateSupporter(t.Context(), &fundraiserv1.UpdateSupporterRequest{Language: "ar", MailGifts: false})
	if err != nil {
		t.Fatal(err)
	}
	w.publish(t, w.succeed(terms, 7_00, "EUR"))
	w.applied(t, 5)
	_, err = amira.UpdateSupporter(t.Context(), &fundraiserv1.UpdateSupporterRequest{Language: "en", MailGifts: true})
	if err != nil {
		t.Fatal(err)
	}
	last := w.succeed(terms, 8_00, "EUR")
	w.publish(t, last)
	w.applied(t, 6)
	testkit.Eventually(t, func() bool {
		kept, err = w.mails.List(10)
		return err == nil && len(kept) == 2
	})
	letter, err = w.mails.Read("gift-" + last.GetDonationId())
	if err != nil || !strings.Contains(letter.Text, "€8.00") || !strings.Contains(letter.Text, "€45.00 of €1,000.00") {
		t.Errorf("%v\n%s", err, letter.Text)
	}
	parked, err := w.parking.ListParked(t.Context(), &feedv1.ListParkedRequest{Service: "fundraiser"})
	if err != nil || len(parked.GetItems()) != 0 {
		t.Errorf("%v, %v", parked, err)
	}
}

// A mail that is refused for good is seen by staff, names nobody, and goes out
// when it is tried again.
func TestARefusedMailIsParkedAndRetried(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	amira := w.signIn(t, "amira@example.org", "en")
	own := amira.begin(t, walk()).GetFundraiser()
	amira.do(t, own.GetFundraiserId(), publish)
	gift := w.succeed(w.resolve(t, toPage(own.GetSlug())).GetAttribution(), 25_00, "EUR")
	w.mails.refuses.Store(true)
	w.publish(t, gift)
	var items []*feedv1.ParkedItem
	testkit.Eventually(t, func() bool {
		parked, err := w.parking.ListParked(t.Context(), &feedv1.ListParkedRequest{Service: "fundraiser"})
		if err != nil {
			t.Fatal(err)
		}
		items = parked.GetItems()
		return len(items) == 1
	})
	item := items[0]
	if item.GetId() != "gift-mail:"+gift.GetDonationId() || item.GetAggregateId() != gift.GetDonationId() ||
		!strings.Contains(item.GetReason(), "no such mailbox") || strings.Contains(item.String(), "amira") {
		t.Errorf("%v", item)
	}
	if seen := testkit.Scrape(t, w.metrics); seen[`almoner_parked_items{kind="gift_mail",service="fundraiser"}`] != 1 {
		t.Errorf("operators see %v", seen)
	}
	for _, id := range []string{"gift-mail:none", "gift-mail:"} {
		_, err := w.parking.RetryParked(t.Context(), &feedv1.RetryParkedRequest{Service: "fundraiser", Id: id})
		refused(t, "retrying "+id, err, apperr.NotFound)
	}
	if !item.GetCourtesy() {
		t.Error("a mailbox that is gone would count as money that is missing")
	}
	still, err := w.parking.RetryParked(t.Context(), &feedv1.RetryParkedRequest{Service: "fundraiser", Id: item.GetId()})
	if err != nil || still.GetParked() != 1 {
		t.Errorf("refused again: %v, %v", still, err)
	}
	w.mails.refuses.Store(false)
	done, err := w.parking.RetryParked(t.Context(), &feedv1.RetryParkedRequest{Service: "fundraiser"})
	if err != nil || done.GetParked() != 0 || done.GetApplied() != 1 {
		t.Errorf("all: %v, %v", done, err)
	}
	_, err = w.mails.Read("gift-" + gift.GetDonationId())
	if err != nil {
		t.Errorf("the mail is not there: %v", err)
	}
}
