package console

import (
	"errors"
	"net/http"
	"slices"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/web/internal/view"
)

// FormPage asks something before it is done.
type FormPage struct {
	Desk
	Heading string
	Aside   string
	Back    Choice
	Notice  *view.Notice
	Facts   []Fact
	Text    []string
	Form    *view.Inputs // nil where nothing can be done
}

// Template names the file that draws it.
func (*FormPage) Template() string { return "finance_form" }

// Faults are those of its form, for the summary.
func (p *FormPage) Faults() []view.Fault {
	if p.Form == nil {
		return nil
	}
	return p.Form.Faults()
}

// askRefund shows the form that gives a gift back.
func (c *Console) askRefund(w http.ResponseWriter, v *visit) {
	gift, ok := c.refundable(w, v)
	if !ok {
		return
	}
	typed := map[string]string{"request_id": newRequest(), "amount": v.spoken.Typed(*value(gift.GetLeft())), "reason": "requested_by_customer"}
	c.show(w, v, http.StatusOK, c.refundForm(v, gift, typed))
}

func (c *Console) refundable(w http.ResponseWriter, v *visit) (*donationv1.GetDonationResponse, bool) {
	id := v.r.PathValue("id")
	if !isUUID(id) {
		c.unknown(w, v)
		return nil, false
	}
	found, err := c.donations.GetDonation(v.ctx, &donationv1.GetDonationRequest{DonationId: id})
	if err != nil {
		c.fail(w, v, err)
		return nil, false
	}
	return found, true
}

// refundForm draws the form with what was typed, or says why there is none.
func (c *Console) refundForm(v *visit, gift *donationv1.GetDonationResponse, typed map[string]string) *FormPage {
	donation := gift.GetDonation()
	total := amount(donation.GetGift().GetMinor()+donation.GetCover().GetMinor(), donation.GetGift().GetCurrency())
	page := &FormPage{
		Desk: v.newDesk(v.spoken.Say("console.refund.title"), "refunds"), Heading: v.spoken.Say("console.refund.title"),
		Back: Choice{Label: v.spoken.Say("console.refund.back"), URL: v.link(giftsPath + donation.GetDonationId())},
		Facts: []Fact{
			{Label: v.spoken.Say("console.figure.total"), Cell: Cell{Amount: &total}},
			{Label: v.spoken.Say("console.figure.returned"), Cell: Cell{Amount: value(donation.GetReturned())}},
			{Label: v.spoken.Say("console.figure.left"), Cell: Cell{Amount: value(gift.GetLeft())}},
		},
	}
	switch {
	case donation.GetState() != donationv1.State_STATE_SUCCEEDED:
		page.Text = []string{v.spoken.Say("console.refund.not_paid")}
		return page
	case disputed(donation):
		page.Text = []string{v.spoken.Say("console.fault.DISPUTED")}
		return page
	case gift.GetLeft().GetMinor() == 0:
		page.Text = []string{v.spoken.Say("console.refund.nothing_left")}
		return page
	}
	if gift.GetAlone().GetMinor() < gift.GetLeft().GetMinor() {
		page.Text = append(page.Text, v.spoken.Say("console.refund.limit", "Amount", view.Money(v.spoken, *value(gift.GetAlone()))))
	}
	page.Form = &view.Inputs{
		Action: v.link(giftsPath + donation.GetDonationId() + "/refund"), Button: v.spoken.Say("console.refund.send"),
		List: []view.Input{
			{Name: "request_id", Kind: "hidden", Value: typed["request_id"]},
			{
				Name: "amount", Kind: "text", Label: v.spoken.Say("console.refund.amount"), Value: typed["amount"], Keyboard: "decimal",
				Autocomplete: "off", Unit: total.Currency.Code(), Hint: v.spoken.Say("console.refund.amount_hint"),
			},
			{Name: "reason", Kind: "choice", Label: v.spoken.Say("console.column.reason"), Choices: v.refundReasons(typed["reason"])},
			{Name: "note", Kind: "area", Label: v.spoken.Say("console.refund.note"), Hint: v.spoken.Say("console.refund.note_hint"), Value: typed["note"], Rows: 3},
		},
	}
	return page
}

func (v *visit) refundReasons(chosen string) []view.Choice {
	var choices []view.Choice
	for _, reason := range []string{"requested_by_customer", "duplicate", "fraudulent"} {
		choices = append(choices, view.Choice{Value: reason, Label: v.spoken.Say("console.refund.reason." + reason), Checked: reason == chosen})
	}
	return choices
}

