package console

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/web/internal/view"
)

// overview shows how a period went and what needs attention. Without days in the
// address it is the running month, which is then put into it.
func (c *Console) overview(w http.ResponseWriter, v *visit) {
	if v.query.Get("from") == "" && v.query.Get("to") == "" {
		v.query.Set("from", v.today[:len("2006-01-")]+"01")
		v.query.Set("to", day(v.query.Get("from")).AddDate(0, 1, -1).Format(time.DateOnly))
	}
	taken := v.read("from", "to")
	page := Overview{
		Desk:    v.newDesk(v.spoken.Say("console.area.overview"), "overview"),
		Filter:  v.form(overviewPath, taken, nil),
		Presets: v.presets(overviewPath, taken),
	}
	page.Filter.Clear = ""
	activity, err := c.books.SumActivity(v.ctx, &ledgerv1.SumActivityRequest{
		Organization: v.book.GetOrganizationId(), From: taken.Get("from"), To: taken.Get("to"),
	})
	if v.refused(&page.Filter, err) {
		c.show(w, v, http.StatusUnprocessableEntity, &page)
		return
	}
	if err != nil {
		c.fail(w, v, err)
		return
	}
	page.From, page.To = day(activity.GetFrom()), day(activity.GetTo())
	span := period{from: activity.GetFrom(), to: activity.GetTo()}
	known := c.names(v)
	for _, total := range activity.GetTotals() {
		page.Currencies = append(page.Currencies, v.figures(activity, total, span, known))
	}
	if len(page.Currencies) > 1 {
		page.ByCurrency = v.byCurrency(activity.GetTotals(), span)
	}
	page.Attention = c.attention(v)
	c.show(w, v, http.StatusOK, &page)
}

// period is a span of days as the ledger understood it.
type period struct{ from, to string }

// pairs put it into an address.
func (p period) pairs(more ...string) []string {
	return append([]string{"from", p.from, "to", p.to}, more...)
}

// figures are one currency's numbers and pictures.
func (v *visit) figures(activity *ledgerv1.SumActivityResponse, total *ledgerv1.Activity, span period, known names) CurrencyFigures {
	code := total.GetCurrency()
	part := func(name string, minor int64) Figure {
		return Figure{Amount: amount(minor, code), URL: v.link(trialPath, span.pairs("currency", code, "part", name)...)}
	}
	figures := CurrencyFigures{
		Code: code, Gifts: total.GetGifts(), GiftsURL: v.link(journalPath, span.pairs("currency", code, "rule", "gift")...),
		Income: part("income", total.GetIncomeMinor()), Cover: part("cover", total.GetCoverMinor()),
		Reductions: part("reductions", total.GetReductionsMinor()), Fees: part("fees", total.GetFeesMinor()),
		Net: Figure{
			Amount: amount(total.GetIncomeMinor()+total.GetCoverMinor()-total.GetReductionsMinor()-total.GetFeesMinor(), code),
			URL:    v.link(trialPath, span.pairs("currency", code, "part", "net")...),
		},
	}
	draw := drawing{rtl: v.spoken.RTL}
	say := func(key string) string { return v.spoken.Say("console.chart."+key, "Currency", code) }
	slots := v.slots(activity.GetByDay(), code, span)
	income, fees := make([]datum, len(slots)), make([]datum, len(slots))
	for i, slot := range slots {
		url := v.link(journalPath, "from", slot.from, "to", slot.to, "currency", code)
		income[i] = v.datum(slot.label, slot.income, code, url)
		income[i].count = v.spoken.Number(slot.gifts)
		fees[i] = v.datum(slot.label, slot.fees, code, url)
	}
	byDay := draw.columns(draw.chart("day-"+code, "income", say("by_day"), say("by_day_text")), income)
	byFee := draw.columns(draw.chart("fees-"+code, "fees", say("fees"), say("fees_text")), fees)
	byAppeal := draw.rows(draw.chart("appeal-"+code, "appeal", say("by_appeal"), say("by_appeal_text")),
		v.parts(activity.GetByAppeal(), code, span, "appeal", known.appeal))
	byFund := draw.rows(draw.chart("fund-"+code, "fund", say("by_fund"), say("by_fund_text")),
		v.parts(activity.GetByFund(), code, span, "fund", known.fund))
	figures.Charts = []Chart{
		v.labelled(byDay, "day"), v.labelled(byFee, "day"), v.labelled(byAppeal, "appeal"), v.labelled(byFund, "fund"),
	}
	return figures
}

// labelled puts values in the reader's writing beside the bars.
func (v *visit) labelled(c Chart, head string) Chart {
	c.Head = v.spoken.Say("console.column." + head)
	if c.Kind != "fees" {
		c.CountsHead = v.spoken.Say("console.column.gifts")
	}
	var top money.Amount
	for i := range c.Bars {
		at := c.Lines[i].Value.Amount
		c.Bars[i].Value = view.Money(v.spoken, at)
		if i == 0 || at.Minor > top.Minor {
			top, c.Top = at, c.Bars[i].Value
		}
	}
	return c
}

