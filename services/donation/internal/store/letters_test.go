package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/donation/migrations"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
)

// Letters that waited when they were all about monthly plans are still sent, and
// those that were sent are not sent again.
func TestLettersAboutPlansSurviveThoseAboutGifts(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { lettersBefore(t, "sqlite:"+t.TempDir()+"/donation.db") })
	t.Run("postgres", func(t *testing.T) { lettersBefore(t, testkit.PostgreSQLURL(t)) })
}

func lettersBefore(t *testing.T, url string) {
	t.Helper()
	eur, err := money.ParseCurrency("EUR")
	if err != nil {
		t.Fatal(err)
	}
	plan := domain.Plan{ID: uuid.NewString(), Status: domain.PlanCreated, Gift: money.Amount{Minor: 20_00, Currency: eur}, Cover: money.Amount{Currency: eur}}
	plan.First = domain.Donation{
		ID: uuid.NewString(), IntentID: uuid.NewString(), InputHash: "9f86d081", Gift: plan.Gift, Cover: plan.Cover, PlanID: plan.ID,
		State: domain.Created, Visibility: domain.Anonymous, Attribution: domain.Attribution{FundClass: domain.Unrestricted},
	}
	db := migratedTo(t, url, upTo(t, "0010_ending.sql"))
	err = on(db).InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
		_, err := tx.LockIntent(ctx, plan.First.IntentID)
		_, insertErr := tx.InsertDonation(ctx, plan.First, domain.Donor{Name: "Amina Yusuf", Email: "amina@example.org", Language: "fr"})
		return errors.Join(err, insertErr, tx.InsertPlan(ctx, plan))
	})
	err = errors.Join(err, db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO plan_mail (key, plan_id, kind, gift_minor, cover_minor, at, url, made_by, language, made_at,
				attempts, next_attempt_at, settled_at, parked_at, parked_reason) VALUES
			('failed:1', $1, 'failed', 2000, 66, 5, 'https://pay.example.org/in_1', 'donor', 'fr', 7, 2, 40, 0, 0, ''),
			('failed:2', $1, 'failed', 2000, 66, 5, '', '', '', 7, 1, 0, 9, 0, ''),
			('failed:3', $1, 'failed', 2000, 66, 5, '', '', '', 7, 4, 0, 0, 11, 'the mail is refused')`, plan.ID)
		return err
	}), db.Close())
	if err != nil {
		t.Fatal(err)
	}
	db = migratedTo(t, url, migrations.Set())
	err = on(db).InReadTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
		due, err := tx.DuePlanMails(ctx, 40, 10)
		want := app.PlanMail{
			Key: "failed:1", PlanID: plan.ID, Kind: app.MailFailed, Parts: domain.Parts{Gift: 20_00, Cover: 66}, At: 5,
			URL: "https://pay.example.org/in_1", By: domain.ByDonor, Language: "fr", MadeAt: 7, Attempts: 2,
		}
		if len(due) != 1 || due[0] != want {
			t.Errorf("due %+v, want %+v", due, want)
		}
		parked, parkedErr := tx.ParkedPlanMails(ctx)
		if len(parked) != 1 || parked[0].Key != "failed:3" || parked[0].PlanID != plan.ID || parked[0].ParkedReason != "the mail is refused" {
			t.Errorf("parked %+v", parked)
		}
		return errors.Join(err, parkedErr)
	})
	err = errors.Join(err, db.Close())
	if err != nil {
		t.Fatal(err)
	}
}
