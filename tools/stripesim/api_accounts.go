package stripesim

import (
	"net/http"
	"strings"
)

// ConnectedAccount is what a platform knows of an account that is connected to it.
// It is kept in the platform's store; what happens in the account is in its own.
type ConnectedAccount struct {
	ID              string            `json:"id"`
	Created         int64             `json:"created"`
	Country         string            `json:"country"`
	DefaultCurrency string            `json:"default_currency"`
	Email           string            `json:"email,omitempty"`
	BusinessType    string            `json:"business_type,omitempty"`
	Profile         map[string]string `json:"business_profile,omitempty"`
	Metadata        map[string]string `json:"metadata"`
	// ClockOffset is the platform's when the account was made, in microseconds: the
	// account begins at that time, and from then on goes by its own clock.
	ClockOffset int64 `json:"clock,omitempty"`
	Deleted     bool  `json:"deleted,omitempty"`
}

func profileParams() schema {
	fields := schema{
		"mcc": {kind: isString, max: 4}, "name": {kind: isString, max: 5000}, "product_description": {kind: isString, max: 40_000},
		"support_email": {kind: isEmail, max: 800}, "support_phone": {kind: isString, max: 5000},
		"support_url": {kind: isURL, max: 5000}, "url": {kind: isURL, max: 5000},
	}
	return fields.later("annual_revenue", "estimated_worker_count", "monthly_estimated_revenue", "support_address")
}

func accountParams() schema {
	out := schema{
		"business_profile": {kind: isHash, fields: profileParams()},
		"business_type":    {kind: isEnum, enum: []string{"company", "government_entity", "individual", "non_profit"}},
		"country":          {kind: isString, max: 5000},
		"default_currency": {kind: isString, max: 3},
		"email":            {kind: isEmail, max: 800},
		"metadata":         {kind: isMetadata},
		"type":             {kind: isEnum, enum: []string{"custom", "express", "standard"}, required: true},
	}
	return out.later("account_token", "bank_account", "capabilities", "company", "documents", "external_account",
		"individual", "settings", "tos_acceptance")
}

func (s *Server) connectReads() map[string]read {
	return map[string]read{
		"/v1/accounts":      {pageParams(schema{"created": {kind: isRange}}), s.listAccounts},
		"/v1/accounts/{id}": {schema{}, s.getNamedAccount},
	}
}

func (s *Server) connectWrites() map[string]write {
	return map[string]write{
		"POST /v1/accounts":        {accountParams(), s.checkNewAccount, createAccount},
		"DELETE /v1/accounts/{id}": {schema{}, nil, deleteAccount},
	}
}

// accountInvalid is the answer for an account that the key may not act for.
func accountInvalid(id string) *apiError {
	e := badRequest("account_invalid", "", "The provided key does not have access to account '%s' (or that account does not exist). "+
		"Application access may have been revoked.", shorten(id))
	e.Status = http.StatusForbidden
	return e
}

func (s *Server) checkNewAccount(c *call) *apiError {
	p := c.params
	if s.platform != nil {
		return badRequest("", "", "You can only create new accounts if you've signed up for Connect, "+
			"which you can do at https://dashboard.stripe.com/connect.")
	}
	if p.str("type") != "standard" {
		return badRequest("", "type", "This simulator does not offer accounts of type '%s' yet; Stripe does.", p.str("type"))
	}
	country := p.str("country")
	if country != "" && (len(country) != 2 || strings.Trim(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		return badRequest("", "country", "Country '%s' is unknown. Try using a 2-character alphanumeric country code instead, "+
			"such as 'US', 'EG', or 'GB'.", shorten(country))
	}
	if currency := p.str("default_currency"); currency != "" {
		return checkCurrency(currency, "default_currency")
	}
	return nil
}

func createAccount(c *call, t *tx) (map[string]any, *apiError) {
	p := c.params
	account := ConnectedAccount{
		ID: t.newID("account"), Created: t.now.Unix(), Country: p.str("country"), DefaultCurrency: p.str("default_currency"),
		Email: p.str("email"), BusinessType: p.str("business_type"), Profile: p.get("business_profile").pairs(),
		Metadata: p.pairs("metadata"), ClockOffset: t.s.state.clockOffset,
	}
	if account.Country == "" {
		account.Country = t.s.cfg.Country
	}
	if account.DefaultCurrency == "" {
		account.DefaultCurrency = currencyOf(account.Country)
	}
	t.putAccount(account)
	return renderConnected(&account), nil
}

// deleteAccount ends an account. Its store stays, and nobody gets at it any more.
func deleteAccount(c *call, t *tx) (map[string]any, *apiError) {
	id := c.r.PathValue("id")
	account := t.s.state.accounts.byID[id]
	if account == nil || account.Deleted {
		return nil, accountInvalid(id)
	}
	next := *account
	next.Deleted = true
	t.putAccount(next)
	return map[string]any{"id": id, "object": "account", "deleted": true}, nil
}

func (t *tx) putAccount(v ConnectedAccount) {
	t.rec.Puts = append(t.rec.Puts, put{Account: &v})
}

// name is whom a donor pays.
func (s *Server) name() string {
	if s.as == nil || s.as.Profile["name"] == "" {
		return simulatorName
	}
	return s.as.Profile["name"]
}

func (s *Server) getAccount(_ *call, v reader) (map[string]any, *apiError) {
	if s.as != nil {
		return renderConnected(s.as), nil
	}
	return renderAccount(v.init, s.cfg.Country, s.defaultCurrency()), nil
}

func (s *Server) getNamedAccount(c *call, v reader) (map[string]any, *apiError) {
	id := c.r.PathValue("id")
	if id == v.init.Account {
		return s.getAccount(c, v)
	}
	account := v.accounts.byID[id]
	if account == nil || account.Deleted {
		return nil, accountInvalid(id)
	}
	return renderConnected(account), nil
}

func (s *Server) listAccounts(c *call, v reader) (map[string]any, *apiError) {
	return listing[ConnectedAccount]{
		url: "/v1/accounts", kind: "account", table: &v.accounts,
		created: func(row *ConnectedAccount) int64 { return row.Created },
		keep:    func(row *ConnectedAccount) bool { return !row.Deleted },
		render:  renderConnected,
	}.page(c, v)
}

// renderConnected is an account that can be paid at once: nobody asks its owner for
// papers here.
func renderConnected(account *ConnectedAccount) map[string]any {
	out := renderAccount(initRecord{Account: account.ID, Created: account.Created}, account.Country, account.DefaultCurrency)
	profile := out["business_profile"].(map[string]any)
	profile["name"] = nil
	for name, value := range account.Profile {
		profile[name] = value
	}
	out["settings"].(map[string]any)["dashboard"].(map[string]any)["display_name"] = profile["name"]
	out["email"], out["business_type"] = orNull(account.Email), orNull(account.BusinessType)
	out["metadata"] = metadataOf(account.Metadata)
	return out
}