// giveBack sends the form. What becomes of it is on the gift's page, however often
// that is loaded.
func (c *Console) giveBack(w http.ResponseWriter, v *visit) {
	if !c.front.ReadForm(w, v.r, largestForm) {
		return
	}
	gift, ok := c.refundable(w, v)
	if !ok {
		return
	}
	typed := map[string]string{}
	for _, name := range []string{"request_id", "amount", "reason", "note"} {
		typed[name] = v.r.PostForm.Get(name)
	}
	currency := value(gift.GetLeft()).Currency
	asked, err := money.Parse(typed["amount"], currency, v.spoken.Tag)
	if err != nil {
		c.refundAgain(w, v, gift, typed, map[string][]string{"amount": {v.unreadable(err, currency)}})
		return
	}
	_, err = c.donations.RequestRefund(v.ctx, &donationv1.RequestRefundRequest{
		RequestId: typed["request_id"], DonationId: gift.GetDonation().GetDonationId(),
		Amount: &moneyv1.Money{Minor: asked.Minor, Currency: currency.Code()}, Reason: typed["reason"], Note: typed["note"],
	})
	if err != nil {
		c.refusedRefund(w, v, gift, typed, err)
		return
	}
	v.goTo(w, v.link(giftsPath+gift.GetDonation().GetDonationId(), "request", typed["request_id"]))
}

// refusedRefund puts what the service or Stripe says against it beside the field. A
// form that was refused is another one: its id may have been kept with the refusal.
func (c *Console) refusedRefund(w http.ResponseWriter, v *visit, gift *donationv1.GetDonationResponse, typed map[string]string, err error) {
	var refusal *apperr.Error
	if !errors.As(err, &refusal) {
		c.fail(w, v, err)
		return
	}
	faults := map[string][]string{}
	switch {
	case refusal.Code == apperr.InvalidArgument && len(refusal.Fields) > 0:
		for _, field := range refusal.Fields {
			faults[field.Name] = append(faults[field.Name], v.worded("console.fault."+field.Reason, field.Message))
		}
	case refusal.Reason == "REQUEST_USED":
		faults["request_id"] = []string{v.spoken.Say("console.fault.REQUEST_USED")}
	case refusal.Code == apperr.Unavailable, refusal.Code == apperr.DeadlineExceeded:
		// It may have been kept: sent again, the same form is the same refund.
		faults["away"] = []string{v.spoken.Say("console.away")}
	default:
		c.fail(w, v, err)
		return
	}
	if faults["away"] == nil {
		typed["request_id"] = newRequest()
	}
	c.refundAgain(w, v, gift, typed, faults)
}

func (c *Console) refundAgain(w http.ResponseWriter, v *visit, gift *donationv1.GetDonationResponse, typed map[string]string, faults map[string][]string) {
	status := http.StatusUnprocessableEntity
	if faults["away"] != nil {
		status = http.StatusServiceUnavailable
	}
	page := c.refundForm(v, gift, typed)
	v.blame(page, faults)
	c.show(w, v, status, page)
}

// blame puts messages at their fields, and what belongs to none at the top.
func (v *visit) blame(page *FormPage, faults map[string][]string) {
	page.Title = v.spoken.Say("trouble.error", "Title", page.Title)
	var homeless []string
	for _, name := range []string{"request_id", "away"} {
		homeless = slices.Concat(homeless, faults[name])
		delete(faults, name)
	}
	if page.Form != nil {
		homeless = slices.Concat(homeless, page.Form.Blame(faults))
	}
	if len(homeless) > 0 {
		page.Notice = &view.Notice{Heading: v.spoken.Say("console.refused"), Text: homeless[0]}
	}
}

// unreadable says what is wrong with an amount as typed.
func (v *visit) unreadable(err error, currency money.Currency) string {
	var reason money.InputError
	if !errors.As(err, &reason) {
		reason = money.ErrNotANumber
	}
	switch reason {
	case money.ErrAmbiguous, money.ErrOtherCurrency:
		return v.spoken.Say("console.fault."+reason.Reason(), "Currency", currency.Code())
	case money.ErrTooManyDecimals:
		return v.spoken.Say("console.fault.AMOUNT_STEP")
	case money.ErrTooLarge:
		return v.spoken.Say("console.fault.AMOUNT_LEFT")
	case money.ErrEmpty, money.ErrZero, money.ErrNegative:
		return v.spoken.Say("console.fault.AMOUNT_EMPTY")
	default:
		return v.spoken.Say("console.fault.AMOUNT_NOT_A_NUMBER", "Example", v.spoken.Typed(money.Minimum(currency)))
	}
}
