package stripesim

import (
	"slices"
	"strings"
)

func productParams(create bool) schema {
	out := schema{
		"active":               {kind: isBoolean},
		"description":          {kind: isString, max: 40000, unset: !create},
		"metadata":             {kind: isMetadata},
		"name":                 {kind: isString, max: 5000, required: create},
		"statement_descriptor": {kind: isString, max: 22},
		"unit_label":           {kind: isString, max: 12, unset: !create},
		"url":                  {kind: isURL, max: 5000, unset: !create},
	}
	if create {
		out["id"] = rule{kind: isString, max: 255}
		out["default_price_data"] = rule{kind: isHash, fields: schema{
			"currency": {kind: isString, required: true}, "recurring": {kind: isHash, fields: recurringParams()},
			"tax_behavior": taxBehavior(), "unit_amount": {kind: isInteger},
		}.later("currency_options", "unit_amount_decimal")}
	} else {
		out["default_price"] = rule{kind: isString, max: 5000}
	}
	return out.later("features", "images", "package_dimensions", "shippable", "tax_code")
}

func recurringParams() schema {
	return schema{
		"interval":       {kind: isEnum, enum: []string{"day", "month", "week", "year"}, required: true},
		"interval_count": {kind: isInteger},
		"usage_type":     {kind: isEnum, enum: []string{"licensed"}},
	}.later("aggregate_usage")
}

func taxBehavior() rule {
	return rule{kind: isEnum, enum: []string{"exclusive", "inclusive", "unspecified"}}
}

// readRecurring checks what the schema cannot: Stripe bills at least once in
// three years.
func readRecurring(n *node, at string) (*Recurring, *apiError) {
	if n == nil {
		return nil, nil
	}
	out := &Recurring{Interval: n.str("interval"), Count: 1}
	if count, given := n.integer("interval_count"); given {
		out.Count = count
	}
	most := map[string]int64{"day": 1095, "week": 156, "month": 36, "year": 3}[out.Interval]
	if out.Count < 1 || out.Count > most {
		return nil, badRequest("parameter_invalid_integer", childName(at, "interval_count"),
			"Invalid recurring interval: interval_count is 1 to %d for %s.", most, out.Interval)
	}
	return out, nil
}

func createProduct(c *call, t *tx) (map[string]any, *apiError) {
	p := c.params
	product := Product{ID: p.str("id"), Created: t.now.Unix(), Active: true, Metadata: map[string]string{}}
	if product.ID == "" {
		product.ID = t.newID("product")
	}
	if t.product(product.ID) != nil {
		return nil, badRequest("resource_already_exists", "id", "Product already exists.")
	}
	failure := fillProduct(&product, p, t)
	if failure != nil {
		return nil, failure
	}
	stored := t.putProduct(product)
	t.emit("product.created", nil)
	if data := p.get("default_price_data"); data != nil {
		price, failure := t.newPrice(data, product.ID, "default_price_data")
		if failure != nil {
			return nil, failure
		}
		t.emit("price.created", nil)
		product.DefaultPrice = price.ID
		stored = t.putProduct(product)
	}
	return renderProduct(stored), nil
}

func fillProduct(product *Product, p *node, t *tx) *apiError {
	for name, into := range map[string]*string{
		"name": &product.Name, "description": &product.Description, "url": &product.URL,
		"statement_descriptor": &product.StatementDescriptor, "unit_label": &product.UnitLabel,
	} {
		if given := p.get(name); given != nil {
			*into = given.value
		}
	}
	if active := p.str("active"); active != "" {
		product.Active = active == "true"
	}
	if id := p.str("default_price"); id != "" {
		price := t.price(id)
		if price == nil || price.Product != product.ID {
			return badRequest("resource_missing", "default_price", "No such price: '%s'", shorten(id))
		}
		product.DefaultPrice = id
	}
	product.Updated = t.now.Unix()
	product.Metadata = metadataOf(mergeMetadata(product.Metadata, p.get("metadata")))
	return nil
}

func updateProduct(c *call, t *tx) (map[string]any, *apiError) {
	product := t.product(c.r.PathValue("id"))
	if product == nil {
		return nil, missing("product", "id", shorten(c.r.PathValue("id")))
	}
	next := *product
	failure := fillProduct(&next, c.params, t)
	if failure != nil {
		return nil, failure
	}
	previous := differences(renderProduct(product), renderProduct(&next))
	stored := t.putProduct(next)
	t.emit("product.updated", previous)
	return renderProduct(stored), nil
}

