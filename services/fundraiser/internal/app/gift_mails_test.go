package app_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/database"
)

func TestLettersAreInTheOwnersLanguage(t *testing.T) {
	t.Parallel()
	for language, want := range map[string]string{
		"en": "Your page has now raised €25.00 of €1,000.00.", "fr-CA": "Votre page a maintenant réuni 25,00",
		"es": "Tu página ya ha reunido 25,00", "ar": "جمعت صفحتك حتى الآن", "tr": "Your page has now raised",
	} {
		d := openOwnDesk(t)
		amira := d.account(t, "amira@example.org", language)
		own := d.published(t, amira, lap())
		d.give(t, own, d.clock.Now(), 1)
		letters := d.send(t)
		if len(letters) != 1 {
			t.Fatalf("%s: %d letters", language, len(letters))
		}
		letter := letters[0]
		direction := `dir="ltr"`
		if language == "ar" {
			direction = `dir="rtl"`
		}
		if !strings.Contains(letter.Text, want) || !strings.Contains(letter.HTML, direction) || letter.Recipient != "amira@example.org" ||
			letter.RecipientName != "Amira Haddad" || letter.SenderName != "Wayhaven Relief" ||
			!strings.Contains(letter.Text, "\nhttps://give.example.org/account/fundraisers/"+own.Page.ID+"\n") ||
			!strings.Contains(letter.HTML, `href="https://give.example.org/f/one-lap-for-every-tent"`) || strings.Contains(letter.Text, "%!") {
			t.Errorf("%s: %+v", language, letter)
		}
	}
}

// Whatever people call themselves and their pages: the headers of a letter are
// one line each, and its markup is ours.
func TestATitleCannotWriteALetter(t *testing.T) {
	t.Parallel()
	d := openOwnDesk(t)
	amira := d.account(t, "amira@example.org", "en")
	rapid.Check(t, func(r *rapid.T) {
		hostile := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"Run\r\nBcc: everybody@example.org", "Run\u2028Subject: Won", "<script>alert(1)</script>", "\"><img src=x onerror=a()>", "{{.Email}} %s %d",
		}))
		own := d.published(t, amira, lap())
		// As an operator's file could have it, past what forms clean.
		own.Page.Title, own.Page.Owner = hostile.Draw(r, "title"), hostile.Draw(r, "name")
		if strings.ContainsRune(own.Page.Title+own.Page.Owner, 0) {
			return
		}
		err := d.store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error { return tx.PutPage(ctx, own.Page.Page) })
		if err != nil {
			r.Fatal(err)
		}
		d.give(t, own, d.clock.Now(), 1)
		letter := d.send(t)[0]
		for _, header := range []string{letter.Subject, letter.RecipientName, letter.SenderName} {
			if strings.ContainsAny(header, "\r\n\u2028\u2029\u0085") || len([]rune(header)) > 200 {
				r.Fatalf("header is %q", header)
			}
		}
		if strings.Contains(letter.HTML, "<script") || strings.Contains(letter.HTML, "<img") {
			r.Fatalf("%s", letter.HTML)
		}
		err = d.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE fundraiser SET supporter_id = '' WHERE id = $1`, own.Page.ID)
			return err
		})
		if err != nil {
			r.Fatal(err)
		}
	})
}

func TestMailsWaitForTheServerAndAreParkedInTheEnd(t *testing.T) {
	t.Parallel()
	d := openOwnDesk(t)
	amira := d.account(t, "amira@example.org", "en")
	own := d.published(t, amira, lap())
	d.give(t, own, d.clock.Now(), 3)
	d.give(t, own, d.clock.Now().Add(-8*24*time.Hour), 2) // no news any more
	d.post.refuse = errors.New("connection refused")
	if letters := d.send(t); len(letters) != 0 {
		t.Fatalf("%d letters", len(letters))
	}
	d.post.refuse = nil
	if letters := d.send(t); len(letters) != 0 {
		t.Errorf("%d letters before their time", len(letters))
	}
	d.clock.Advance(time.Second)
	letters := d.send(t)
	if len(letters) != 3 || len(d.send(t)) != 0 {
		t.Errorf("%d letters when the server is back", len(letters))
	}

	d.give(t, own, d.clock.Now(), 1)
	d.post.refuse = errors.New("connection refused")
	for range 59 {
		d.send(t)
		d.clock.Advance(time.Hour)
	}
	parked, err := d.ParkedMails(t.Context())
	if err != nil || len(parked) != 0 {
		t.Errorf("given up after 59 attempts: %+v, %v", parked, err)
	}
	d.send(t)
	parked, err = d.ParkedMails(t.Context())
	if err != nil || len(parked) != 1 || parked[0].Attempts != 60 || !parked[0].Since.Equal(d.clock.Now()) {
		t.Fatalf("%+v, %v", parked, err)
	}
	err = d.RetryMails(t.Context(), parked[0].DonationID)
	again, parkedErr := d.ParkedMails(t.Context())
	if err != nil || parkedErr != nil || len(again) != 0 {
		t.Errorf("%+v, %v, %v", again, err, parkedErr)
	}

	d.post.refuse = apperr.New(apperr.InvalidArgument, "MAIL_MALFORMED", "The mail cannot be sent as it is.")
	d.clock.Advance(time.Minute)
	d.send(t)
	parked, err = d.ParkedMails(t.Context())
	if err != nil || len(parked) != 1 || !strings.Contains(parked[0].Reason, "cannot be sent") {
		t.Errorf("%+v, %v", parked, err)
	}
	d.post.refuse = nil
	before := len(d.post.letters)
	err = d.RetryMails(t.Context(), "")
	if err != nil || len(d.post.letters) != before+1 {
		t.Errorf("retried: %d letters, %v", len(d.post.letters)-before, err)
	}
	if strings.Contains(d.post.log.String(), "amira") || strings.Contains(d.post.log.String(), "Haddad") {
		t.Errorf("the log names people:\n%s", d.post.log.String())
	}
	if !strings.Contains(d.post.log.String(), "parked") {
		t.Error("nobody is told of what was parked")
	}
}

func TestWhoTurnsMailsOffGetsNone(t *testing.T) {
	t.Parallel()
	d := openOwnDesk(t)
	amira := d.account(t, "amira@example.org", "en")
	own := d.published(t, amira, lap())
	d.give(t, own, d.clock.Now(), 1)
	_, err := d.UpdateSupporter(t.Context(), amira, "", "en", false)
	if err != nil {
		t.Fatal(err)
	}
	d.give(t, own, d.clock.Now(), 1)
	if letters := d.send(t); len(letters) != 0 {
		t.Errorf("%+v", letters)
	}
	_, err = d.UpdateSupporter(t.Context(), amira, "", "en", true)
	if err != nil {
		t.Fatal(err)
	}
	if letters := d.send(t); len(letters) != 0 {
		t.Errorf("of gifts from then: %+v", letters)
	}
}

func TestWorkEndsWhenItIsTold(t *testing.T) {
	t.Parallel()
	d := openOwnDesk(t)
	amira := d.account(t, "amira@example.org", "en")
	d.give(t, d.published(t, amira, lap()), d.clock.Now(), 70) // more than a batch
	ctx, stop := context.WithCancel(t.Context())
	tick, ended := make(chan time.Time), make(chan struct{})
	go func() {
		d.Work(ctx, tick)
		close(ended)
	}()
	tick <- d.clock.Now() // it has been through once when it takes this
	if len(d.post.letters) != 70 {
		t.Errorf("%d letters", len(d.post.letters))
	}
	stop()
	<-ended
}
