package domain

import (
	"fmt"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/money"
)

// FirstVersion is the version of a receipt that replaces no other.
const FirstVersion = 1

// Document is what a receipt says. It is fixed at the issue: later changes to
// the organization, the fund or the donor do not reach it.
type Document struct {
	Profile                  string
	OrganizationLegalName    string
	OrganizationAddress      []string
	OrganizationRegistration string
	OrganizationContact      string
	DonorName                string // personal data
	DonorEmail               string // personal data
	Gift                     money.Amount
	Cover                    money.Amount
	Total                    money.Amount
	FundName                 string
	ReceivedOn               string // YYYY-MM-DD in the organization's time zone
	IssuedOn                 string // likewise
	PaymentReference         string
	Language                 string // BCP 47, one that the texts exist in
	Monthly                  bool   // an instalment of a monthly plan
}

// Receipt is an issued document. It never changes.
type Receipt struct {
	Number         Number
	Version        int
	OrganizationID string
	DonationID     string
	Replaces       Number // the donation's receipt before it; zero for its first
	Document       Document
	IssuedAt       time.Time
	TraceID        string // 32 hex digits, empty when the gift had no trace
}

// Series is the series that the receipt is numbered in.
func (r Receipt) Series() Series {
	return Series{OrganizationID: r.OrganizationID, Year: r.Number.Year}
}

// Refusal says why a receipt cannot be issued until somebody has changed
// something. It reads well to staff and carries no personal data.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return r.Reason }

// Compose writes the document for a gift as it would be issued at that time in
// that language. It fails with a *Refusal that lists everything that the
// organization's profile asks for and that is missing.
func Compose(g Gift, o Organization, f Fund, d Donor, issuedAt time.Time, language string) (Document, error) {
	total, err := g.Total()
	if err != nil {
		return Document{}, &Refusal{Reason: err.Error()}
	}
	document := Document{
		Profile:                  o.Profile,
		OrganizationLegalName:    o.LegalName,
		OrganizationAddress:      o.Address,
		OrganizationRegistration: o.Registration,
		OrganizationContact:      o.Contact,
		DonorName:                storable(d.Name),
		DonorEmail:               storable(d.Email),
		Gift:                     g.Amount,
		Cover:                    g.Cover,
		Total:                    total,
		FundName:                 f.Name,
		ReceivedOn:               day(g.PaidAt, o.TimeZone),
		IssuedOn:                 day(issuedAt, o.TimeZone),
		PaymentReference:         g.PaymentReference,
		Language:                 language,
		Monthly:                  g.Monthly,
	}

	profile, known := profileNamed(o.Profile)
	if !known {
		return Document{}, &Refusal{Reason: fmt.Sprintf("receipt profile %.40q is not known", o.Profile)}
	}
	missing := profile.missing(document)
	if len(missing) > 0 {
		return Document{}, &Refusal{Reason: "the receipt lacks " + strings.Join(missing, ", ")}
	}
	return document, nil
}

func day(t time.Time, zone *time.Location) string { return t.In(zone).Format(time.DateOnly) }
