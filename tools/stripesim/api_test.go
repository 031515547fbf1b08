package stripesim

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestKeysAndVersions(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	for name, test := range map[string]struct {
		header map[string]string
		status int
		says   string
	}{
		"test key":        {map[string]string{"Authorization": "Bearer sk_test_1"}, 200, ""},
		"restricted key":  {map[string]string{"Authorization": "Bearer rk_test_1"}, 200, ""},
		"basic":           {map[string]string{"Authorization": "Basic c2tfdGVzdF8xOg=="}, 200, ""},
		"our version":     {map[string]string{"Stripe-Version": APIVersion}, 200, ""},
		"no key":          {map[string]string{"Authorization": ""}, 401, "You did not provide an API key"},
		"live key":        {map[string]string{"Authorization": "Bearer sk_live_abcdefgh"}, 401, "refuses live keys"},
		"live restricted": {map[string]string{"Authorization": "Bearer rk_live_abcdefgh"}, 401, "refuses live keys"},
		"publishable":     {map[string]string{"Authorization": "Bearer pk_test_abcdefgh"}, 401, "Invalid API Key provided: pk_t********efgh"},
		"bare prefix":     {map[string]string{"Authorization": "Bearer sk_test_"}, 401, "Invalid API Key provided: ********"},
		"other version":   {map[string]string{"Stripe-Version": "2025-03-31.basil"}, 400, "Invalid Stripe API version"},
		"other account":   {map[string]string{"Stripe-Account": "acct_other"}, 403, "does not have access to account 'acct_other'"},
		"own account":     {map[string]string{"Stripe-Account": a.sim.accountID()}, 200, ""},
	} {
		r := a.do(http.MethodGet, "/v1/balance", nil, test.header)
		if r.status != test.status || !strings.Contains(r.text("error.message"), test.says) {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
		if r.header.Get("Stripe-Version") != APIVersion || !strings.HasPrefix(r.header.Get("Request-Id"), "req_") {
			t.Errorf("%s: headers %v", name, r.header)
		}
		if strings.Contains(r.raw, "sk_live_abcdefgh") {
			t.Errorf("%s: the answer repeats the key", name)
		}
	}
}

func TestWhatIsNotThereYetIsStripes404(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	for _, path := range []string{"/v1/tokens", "/v1/nonsense", "/v1/checkout", "/v1/"} {
		r := a.post(path, nil)
		if r.status != 404 || !strings.HasPrefix(r.text("error.message"), "Unrecognized request URL (POST: "+path+")") {
			t.Errorf("%s: %d %s", path, r.status, r.raw)
		}
	}
	if r := a.do(http.MethodDelete, "/v1/balance", nil, nil); r.status != 404 {
		t.Errorf("wrong method: %d", r.status)
	}
	if r := a.do(http.MethodPost, "/v1/refunds", nil, map[string]string{"Authorization": ""}); r.status != 401 {
		t.Errorf("without key: %d", r.status)
	}
}

func TestUnknownIDs(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	for path, kind := range map[string]string{
		"/v1/checkout/sessions/cs_x":            "checkout.session",
		"/v1/checkout/sessions/cs_x/line_items": "checkout.session",
		"/v1/payment_intents/pi_x":              "payment_intent",
		"/v1/charges/ch_x":                      "charge",
		"/v1/balance_transactions/txn_x":        "balance transaction",
		"/v1/events/evt_x":                      "event",
		"/v1/webhook_endpoints/we_x":            "webhook endpoint",
	} {
		r := a.get(path)
		if r.status != 404 || r.text("error.code") != "resource_missing" || !strings.HasPrefix(r.text("error.message"), "No such "+kind) {
			t.Errorf("%s: %d %s", path, r.status, r.raw)
		}
		if r.text("error.doc_url") != "https://stripe.com/docs/error-codes/resource-missing" || r.text("error.request_log_url") == "" {
			t.Errorf("%s: %s", path, r.raw)
		}
	}
	if r := a.post("/v1/checkout/sessions/cs_x/expire", nil); r.status != 404 || r.text("error.param") != "session" {
		t.Errorf("expire: %s", r.raw)
	}
}

func TestSessionParameters(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	now := a.clock.now().Unix()
	for name, test := range map[string]struct {
		set         map[string]string
		code, param string
		says        string
	}{
		"unknown":            {map[string]string{"colour": "red"}, "parameter_unknown", "colour", "Received unknown parameter: colour"},
		"unknown inside":     {map[string]string{"line_items[0][price_data][size]": "L"}, "parameter_unknown", "line_items[0][price_data][size]", ""},
		"no success_url":     {map[string]string{"success_url": "-"}, "parameter_missing", "success_url", "Missing required param: success_url."},
		"no mode":            {map[string]string{"mode": "-"}, "parameter_missing", "mode", ""},
		"empty string":       {map[string]string{"client_reference_id": ""}, "parameter_invalid_empty", "client_reference_id", "You passed an empty string"},
		"not a URL":          {map[string]string{"success_url": "thanks.html"}, "url_invalid", "success_url", "Not a valid URL"},
		"not an enum":        {map[string]string{"submit_type": "give"}, "", "submit_type", "must be one of auto, book, donate, pay"},
		"not an e-mail":      {map[string]string{"customer_email": "ann"}, "email_invalid", "customer_email", ""},
		"too long":           {map[string]string{"client_reference_id": strings.Repeat("x", 201)}, "", "client_reference_id", "at most 200 characters"},
		"not an integer":     {map[string]string{"line_items[0][price_data][unit_amount]": "25.00"}, "parameter_invalid_integer", "line_items[0][price_data][unit_amount]", "Invalid integer: 25.00"},
		"beyond integers":    {map[string]string{"line_items[0][price_data][unit_amount]": "99999999999999999999"}, "parameter_invalid_integer", "", ""},
		"negative":           {map[string]string{"line_items[0][price_data][unit_amount]": "-100"}, "parameter_invalid_integer", "", ""},
		"no quantity":        {map[string]string{"line_items[0][quantity]": "-"}, "parameter_missing", "line_items[0][quantity]", ""},
		"quantity overflow":  {map[string]string{"line_items[0][quantity]": "999999", "line_items[0][price_data][unit_amount]": "99999999"}, "amount_too_large", "", ""},
		"no currency":        {map[string]string{"line_items[0][price_data][currency]": "-"}, "parameter_missing", "line_items[0][price_data][currency]", ""},
		"currency":           {map[string]string{"line_items[0][price_data][currency]": "eu"}, "", "line_items[0][price_data][currency]", "Invalid currency: eu"},
		"other currency":     {map[string]string{"currency": "usd"}, "", "currency", ""},
		"scalar and hash":    {map[string]string{"metadata": "x"}, "", "", "both as a value and as a hash"},
		"hash for a scalar":  {map[string]string{"locale[x]": "de"}, "", "locale", "Invalid string"},
		"list for a hash":    {map[string]string{"custom_text": "Hello"}, "", "custom_text", "Invalid object"},
		"unknown price":      {map[string]string{"line_items[1][price]": "price_1", "line_items[1][quantity]": "1"}, "resource_missing", "line_items[1][price]", "No such price"},
		"unknown customer":   {map[string]string{"customer": "cus_1"}, "resource_missing", "customer", ""},
		"too many of a kind": {manyLines(21), "", "line_items", "at most 20 line items with recurring prices"},
		"price twice":        {map[string]string{"line_items[0][price]": "price_1"}, "parameters_exclusive", "line_items[0]", ""},
		"setup":              {map[string]string{"mode": "setup"}, "", "mode=setup", "does not offer"},
		"recurring payment":  {map[string]string{"line_items[0][price_data][recurring][interval]": "month"}, "", "line_items", "`payment` mode but passed a recurring price"},
		"plan data":          {map[string]string{"subscription_data[description]": "x"}, "", "subscription_data", "in `payment` mode"},
		"debit":              {map[string]string{"payment_method_types[0]": "klarna"}, "", "payment_method_types=klarna", "does not offer"},
		"recovery":           {map[string]string{"after_expiration[recovery][allow_promotion_codes]": "false"}, "parameter_missing", "after_expiration[recovery][enabled]", ""},
		"recovery codes":     {map[string]string{"after_expiration[recovery][enabled]": "true", "after_expiration[recovery][allow_promotion_codes]": "true"}, "", "after_expiration[recovery][allow_promotion_codes]", "does not offer"},
		"reuse agreement":    {map[string]string{"consent_collection[payment_method_reuse_agreement][position]": "hidden"}, "", "consent_collection[payment_method_reuse_agreement]", "does not offer"},
		"promotion codes":    {map[string]string{"allow_promotion_codes": "true"}, "", "allow_promotion_codes", "does not offer"},
		"manual capture":     {map[string]string{"payment_intent_data[capture_method]": "manual"}, "", "", "does not offer"},
		"expires too soon":   {map[string]string{"expires_at": fmt.Sprint(now + 1700)}, "", "expires_at", "at least 30 minutes"},
		"expires too late":   {map[string]string{"expires_at": fmt.Sprint(now + 86_401)}, "", "expires_at", "less than 24 hours"},
		"expires, not a day": {map[string]string{"expires_at": "tomorrow"}, "parameter_invalid_integer", "expires_at", ""},
		"metadata name":      {map[string]string{"metadata[" + strings.Repeat("k", 41) + "]": "v"}, "", "metadata", "at most 40 characters"},
		"metadata value":     {map[string]string{"metadata[k]": strings.Repeat("v", 501)}, "", "metadata[k]", "up to 500 characters"},
		"metadata nested":    {map[string]string{"metadata[k][l]": "v"}, "", "metadata[k]", "must be strings"},
		"descriptor signs":   {map[string]string{"payment_intent_data[statement_descriptor_suffix]": "RELIEF*1"}, "", "", "must not contain"},
		"descriptor digits":  {map[string]string{"payment_intent_data[statement_descriptor_suffix]": "12345"}, "", "", "at least one letter"},
		"expand unknown":     {map[string]string{"expand[0]": "donor"}, "", "expand", "cannot be expanded (donor)"},
		"expand too deep":    {map[string]string{"expand[0]": "a.b.c.d.e"}, "", "expand", "more than 4 levels"},
		"bad name":           {map[string]string{"metadata[": "x"}, "", "", "malformed parameter name"},
	} {
		form := gift()
		for param, value := range test.set {
			form.Set(param, value)
			if value == "-" {
				form.Del(param)
			}
		}
		r := a.post("/v1/checkout/sessions", form)
		if r.status != 400 || r.text("error.type") != "invalid_request_error" || r.text("error.code") != test.code ||
			!strings.Contains(r.text("error.message"), test.says) || (test.param != "" && r.text("error.param") != test.param) {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	if len(a.sim.Truth().Sessions) != 0 {
		t.Error("a refused request left a session")
	}
	many := gift()
	for i := range 51 {
		many.Set(fmt.Sprintf("metadata[k%d]", i), "v")
	}
	if r := a.post("/v1/checkout/sessions", many); r.status != 400 || !strings.Contains(r.raw, "at most 50 keys") {
		t.Errorf("51 keys: %s", r.raw)
	}
	if r := a.post("/v1/checkout/sessions", url.Values{"metadata[k]": {strings.Repeat("x", 2<<20)}}); r.status != 413 {
		t.Errorf("2 MiB: %d", r.status)
	}
	if r := a.do("POST", "/v1/checkout/sessions", gift(), map[string]string{"Content-Type": "application/json"}); r.status != 400 {
		t.Errorf("JSON: %d", r.status)
	}
}

// manyLines makes a plan of so many monthly gifts.
func manyLines(n int) map[string]string {
	out := map[string]string{"mode": "subscription", "submit_type": "-", "payment_intent_data[metadata][donation_id]": "-"}
	for i := range n {
		line := fmt.Sprintf("line_items[%d]", i)
		out[line+"[quantity]"], out[line+"[price_data][currency]"] = "1", "eur"
		out[line+"[price_data][unit_amount]"], out[line+"[price_data][product_data][name]"] = "100", fmt.Sprintf("Well %d", i+1)
		out[line+"[price_data][recurring][interval]"] = "month"
	}
	return out
}

func TestSessionKeepsWhatItWasGiven(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	form := gift()
	for param, value := range map[string]string{
		"client_reference_id": "don_1", "locale": "de", "customer_creation": "if_required", "payment_method_types[]": "card",
		"custom_text[submit][message]": "Thank you", "billing_address_collection": "auto",
		"payment_intent_data[description]": "Gift 1", "payment_intent_data[statement_descriptor_suffix]": "RELIEF",
		"line_items[1][quantity]": "2", "line_items[1][price_data][currency]": "EUR", "line_items[1][price_data][unit_amount]": "50",
		"line_items[1][price_data][product_data][name]": "Fee cover", "expand[]": "line_items",
	} {
		form.Set(param, value)
	}

	r := a.post("/v1/checkout/sessions", form)

	if r.number("amount_total") != 2600 || r.text("client_reference_id") != "don_1" || r.text("custom_text.submit.message") != "Thank you" {
		t.Errorf("%s", r.raw)
	}
	items := r.path("line_items.data").([]any)
	second := items[1].(map[string]any)
	if len(items) != 2 || second["description"] != "Fee cover" || second["amount_total"].(float64) != 100 {
		t.Errorf("items %v", items)
	}
	page := a.get("/v1/checkout/sessions/" + r.text("id") + "/line_items?limit=1")
	first := page.path("data").([]any)[0].(map[string]any)
	if page.path("has_more") != true || first["description"] != "Winter relief" {
		t.Errorf("first page %s", page.raw)
	}
	rest := a.get("/v1/checkout/sessions/" + r.text("id") + "/line_items?starting_after=" + first["id"].(string))
	if rows := rest.path("data").([]any); len(rows) != 1 || rest.path("has_more") != false {
		t.Errorf("rest %s", rest.raw)
	}
	a.pay(r.text("id"), "4242424242424242")
	paid := a.session(r.text("id"))
	if paid.text("payment_intent.description") != "Gift 1" || paid.text("payment_intent.latest_charge.calculated_statement_descriptor") != "STRIPESIM* RELIEF" {
		t.Errorf("%s", paid.raw)
	}
}

func TestWebhookEndpointObjects(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	form := url.Values{
		"url": {"https://donate.example/webhooks/stripe"}, "enabled_events[]": {"charge.succeeded", "payment_intent.*"},
		"api_version": {APIVersion}, "metadata[by]": {"setup"},
	}
	made := a.post("/v1/webhook_endpoints", form)
	if made.status != 200 || !strings.HasPrefix(made.text("secret"), "whsec_") || made.text("status") != "enabled" {
		t.Fatalf("created: %s", made.raw)
	}
	path := "/v1/webhook_endpoints/" + made.text("id")
	if got := a.get(path); strings.Contains(got.raw, "whsec_") || got.text("metadata.by") != "setup" {
		t.Errorf("read: %s", got.raw)
	}
	changed := a.post(path, url.Values{"disabled": {"true"}, "metadata[by]": {""}, "enabled_events[]": {"*"}})
	if changed.text("status") != "disabled" || len(changed.path("metadata").(map[string]any)) != 0 {
		t.Errorf("changed: %s", changed.raw)
	}
	if list := a.get("/v1/webhook_endpoints"); len(list.path("data").([]any)) != 1 || strings.Contains(list.raw, "whsec_") {
		t.Errorf("list: %s", list.raw)
	}
	if gone := a.do("DELETE", path, nil, nil); gone.path("deleted") != true {
		t.Errorf("deleted: %s", gone.raw)
	}
	if again := a.do("DELETE", path, nil, nil); again.status != 404 {
		t.Errorf("deleted twice: %d", again.status)
	}
	if list := a.get("/v1/webhook_endpoints"); len(list.path("data").([]any)) != 0 {
		t.Errorf("list: %s", list.raw)
	}
	for name, bad := range map[string]url.Values{
		"no url":      {"enabled_events[]": {"*"}},
		"ftp":         {"url": {"ftp://x.example"}, "enabled_events[]": {"*"}},
		"no events":   {"url": {"https://x.example"}},
		"not a type":  {"url": {"https://x.example"}, "enabled_events[]": {"everything"}},
		"new version": {"url": {"https://x.example"}, "enabled_events[]": {"*"}, "api_version": {"2025-03-31.basil"}},
	} {
		if r := a.post("/v1/webhook_endpoints", bad); r.status != 400 {
			t.Errorf("%s: %d", name, r.status)
		}
	}
}

func TestAccountAndBalance(t *testing.T) {
	t.Parallel()
	a := open(t, func(c *Config) { c.Country = "DE" })
	account := a.get("/v1/account")
	if !strings.HasPrefix(account.text("id"), "acct_1") || account.text("default_currency") != "eur" || account.path("charges_enabled") != true {
		t.Errorf("%s", account.raw)
	}
	if empty := a.get("/v1/balance"); !strings.Contains(empty.raw, `"amount":0,"currency":"eur"`) {
		t.Errorf("%s", empty.raw)
	}
	a.give(gift())
	a.pay(a.checkout(giftOf(1000, "usd")), "4000000000000077")
	balance := a.get("/v1/balance")
	for _, part := range []string{
		`"available":[{"amount":0,"currency":"eur","source_types":{"card":0}},{"amount":941,"currency":"usd"`,
		`"pending":[{"amount":2400,"currency":"eur"`,
	} {
		if !strings.Contains(balance.raw, part) {
			t.Errorf("balance lacks %s: %s", part, balance.raw)
		}
	}
	if strings.Contains(balance.raw, "connect_reserved") {
		t.Errorf("an account without a reserve: %s", balance.raw)
	}
	for _, hold := range []string{`"amount": -300, "currency": "usd"`, `"amount": 100, "currency": "usd"`, `"amount": -50, "currency": "eur"`} {
		a.control("/_sim/transaction", `{"category": "connect_reserved_funds", `+hold+`}`)
	}
	a.control("/_sim/transaction", `{"category": "risk_reserved_funds", "amount": -7, "currency": "usd"}`)
	if held := a.get("/v1/balance"); !strings.Contains(held.raw, `"connect_reserved":[{"amount":50,"currency":"eur"`) || !strings.Contains(held.raw, `{"amount":200,"currency":"usd"`) {
		t.Errorf("with reserves: %s", held.raw)
	}
	a.control("/_sim/transaction", `{"category": "connect_reserved_funds", "amount": 50, "currency": "eur"}`)
	a.control("/_sim/clock", `{"advance_seconds": 604800}`)
	if later := a.get("/v1/balance"); !strings.Contains(later.raw, `"available":[{"amount":2400,"currency":"eur"`) {
		t.Errorf("a week later: %s", later.raw)
	}
}
