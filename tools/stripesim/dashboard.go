package stripesim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sort"
	"strings"
	"time"
)

// rowsShown bounds each table of the dashboard.
const rowsShown = 50

type simView struct {
	Title, Account, Version, Now, Knobs, Error string
	ReadOnly                                   bool
	Accounts                                   []string
	// Query keeps a connected account's buttons at that account.
	Query                                              string
	Balance                                            []balanceRow
	Sessions                                           []sessionRow
	Charges                                            []chargeRow
	Endpoints                                          []endpointRow
	Events                                             []eventRow
	SessionCount, ChargeCount, EventCount, Undelivered int
	aftermathRows
	billingRows
}

type (
	balanceRow struct{ Currency, Available, Pending string }
	sessionRow struct {
		ID, Amount, Status, Intent string
		Open                       bool
	}
	chargeRow   struct{ ID, Amount, Status, Transaction, Fee, Receipt string }
	endpointRow struct{ ID, URL, Events, Version, Status string }
	eventRow    struct {
		ID, Type, Object string
		Deliveries       []string
	}
)

func (s *Server) dashboard(w http.ResponseWriter, _ *http.Request) {
	s.showDashboard(w, http.StatusOK, "")
}

func (s *Server) showDashboard(w http.ResponseWriter, status int, failure string) {
	err := s.refresh()
	if err != nil {
		s.log.Error("bring state up to date", "error", err)
	}
	knobs, err := json.MarshalIndent(s.knobs.show(), "", "  ")
	if err != nil {
		s.log.Error("show knobs", "error", err)
	}
	accounts := s.siblings()
	s.mu.RLock()
	v := s.simView()
	s.mu.RUnlock()
	v.Accounts, v.Query = accounts, s.accountQuery()
	v.Error, v.Knobs = failure, string(knobs)
	s.sitePage(w, status, "sim", v, "")
}

func money(amount int64, currency string) string {
	return majorUnits(amount, currency) + " " + strings.ToUpper(currency)
}

func (s *Server) simView() simView {
	st, now := s.state, s.now()
	v := simView{
		Title: "Stripe simulator", Account: st.init.Account, Version: APIVersion, Now: now.UTC().Format(time.RFC3339),
		ReadOnly: s.readOnly != nil, SessionCount: len(st.sessions.order), ChargeCount: len(st.charges.order),
		EventCount: len(st.events.order), Undelivered: s.undelivered(),
	}
	sums := st.balances(now.Unix())
	for currency := range sums.Pending {
		v.Balance = append(v.Balance, balanceRow{
			strings.ToUpper(currency), majorUnits(sums.Available[currency], currency), majorUnits(sums.Pending[currency], currency),
		})
	}
	sort.Slice(v.Balance, func(i, j int) bool { return v.Balance[i].Currency < v.Balance[j].Currency })
	for _, row := range newest(&st.sessions) {
		v.Sessions = append(v.Sessions, sessionRow{
			ID: row.ID, Amount: money(row.AmountTotal, row.Currency), Status: row.Status,
			Intent: row.PaymentIntent, Open: row.Status == sessionOpen,
		})
	}
	v.aftermathRows = s.aftermathRows()
	v.billingRows = s.billingRows()
	for _, row := range newest(&st.charges) {
		shown := chargeRow{ID: row.ID, Amount: money(row.Amount, row.Currency), Status: row.Status, Transaction: row.BalanceTransaction, Receipt: receiptPath(st.init.Seed, row)}
		if row.FailureCode != "" {
			shown.Status += ": " + row.FailureCode + " " + row.DeclineCode
		}
		if t := st.txns.byID[row.BalanceTransaction]; t != nil {
			shown.Fee = money(t.Fee, t.Currency)
		}
		v.Charges = append(v.Charges, shown)
	}
	for _, row := range st.endpoints.all() {
		if !row.Deleted {
			shown := endpointRow{row.ID, row.URL, strings.Join(row.EnabledEvents, ", "), row.APIVersion, row.status()}
			if row.APIVersion == "" {
				shown.Version = APIVersion
			}
			if row.Connect {
				shown.Events += " of connected accounts"
			}
			v.Endpoints = append(v.Endpoints, shown)
		}
	}
	for _, row := range newest(&st.events) {
		v.Events = append(v.Events, rowOf(row))
	}
	return v
}

func rowOf(event *Event) eventRow {
	out := eventRow{ID: event.ID, Type: event.Type}
	switch object := event.object.(type) {
	case *Session:
		out.Object = object.ID
	case *PaymentIntent:
		out.Object = object.ID
	case *Charge:
		out.Object = object.ID
	default:
		out.Object = aftermathID(object)
		if out.Object == "" {
			out.Object = billingID(object)
		}
	}
	for _, d := range event.deliveries {
		line := fmt.Sprintf("%s, %d attempts", d.state, d.attempts)
		if d.lastStatus != 0 {
			line += fmt.Sprintf(", last answer %d", d.lastStatus)
		}
		if d.failure != "" {
			line += " (" + d.failure + ")"
		}
		if d.state == deliveryPending {
			line += ", next at " + time.UnixMicro(d.nextAt).UTC().Format(time.TimeOnly)
		}
		out.Deliveries = append(out.Deliveries, line)
	}
	return out
}

func newest[T any](t *table[T]) []*T {
	var out []*T
	for i := len(t.order) - 1; i >= 0 && len(out) < rowsShown; i-- {
		out = append(out, t.byID[t.order[i]])
	}
	return out
}
