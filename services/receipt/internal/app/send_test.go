package app_test

import (
	"context"
	"errors"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/receipt/internal/app"
)

func TestReceiptIsMailedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1))
	w.issue()
	w.clock.Advance(3 * time.Second)
	for range 3 {
		w.send()
	}
	letter := w.mail.only(t)
	if w.mail.handed != 1 {
		t.Errorf("handed over %d times", w.mail.handed)
	}
	link, err := w.GetReceiptLink(t.Context(), id(1))
	if err != nil || !link.MailedAt.Equal(w.clock.Now()) {
		t.Errorf("mailed at %v, %v, want now", link.MailedAt, err)
	}
	if w.summary().Backlog != (app.Backlog{}) {
		t.Errorf("backlog = %+v, want none", w.summary().Backlog)
	}

	address := "https://give.example.org/receipts/REFUGE-2026-000001/" + link.Token
	for _, body := range []string{letter.Text, letter.HTML} {
		for _, want := range []string{
			"Dear Amina Diallo,", "REFUGE-2026-000001", "€103.30", "€3.30", "4 November 2026",
			"Water in the camps", "Refuge Aid Association", "CHE-123.456.789", "12 Harbour Street", address,
		} {
			if !strings.Contains(body, want) {
				t.Errorf("the letter does not say %q:\n%s", want, body)
			}
		}
	}
	if letter.Subject != "Receipt REFUGE-2026-000001 for your gift to Refuge Aid Association" {
		t.Errorf("subject = %q", letter.Subject)
	}
	if letter.Recipient != "amina@example.org" || letter.SenderName != "Refuge Aid Association" {
		t.Errorf("letter from %q to %q", letter.SenderName, letter.Recipient)
	}
	if letter.ID != "receipt-REFUGE-2026-000001-1" {
		t.Errorf("message id = %q", letter.ID)
	}
}

func TestCoverIsMentionedOnlyWhereThereIsOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g := w.gift(id(1))
	g.Cover.Minor = 0
	w.donor.set(id(1), donorAnswer{name: "Amina Diallo", email: "amina@example.org"})
	w.receive(g)
	w.issue()
	w.send()
	letter := w.mail.only(t)
	if !strings.Contains(letter.Text, "Amount: €100.00\n") || strings.Contains(letter.Text, "cover") {
		t.Errorf("letter:\n%s", letter.Text)
	}
}

// Who reads a language that letters do not exist in gets English, not nothing.
func TestUnknownLanguageIsEnglish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n, language := range []string{"en", "en-GB", "tlh", "", "not a tag \x01"} {
		w.receive(w.gift(id(n)))
		w.donor.set(id(n), donorAnswer{name: "Amina Diallo", email: "amina@example.org", language: language})
	}
	w.issue()
	w.send()
	if len(w.mail.letters) != 5 {
		t.Fatalf("%d letters, want 5", len(w.mail.letters))
	}
	for _, letter := range w.mail.letters {
		if letter.Language != "en" || !strings.Contains(letter.HTML, `<html lang="en" dir="ltr">`) || !strings.Contains(letter.Subject, "Receipt") {
			t.Errorf("letter in %q with subject %q", letter.Language, letter.Subject)
		}
	}
}

func TestHostileNamesStayOneLineAndEncoded(t *testing.T) {
	t.Parallel()
	for given, read := range map[string]string{
		"Amina\r\nBcc: everyone@example.org":        "Amina Bcc: everyone@example.org",
		"Amina\x00\x1b[31m Diallo":                  "Amina\uFFFD [31m Diallo",
		"\u202Eolla\u202C \u2066Diallo\u2069\u200F": "olla Diallo",
		"Amina\u2028Diallo\u0085x":                  "Amina Diallo x",
		"  Amina \t  Diallo ":                       "Amina Diallo",
		"أمينة الديالو":                             "أمينة الديالو",
		"क्\u200dष":                                 "क्\u200dष", // the joiner makes the letter what it is
		strings.Repeat("Ñandú ", 33) + "12":         strings.Repeat("Ñandú ", 33) + "12",
	} {
		t.Run(given, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.receive(w.gift(id(1)))
			w.donor.set(id(1), donorAnswer{name: given, email: "amina@example.org"})
			w.issue()
			w.send()
			letter := w.mail.only(t)
			if strings.TrimSuffix(letter.RecipientName, "…") != read[:min(len(read), len(strings.TrimSuffix(letter.RecipientName, "…")))] {
				t.Errorf("recipient's name = %q, want the beginning of %q", letter.RecipientName, read)
			}
			if !strings.HasPrefix(letter.Text, "Dear "+read+",\n\n") || !strings.Contains(letter.Text, "Received from: "+read+"\n") {
				t.Errorf("text:\n%s", letter.Text)
			}
			if strings.ContainsAny(letter.Subject, "\r\n") {
				t.Errorf("subject %q has two lines", letter.Subject)
			}
			header := (&mail.Address{Name: letter.RecipientName, Address: letter.Recipient}).String()
			if strings.ContainsAny(header, "\r\n") {
				t.Errorf("header %q has two lines", header)
			}
		})
	}
}

