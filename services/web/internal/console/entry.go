package console

import (
	"net/http"
	"strings"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/apperr"
)

// entry shows one journal entry with everything that it rests on.
func (c *Console) entry(w http.ResponseWriter, v *visit) {
	wanted, known := number(v.r.PathValue("number"))
	if !known || wanted == 0 {
		c.unknown(w, v)
		return
	}
	found, err := c.books.GetEntry(v.ctx, &ledgerv1.GetEntryRequest{Organization: v.book.GetOrganizationId(), Number: wanted})
	if err != nil {
		c.fail(w, v, err)
		return
	}
	entry := found.GetEntry()
	page := Entry{
		Desk: v.newDesk(v.spoken.Say("console.entry.title", "Number", wanted), "journal"),
		Code: v.book.GetCode(), Number: entry.GetNumber(), Description: entry.GetDescription(),
		Rule: v.ruleLabel(entry.GetRule()), RuleVersion: entry.GetRuleVersion(), RuleURL: v.link(journalPath, "rule", entry.GetRule()),
		Day: day(entry.GetBookedOn()), Occurred: v.moment(entry.GetOccurredAt()), Posted: v.moment(entry.GetPostedAt()),
		Sums:  sums([]*ledgerv1.Entry{entry}),
		Event: c.tie(v, entry.GetEventId()), Trace: c.tie(v, entry.GetTraceId()), Stripe: c.ties(v, entry.GetStripeIds()...),
		Account: entry.GetAccountId(), PreviousHash: entry.GetPreviousHash(), Hash: entry.GetHash(),
	}
	page.Lines, page.Dimensions = v.postings(entry, c.names(v))
	if wanted > 1 {
		page.Previous = v.entryLink(wanted - 1)
	}
	// The head may have moved on since the books were listed: then there is simply
	// no way on yet.
	if wanted < v.book.GetEntries() {
		next, err := c.books.GetEntry(v.ctx, &ledgerv1.GetEntryRequest{Organization: v.book.GetOrganizationId(), Number: wanted + 1})
		if err != nil {
			c.fail(w, v, err)
			return
		}
		page.Next, page.NextHash = v.entryLink(wanted+1), next.GetEntry().GetHash()
	}
	if entry.GetDonationId() != "" {
		page.Gift, page.GiftURL = entry.GetDonationId(), v.link(giftsPath+entry.GetDonationId())
		page.Receipt, err = c.receipt(v, entry.GetDonationId())
		if err != nil {
			c.fail(w, v, err)
			return
		}
	}
	c.show(w, v, http.StatusOK, &page)
}

// receipt is the receipt of a gift, if it has one. The address of the document is
// the key to what is in it, so it is given to those who may know the donor.
func (c *Console) receipt(v *visit, donationID string) (ReceiptLine, error) {
	link, err := c.receipts.GetReceiptLink(v.ctx, &receiptv1.GetReceiptLinkRequest{DonationId: donationID})
	if apperr.CodeOf(err) == apperr.NotFound {
		return ReceiptLine{}, nil
	}
	if err != nil {
		return ReceiptLine{}, err
	}
	line := ReceiptLine{
		Number: link.GetNumber(), Issued: v.moment(link.GetIssuedAt()), Mailed: v.moment(link.GetMailedAt()),
		State: strings.ToLower(strings.TrimPrefix(link.GetState().String(), "RECEIPT_STATE_")),
	}
	line.Held = link.GetHeld()
	if !v.mayKnowDonors() {
		return line, nil
	}
	line.URL = receiptPath(link.GetNumber(), link.GetToken())
	before, err := c.receipts.FindReceipt(v.ctx, &receiptv1.FindReceiptRequest{Number: link.GetNumber()})
	if err != nil && apperr.CodeOf(err) != apperr.NotFound {
		return ReceiptLine{}, err
	}
	line.Replaces, line.Ended = before.GetReplaces(), v.moment(before.GetEndedAt())
	return line, nil
}