func (v *visit) datum(label string, minor int64, currency, url string) datum {
	return datum{label: label, minor: minor, value: Figure{Amount: amount(minor, currency), URL: url}}
}

// kept is what was given, with the fee cover, less what went back: what charts of
// income show. It is below zero where more went back than came.
func kept(one *ledgerv1.Activity) int64 {
	return one.GetIncomeMinor() + one.GetCoverMinor() - one.GetReductionsMinor()
}

// parts are the appeals or funds that brought something in a currency.
func (v *visit) parts(activity []*ledgerv1.Activity, currency string, span period, field string, name func(string) string) []datum {
	var data []datum
	for _, part := range activity {
		if part.GetCurrency() != currency || (part.GetGifts() == 0 && kept(part) == 0) {
			continue
		}
		one := v.datum(cmp.Or(name(part.GetKey()), v.spoken.Say("console.none."+field)), kept(part), currency,
			v.link(journalPath, span.pairs("currency", currency, field, part.GetKey())...))
		one.count = v.spoken.Number(part.GetGifts())
		data = append(data, one)
	}
	return data
}

// byCurrency compares currencies by the number of gifts, the one thing that they
// have in common.
func (v *visit) byCurrency(totals []*ledgerv1.Activity, span period) *Chart {
	var data []datum
	for _, total := range totals {
		one := v.datum(total.GetCurrency(), total.GetGifts(), total.GetCurrency(),
			v.link(journalPath, span.pairs("currency", total.GetCurrency(), "rule", "gift")...))
		one.value.Amount = amount(kept(total), total.GetCurrency())
		one.count = v.spoken.Number(total.GetGifts())
		data = append(data, one)
	}
	draw := drawing{rtl: v.spoken.RTL}
	chart := draw.rows(draw.chart("currencies", "currency", v.spoken.Say("console.chart.by_currency"), v.spoken.Say("console.chart.by_currency_text")), data)
	chart = v.labelled(chart, "currency")
	for i := range chart.Bars {
		// Drawing has put the data into the order of the bars.
		chart.Bars[i].Value = v.plural("console.gifts", data[i].minor)
	}
	return &chart
}

// slot is a bar along time: a day or a month.
type slot struct {
	from, to, label     string
	income, fees, gifts int64
}

// How many days and months are bars of their own; what is longer goes by month,
// and then by year.
const (
	mostDays   = 62
	mostMonths = 60
)

// slots divide the period and put the days' sums into them. Days without any gift
// are bars without height: a gap in time must look like one. Of a long period only
// the part in which something happened is drawn.
func (v *visit) slots(days []*ledgerv1.Activity, currency string, span period) []slot {
	first, last := day(span.from), day(span.to)
	long := func() bool { return last.Sub(first) >= mostDays*24*time.Hour }
	if long() && len(days) > 0 {
		first, last = latest(first, day(days[0].GetKey())), earliest(last, day(days[len(days)-1].GetKey()))
	}
	step := func(at time.Time) time.Time { return at.AddDate(0, 0, 1) }
	label := v.spoken.Day
	switch {
	case last.Sub(first) >= mostMonths*31*24*time.Hour:
		step = func(at time.Time) time.Time { return time.Date(at.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC) }
		label = func(at time.Time) string { return strconv.Itoa(at.Year()) }
	case long():
		step = func(at time.Time) time.Time { return time.Date(at.Year(), at.Month()+1, 1, 0, 0, 0, 0, time.UTC) }
		label = func(at time.Time) string {
			return v.spoken.Say("console.month", "Month", v.spoken.Say("month."+strconv.Itoa(int(at.Month()))), "Year", at.Year())
		}
	}
	var slots []slot
	for at := first; !at.After(last); at = step(at) {
		end := earliest(step(at).AddDate(0, 0, -1), last)
		slots = append(slots, slot{from: at.Format(time.DateOnly), to: end.Format(time.DateOnly), label: label(at)})
	}
	i := 0
	for _, one := range days {
		if one.GetCurrency() != currency {
			continue
		}
		for i < len(slots) && slots[i].to < one.GetKey() {
			i++
		}
		if i == len(slots) {
			break
		}
		if one.GetKey() >= slots[i].from {
			slots[i].income += kept(one)
			slots[i].fees += one.GetFeesMinor()
			slots[i].gifts += one.GetGifts()
		}
	}
	return slots
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// plural is a number with its noun.
func (v *visit) plural(key string, n int64) string {
	text, err := v.spoken.Count(key, n)
	if err != nil {
		return v.spoken.Number(n)
	}
	return text
}