func TestMarkupInNamesIsText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receive(w.gift(id(1)))
	w.donor.set(id(1), donorAnswer{name: `<img src=x onerror="alert(1)"> & "Co" {{.Link}}`, email: "amina@example.org"})
	w.issue()
	w.send()
	letter := w.mail.only(t)
	if strings.Contains(letter.HTML, "<img") || !strings.Contains(letter.HTML, "&lt;img src=x onerror=&#34;alert(1)&#34;&gt; &amp; &#34;Co&#34; {{.Link}}") {
		t.Errorf("HTML:\n%s", letter.HTML)
	}
	if !strings.Contains(letter.Text, `Dear <img src=x onerror="alert(1)"> & "Co" {{.Link}},`) {
		t.Errorf("text:\n%s", letter.Text)
	}
}

// A stop in the moment of the hand-over still notes it: a clean stop repeats no
// letter.
func TestStoppingWaitsForTheNote(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1), id(2))
	w.issue()
	w.draw()
	ctx, stop := context.WithCancel(t.Context())
	w.mail.taken = stop
	_, _ = w.SendDue(ctx)
	w.mail.taken = nil
	if backlog := w.summary().Backlog; backlog.Mails != 1 {
		t.Errorf("%d mails due, want the second alone", backlog.Mails)
	}
	w.send()
	if w.mail.handed != 2 {
		t.Errorf("handed over %d times, want 2", w.mail.handed)
	}
}

func TestMailServerThatIsAwayDelays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1), id(2))
	w.issue()
	w.mail.refuse = errors.New("connection refused")
	w.send()
	w.send()
	if backlog := w.summary().Backlog; backlog.Mails != 2 {
		t.Errorf("%d mails due, want 2", backlog.Mails)
	}
	w.mail.refuse = nil
	w.send()
	if len(w.mail.letters) != 0 {
		t.Error("tried again without a pause")
	}
	w.clock.Advance(time.Second)
	w.send()
	if len(w.mail.letters) != 2 {
		t.Errorf("%d letters, want 2", len(w.mail.letters))
	}
}

func TestRefusedMailParksAndCanBeRetried(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1))
	w.issue()
	w.mail.refuse = apperr.Wrap(errors.New("550 <amina@example.org> unknown"), apperr.InvalidArgument, "ADDRESS_REFUSED", "The address cannot be written to.")
	w.send()
	parked, err := w.ListParked(t.Context())
	if err != nil || len(parked) != 1 {
		t.Fatalf("parked = %+v, %v, want the mail", parked, err)
	}
	if parked[0].Queue != app.MailQueue || parked[0].ID != "REFUGE-2026-000001" || parked[0].DonationID != id(1) {
		t.Errorf("parked = %+v", parked[0])
	}
	if strings.Contains(parked[0].Reason, "@") || !strings.Contains(parked[0].Reason, "cannot be written to") {
		t.Errorf("reason = %q, want the public half alone", parked[0].Reason)
	}
	if backlog := w.summary().Backlog; backlog != (app.Backlog{}) {
		t.Errorf("backlog = %+v, want none", backlog)
	}
	w.mail.refuse = nil
	err = w.RetryParked(t.Context(), app.MailQueue, "REFUGE-2026-000001")
	if err != nil || len(w.mail.letters) != 1 {
		t.Errorf("retry: %v, %d letters", err, len(w.mail.letters))
	}
}
