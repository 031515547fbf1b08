package donation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
)

// givePage is where the gifts of these tests are given.
const givePage = "https://give.example.org/appeals/winter-shelter"

// The donor saw that the gift was on its way, days ago, and is on no page any more.
func TestTheDonorIsToldThatTheDebitFailed(t *testing.T) {
	t.Parallel()
	for language, want := range map[string]struct {
		subject string
		says    []string
	}{
		"en":    {"could not be debited", []string{"Amina Yusuf", "there is no receipt", "Amount: €100.00.", "give again"}},
		"fr-CA": {"n’a pas pu être prélevé", []string{"Amina Yusuf", "pas de reçu", "100,00", "donner à nouveau"}},
		"es":    {"No se pudo adeudar", []string{"Amina Yusuf", "no hay recibo", "100,00", "volver a donar"}},
		"ar":    {"تعذّر الخصم", []string{"Amina Yusuf", "لا يوجد إيصال", "التبرع مرة أخرى"}},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			w := banks(t)
			r := form()
			r.Language = language
			w.debitedBy(r, debitFails)
			w.knobs(`{"duplicate": 1.0}`)
			w.days(5)
			w.eventually("the donor is told", func() bool { return len(w.mail.about(want.subject)) == 1 })
			letter := w.mail.about(want.subject)[0]
			if letter.To.Email != "amina@example.org" {
				t.Errorf("it goes to %q", letter.To.Email)
			}
			for _, part := range append(want.says, givePage, "A warm room") {
				if !strings.Contains(letter.Text, part) {
					t.Errorf("it lacks %q:\n%s", part, letter.Text)
				}
			}
			if strings.Contains(letter.Text, "/plans/") || !strings.Contains(letter.HTML, `href="`+givePage+`"`) {
				t.Errorf("its links are others:\n%s", letter.HTML)
			}
			// Each webhook came twice, and another life of the service hears nothing new.
			w.kill()
			w.start()
			w.quiet()
			w.eventually("nothing is due", func() bool { return w.rows(`SELECT COUNT(*) FROM plan_mail WHERE settled_at = 0`) == 0 })
			if count := w.rows(`SELECT COUNT(*) FROM plan_mail`); count != 1 || len(w.mail.about(want.subject)) != 1 {
				t.Errorf("%d letters, %d of them taken", count, len(w.mail.about(want.subject)))
			}
		})
	}
}

func TestNobodyIsToldOfADebitThatArrives(t *testing.T) {
	t.Parallel()
	w := banks(t)
	d := w.debited(debitArrives)
	w.days(5)
	w.settled(d.GetDonationId())
	w.quiet()
	if count := w.rows(`SELECT COUNT(*) FROM plan_mail`); count != 0 {
		t.Errorf("%d letters", count)
	}
}

// With all webhooks lost the donor is told all the same, though later.
func TestADebitThatFailedUnheardIsTold(t *testing.T) {
	t.Parallel()
	w := banks(t)
	w.knobs(`{"drop": 1.0}`)
	started := w.checkout(form())
	w.debit(started.GetSessionId(), debitFails)
	w.days(5)
	w.eventually("the donor is told", func() bool { return len(w.mail.about("could not be debited")) == 1 })
}

// A mailbox that refuses the letter is staff's to see, and says nothing of the money.
func TestALetterAboutADebitThatIsRefused(t *testing.T) {
	t.Parallel()
	w := banks(t)
	w.mail.set(true)
	d := w.debited(debitFails)
	w.days(5)
	w.eventually("it is parked", func() bool { return len(w.parked()) == 1 })
	item := w.parked()[0]
	if item.GetType() != "debit-mail" || item.GetAggregateId() != d.GetDonationId() || !item.GetCourtesy() || !strings.Contains(item.GetReason(), "no such mailbox") {
		t.Errorf("parked as %v", item)
	}
	if text := item.String(); strings.Contains(text, "amina@") || strings.Contains(text, "Yusuf") {
		t.Errorf("it names the donor: %s", text)
	}
	w.clock.Advance(time.Hour)
	w.deliver(paidEvent("evt_of_another", "pi_of_another", uuid.NewString(), nil), webhookSecret, w.clock.Now())
	w.eventually("a payment of nobody is parked behind it", func() bool {
		items := w.parked()
		return len(items) == 2 && items[0].GetId() == item.GetId() && items[1].GetAggregateId() == "pi_of_another"
	})
	w.mail.set(false)
	_, err := w.parking.RetryParked(t.Context(), &feedv1.RetryParkedRequest{Service: "donation", Id: item.GetId()})
	if err != nil {
		t.Fatal(err)
	}
	w.eventually("it is sent", func() bool { return len(w.mail.about("could not be debited")) == 1 && len(w.parked()) == 1 })
}