func getProduct(c *call, v reader) (map[string]any, *apiError) {
	product := v.product(c.r.PathValue("id"))
	if product == nil {
		return nil, missing("product", "id", shorten(c.r.PathValue("id")))
	}
	return renderProduct(product), nil
}

func productFilters() schema {
	return pageParams(schema{
		"active": {kind: isBoolean}, "created": {kind: isRange}, "url": {kind: isString},
		"ids": {kind: isList, max: 100, elem: &rule{kind: isString}},
	}.later("shippable"))
}

func (s *Server) listProducts(c *call, v reader) (map[string]any, *apiError) {
	p := c.params
	ids := p.strings("ids")
	return listing[Product]{
		url: "/v1/products", kind: "product", table: &v.products,
		created: func(row *Product) int64 { return row.Created },
		keep: func(row *Product) bool {
			return (p.str("active") == "" || row.Active == (p.str("active") == "true")) &&
				(p.str("url") == "" || row.URL == p.str("url")) && (len(ids) == 0 || slices.Contains(ids, row.ID))
		},
		render: renderProduct,
	}.page(c, v)
}

func priceParams() schema {
	product := schema{
		"active": {kind: isBoolean}, "id": {kind: isString, max: 255}, "metadata": {kind: isMetadata},
		"name": {kind: isString, max: 5000, required: true}, "statement_descriptor": {kind: isString, max: 22},
		"unit_label": {kind: isString, max: 12},
	}
	return schema{
		"active":         {kind: isBoolean},
		"billing_scheme": {kind: isEnum, enum: []string{"per_unit"}},
		"currency":       {kind: isString, required: true},
		"lookup_key":     {kind: isString, max: 200},
		"metadata":       {kind: isMetadata},
		"nickname":       {kind: isString, max: 5000},
		"product":        {kind: isString, max: 5000},
		"product_data":   {kind: isHash, fields: product.later("tax_code")},
		"recurring":      {kind: isHash, fields: recurringParams()},
		"tax_behavior":   taxBehavior(),
		"unit_amount":    {kind: isInteger},
	}.later("currency_options", "custom_unit_amount", "tiers", "tiers_mode", "transfer_lookup_key",
		"transform_quantity", "unit_amount_decimal")
}

func priceUpdateParams() schema {
	return schema{
		"active": {kind: isBoolean}, "lookup_key": {kind: isString, max: 200}, "metadata": {kind: isMetadata},
		"nickname": {kind: isString, max: 5000, unset: true}, "tax_behavior": taxBehavior(),
	}.later("currency_options", "transfer_lookup_key")
}

func createPrice(c *call, t *tx) (map[string]any, *apiError) {
	p := c.params
	product := p.str("product")
	switch data := p.get("product_data"); {
	case product == "" && data == nil:
		return nil, badRequest("parameter_missing", "product", "You must specify either `product` or `product_data` when creating a price.")
	case product != "" && data != nil:
		return nil, badRequest("parameters_exclusive", "product_data", "You may only specify one of these parameters: product, product_data.")
	case data != nil:
		made := Product{ID: t.newID("product"), Created: t.now.Unix(), Active: true, Metadata: map[string]string{}}
		if id := data.str("id"); id != "" {
			made.ID = id
		}
		if t.product(made.ID) != nil {
			return nil, badRequest("resource_already_exists", "product_data[id]", "Product already exists.")
		}
		failure := fillProduct(&made, data, t)
		if failure != nil {
			return nil, failure
		}
		product = t.putProduct(made).ID
		t.emit("product.created", nil)
	}
	price, failure := t.newPrice(p, product, "")
	if failure != nil {
		return nil, failure
	}
	t.emit("price.created", nil)
	return renderPrice(price), nil
}