func receiptPath(number, token string) string { return "/receipts/" + number + "/" + token }

// gift shows one gift: how it stands, what it consists of, and all that came of it.
func (c *Console) gift(w http.ResponseWriter, v *visit) {
	id := v.r.PathValue("id")
	if !isUUID(id) {
		c.unknown(w, v)
		return
	}
	found, err := c.donations.GetDonation(v.ctx, &donationv1.GetDonationRequest{DonationId: id})
	if err != nil {
		c.fail(w, v, err)
		return
	}
	page, err := c.giftPage(v, found)
	if err != nil {
		c.fail(w, v, err)
		return
	}
	c.show(w, v, http.StatusOK, &page)
}

func (c *Console) giftPage(v *visit, found *donationv1.GetDonationResponse) (Gift, error) {
	donation := found.GetDonation()
	id := donation.GetDonationId()
	called := c.names(v)
	given, cover := donation.GetGift(), donation.GetCover()
	page := Gift{
		Desk: v.newDesk(v.spoken.Say("console.gift.title"), "journal"),
		ID:   id, State: strings.ToLower(strings.TrimPrefix(donation.GetState().String(), "STATE_")),
		Gift:  amount(given.GetMinor(), given.GetCurrency()),
		Cover: amount(cover.GetMinor(), given.GetCurrency()),
		Total: amount(given.GetMinor()+cover.GetMinor(), given.GetCurrency()),
		Fee:   amount(donation.GetFee().GetMinor(), donation.GetFee().GetCurrency()), FeeKnown: donation.GetFee() != nil,
		Created: v.moment(donation.GetCreatedAt()), Paid: v.moment(donation.GetPaidAt()), Succeeded: v.moment(donation.GetSucceededAt()),
		Decline: donation.GetDeclineCode(), Position: donation.GetEventPos(),
		Stripe: c.ties(v, donation.GetPaymentIntentId(), donation.GetChargeId(), donation.GetBalanceTransactionId()),
		Trace:  c.tie(v, traceOf(donation.GetTraceparent())), MayKnow: v.mayKnowDonors(),
		AppealName: called.appeal(donation.GetAppealId()),
	}
	c.afterwards(v, &page, found)
	if donation.GetAppealId() != "" {
		page.Appeal = Tie{ID: donation.GetAppealId(), URL: v.link(journalPath, "appeal", donation.GetAppealId())}
	}
	if donation.GetFundraiserId() != "" {
		page.Fundraiser = Tie{ID: donation.GetFundraiserId(), URL: v.link(journalPath, "fundraiser", donation.GetFundraiserId())}
	}
	if donation.GetOrganizationId() != v.book.GetOrganizationId() {
		page.Organizing = donation.GetOrganizationId()
	}
	// Entries of other books have numbers that mean others in these.
	listed, err := c.books.ListEntries(v.ctx, &ledgerv1.ListEntriesRequest{OrganizationId: v.book.GetOrganizationId(), DonationId: id})
	if err != nil {
		return Gift{}, err
	}
	page.Entries = v.entries(listed.GetEntries(), called)
	page.Receipt, err = c.receipt(v, id)
	if err != nil {
		return Gift{}, err
	}
	if page.MayKnow {
		donor, err := c.donations.GetDonor(v.ctx, &donationv1.GetDonorRequest{DonationId: id})
		if err != nil {
			// Erased, or away: the gift stands without.
			c.front.Logger().WarnContext(v.ctx, "donor of a gift", "error", err)
			page.DonorGone = true
		}
		page.DonorName, page.DonorEmail = donor.GetName(), donor.GetEmail()
	}
	return page, nil
}

// isUUID reports whether the text is an id as we write them.
func isUUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i, r := range text {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (r == '-') || (!dash && !strings.ContainsRune("0123456789abcdef", r)) {
			return false
		}
	}
	return true
}
