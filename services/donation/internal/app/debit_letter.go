package app

import (
	"net/url"

	"github.com/almoner/almoner/services/donation/internal/domain"
)

// debitFailedLetter tells the donor of a single gift that the bank refused the debit.
// It came days after the donor had been told that the gift was on its way, so nobody
// is on a page to see it. It fails once for each payment, by whichever route that is
// heard of, and so it is told of once.
func (a *App) debitFailedLetter(d domain.Donation, paymentID string) PlanMail {
	return PlanMail{
		Key: string(MailDebitFailed) + ":" + d.ID + ":" + paymentID, DonationID: d.ID, Kind: MailDebitFailed,
		Parts: domain.Parts{Gift: d.Gift.Minor, Cover: d.Cover.Minor}, URL: a.givenOn(d), MadeAt: a.micros(),
	}
}

// givenOn is the page that a gift was given on. One that was put back may not know it.
func (a *App) givenOn(d domain.Donation) string {
	switch {
	case d.FundraiserSlug != "":
		return a.cfg.BaseURL + "/f/" + url.PathEscape(d.FundraiserSlug)
	case d.AppealSlug != "":
		return a.cfg.BaseURL + "/appeals/" + url.PathEscape(d.AppealSlug)
	}
	return a.cfg.BaseURL
}
