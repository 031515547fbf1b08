package stripesim

import (
	"slices"
	"strings"
	"time"
)

// versions are those that Stripe's description lets an endpoint name.
const versions = " 2011-01-01 2011-06-21 2011-06-28 2011-08-01 2011-09-15 2011-11-17 2012-02-23 2012-03-25 2012-06-18 " +
	"2012-06-28 2012-07-09 2012-09-24 2012-10-26 2012-11-07 2013-02-11 2013-02-13 2013-07-05 2013-08-12 " +
	"2013-08-13 2013-10-29 2013-12-03 2014-01-31 2014-03-13 2014-03-28 2014-05-19 2014-06-13 2014-06-17 " +
	"2014-07-22 2014-07-26 2014-08-04 2014-08-20 2014-09-08 2014-10-07 2014-11-05 2014-11-20 2014-12-08 " +
	"2014-12-17 2014-12-22 2015-01-11 2015-01-26 2015-02-10 2015-02-16 2015-02-18 2015-03-24 2015-04-07 " +
	"2015-06-15 2015-07-07 2015-07-13 2015-07-28 2015-08-07 2015-08-19 2015-09-03 2015-09-08 2015-09-23 " +
	"2015-10-01 2015-10-12 2015-10-16 2016-02-03 2016-02-19 2016-02-22 2016-02-23 2016-02-29 2016-03-07 " +
	"2016-06-15 2016-07-06 2016-10-19 2017-01-27 2017-02-14 2017-04-06 2017-05-25 2017-06-05 2017-08-15 " +
	"2017-12-14 2018-01-23 2018-02-05 2018-02-06 2018-02-28 2018-05-21 2018-07-27 2018-08-23 2018-09-06 " +
	"2018-09-24 2018-10-31 2018-11-08 2019-02-11 2019-02-19 2019-03-14 2019-05-16 2019-08-14 2019-09-09 " +
	"2019-10-08 2019-10-17 2019-11-05 2019-12-03 2020-03-02 2020-08-27 2022-08-01 2022-11-15 2023-08-16 2023-10-16 "

// checkVersion holds for endpoints made by API: an account of this version knows no
// later one.
func checkVersion(version string) *apiError {
	if version == "" || slices.Contains(strings.Fields(versions), version) {
		return nil
	}
	return badRequest("", "api_version", "Invalid api_version: must be one of %s", strings.Join(strings.Fields(versions), ", "))
}

// checkDashboardVersion lets staff choose what is newer, too, as the Dashboard does.
func checkDashboardVersion(version string) *apiError {
	day, name, named := strings.Cut(version, ".")
	_, err := time.Parse(time.DateOnly, day)
	nameless := named && name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") != ""
	if err == nil && !nameless && day > APIVersion {
		return nil
	}
	return checkVersion(version)
}

// atLength gives payment intents their charges back and charges their refunds, as
// they were when the event happened: a retry must not tell of later ones.
func (r reader) atLength(event *Event, object map[string]any) {
	id, _ := object["id"].(string)
	switch object["object"] {
	case "charge":
		object["refunds"] = r.refundsUpTo(event, id)
	case "payment_intent":
		delete(object, "latest_charge")
		object["charges"] = r.chargesUpTo(event, id)
	}
}

func (r reader) chargesUpTo(event *Event, intent string) map[string]any {
	data := []any{}
	for _, id := range slices.Backward(r.chargesOfIntent[intent]) {
		is := func(told *Charge) bool { return told.ID == id }
		charge := asOf(r.state, event, r.charge(id).Created, is)
		if charge == nil && event.latestCharge() == id {
			// A debit is told of by its payment first.
			charge = firstAfter(r.state, event, is)
		}
		if charge != nil {
			shown := renderCharge(moment{r, event.Created}, charge)
			shown["refunds"] = r.refundsUpTo(event, id)
			data = append(data, shown)
		}
	}
	return listOf("/v1/charges?payment_intent="+intent, data)
}

func (r reader) refundsUpTo(event *Event, charge string) map[string]any {
	data := []any{}
	for _, refund := range r.refundsOn(charge) {
		then := asOf(r.state, event, refund.Created, func(told *Refund) bool { return told.ID == refund.ID })
		if then != nil {
			data = append(data, renderRefund(moment{r, event.Created}, then))
		}
	}
	return listOf("/v1/charges/"+charge+"/refunds", data)
}

func listOf(url string, data []any) map[string]any {
	return map[string]any{"object": "list", "url": url, "has_more": false, "data": data}
}

// asOf is the version of an object that was told of last when an event happened; nil
// when there had been none since the object was created.
func asOf[T any](st *state, event *Event, created int64, is func(*T) bool) *T {
	for place := st.events.place[event.ID]; place >= 0; place-- {
		told := st.events.byID[st.events.order[place]]
		if told.Created < created {
			break
		}
		object, fits := told.object.(*T)
		if fits && is(object) {
			return object
		}
	}
	return nil
}

// firstAfter is the version of an object that was told of first after an event.
func firstAfter[T any](st *state, event *Event, is func(*T) bool) *T {
	for _, id := range st.events.order[st.events.place[event.ID]+1:] {
		object, fits := st.events.byID[id].object.(*T)
		if fits && is(object) {
			return object
		}
	}
	return nil
}

// latestCharge is the charge that the payment of an event names; empty when it names
// none, or when the event is about something else.
func (e *Event) latestCharge() string {
	payment, fits := e.object.(*PaymentIntent)
	if !fits {
		return ""
	}
	return payment.LatestCharge
}