// newPrice stores a price of a product that exists; param is where its
// parameters stand in the request.
func (t *tx) newPrice(p *node, product, param string) (*Price, *apiError) {
	if t.product(product) == nil {
		return nil, badRequest("resource_missing", childName(param, "product"), "No such product: '%s'", shorten(product))
	}
	price := Price{
		ID: t.newID("price"), Created: t.now.Unix(), Active: p.str("active") != "false", Product: product,
		Currency: strings.ToLower(p.str("currency")), Nickname: p.str("nickname"), LookupKey: p.str("lookup_key"),
		TaxBehavior: p.str("tax_behavior"), Metadata: metadataOf(p.pairs("metadata")),
	}
	failure := checkCurrency(price.Currency, childName(param, "currency"))
	if failure != nil {
		return nil, failure
	}
	price.UnitAmount, failure = unitAmount(p, param, price.Currency)
	if failure != nil {
		return nil, failure
	}
	if price.LookupKey != "" && t.priceByKey(price.LookupKey) != nil {
		return nil, badRequest("resource_already_exists", "lookup_key", "A price (`%s`) already uses that lookup key.", t.priceByKey(price.LookupKey).ID)
	}
	price.Recurring, failure = readRecurring(p.get("recurring"), childName(param, "recurring"))
	if failure != nil {
		return nil, failure
	}
	return t.putPrice(price), nil
}

func unitAmount(p *node, at, currency string) (int64, *apiError) {
	name := "unit_amount"
	if at != "" {
		name = childName(at, name)
	}
	unit, given := p.integer("unit_amount")
	switch {
	case !given:
		return 0, badRequest("parameter_missing", name, "Missing required param: %s.", name)
	case unit < 0:
		return 0, badRequest("parameter_invalid_integer", name, "This value must be greater than or equal to 0.")
	case unit > maximum(currency):
		return 0, badRequest("amount_too_large", name, "This amount is too large for %s.", strings.ToUpper(currency))
	}
	return unit, nil
}

func (t *tx) priceByKey(key string) *Price {
	for _, id := range t.s.state.prices.order {
		price := t.price(id)
		if price.LookupKey == key {
			return price
		}
	}
	return nil
}

func updatePrice(c *call, t *tx) (map[string]any, *apiError) {
	price := t.price(c.r.PathValue("id"))
	if price == nil {
		return nil, missing("price", "price", shorten(c.r.PathValue("id")))
	}
	p, next := c.params, *price
	if active := p.str("active"); active != "" {
		next.Active = active == "true"
	}
	if given := p.get("nickname"); given != nil {
		next.Nickname = given.value
	}
	if key := p.str("lookup_key"); key != "" && key != price.LookupKey {
		if other := t.priceByKey(key); other != nil {
			return nil, badRequest("resource_already_exists", "lookup_key", "A price (`%s`) already uses that lookup key.", other.ID)
		}
		next.LookupKey = key
	}
	if behavior := p.str("tax_behavior"); behavior != "" {
		next.TaxBehavior = behavior
	}
	next.Metadata = metadataOf(mergeMetadata(next.Metadata, p.get("metadata")))
	previous := differences(renderPrice(price), renderPrice(&next))
	stored := t.putPrice(next)
	t.emit("price.updated", previous)
	return renderPrice(stored), nil
}

func getPrice(c *call, v reader) (map[string]any, *apiError) {
	price := v.price(c.r.PathValue("id"))
	if price == nil {
		return nil, missing("price", "price", shorten(c.r.PathValue("id")))
	}
	return renderPrice(price), nil
}

func priceFilters() schema {
	return pageParams(schema{
		"active": {kind: isBoolean}, "created": {kind: isRange}, "currency": {kind: isString},
		"lookup_keys": {kind: isList, max: 10, elem: &rule{kind: isString}}, "product": {kind: isString},
		"type": {kind: isEnum, enum: []string{"one_time", "recurring"}},
	}.later("recurring"))
}

func (s *Server) listPrices(c *call, v reader) (map[string]any, *apiError) {
	p := c.params
	keys := p.strings("lookup_keys")
	return listing[Price]{
		url: "/v1/prices", kind: "price", table: &v.prices,
		created: func(row *Price) int64 { return row.Created },
		keep: func(row *Price) bool {
			kind := "one_time"
			if row.Recurring != nil {
				kind = "recurring"
			}
			return (p.str("active") == "" || row.Active == (p.str("active") == "true")) &&
				(p.str("currency") == "" || row.Currency == strings.ToLower(p.str("currency"))) &&
				(p.str("product") == "" || row.Product == p.str("product")) &&
				(p.str("type") == "" || kind == p.str("type")) && (len(keys) == 0 || slices.Contains(keys, row.LookupKey))
		},
		render: renderPrice,
	}.page(c, v)
}
