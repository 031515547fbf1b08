package domain

import (
	"strings"

	"github.com/google/uuid"
)

// namespace keeps ids made from names apart from everybody else's. It must
// never change: all ids of organizations, funds, appeals and pages follow from
// it, and gifts already given carry them.
const namespace = "0b1d8f0e-3c52-4f6a-9f0b-7c3a5e2d9a41"

// Ids are made from names, so that loading the same file twice, or into two
// deployments, speaks of the same things.

// OrganizationID is the id of the organization with this code.
func OrganizationID(code string) string { return nameID("organization", code) }

// FundID is the id of an organization's fund.
func FundID(organizationID, code string) string { return nameID("fund", organizationID+"/"+code) }

// AppealID is the id of the appeal at this address.
func AppealID(slug string) string { return nameID("appeal", slug) }

// PageID is the id of the supporter's page at this address.
func PageID(slug string) string { return nameID("fundraiser", slug) }

func nameID(kind, name string) string {
	return uuid.NewSHA1(uuid.MustParse(namespace), []byte(kind+":"+name)).String()
}

// DraftID is the id of the draft begun with a form's intent by somebody who had
// not signed in.
func DraftID(intentID string) string { return nameID("draft", strings.ToLower(intentID)) }

// OwnDraftID is the id of the page that a supporter began with a form's intent.
// Who it is, is part of it: nobody can make, or guess, another's.
func OwnDraftID(supporterID, intentID string) string {
	return nameID("own draft", supporterID+"/"+strings.ToLower(intentID))
}
