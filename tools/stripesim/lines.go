package stripesim

import "strings"

// askedLine is a line item as a request has it, checked.
type askedLine struct {
	LineItem
	currency string
	// price and product are set when they exist already.
	price   *Price
	product string
}

// checkMode refuses what Stripe has for the other mode only.
func checkMode(p *node, mode string) *apiError {
	other := []string{"subscription_data"}
	if mode == modeSubscription {
		for _, method := range p.strings("payment_method_types") {
			if method != "card" {
				return notOffered("payment_method_types=" + shorten(method) + " in subscription mode")
			}
		}
		other = []string{"customer_creation", "invoice_creation", "payment_intent_data", "submit_type"}
	}
	for _, name := range other {
		if p.get(name) != nil {
			return badRequest("", name, "You can not pass `%s` in `%s` mode.", name, mode)
		}
	}
	return nil
}

// checkReferences looks at what the request names: a customer, prices, products.
func (s *Server) checkReferences(p *node) *apiError {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v := s.view()
	if id := p.str("customer"); id != "" {
		_, failure := liveCustomer(v, id, "customer")
		if failure != nil {
			return failure
		}
		if p.str("customer_email") != "" {
			return badRequest("parameters_exclusive", "customer_email", "You may only specify one of these parameters: customer, customer_email.")
		}
	}
	_, failure := askedLines(v, p)
	return failure
}

// askedLines reads the line items: one currency, one interval, an amount that
// can be charged.
func askedLines(v view, p *node) ([]askedLine, *apiError) {
	items := p.list("line_items")
	if len(items) == 0 {
		return nil, badRequest("parameter_missing", "line_items", "Missing required param: line_items.")
	}
	var out []askedLine
	total := int64(0)
	for i, name := range p.get("line_items").names() {
		line, failure := askLine(v, items[i], childName("line_items", name))
		if failure != nil {
			return nil, failure
		}
		out = append(out, line)
		if line.currency != out[0].currency {
			return nil, badRequest("", "line_items", "Checkout Sessions cannot have line items with different currencies.")
		}
		// Each part is below 10^12 and there are at most a hundred.
		total += line.UnitAmount * line.Quantity
	}
	failure := checkIntervals(out, p.str("mode"))
	if failure != nil {
		return nil, failure
	}
	asked := strings.ToLower(p.str("currency"))
	if asked != "" && asked != out[0].currency {
		return nil, badRequest("", "currency", "The currency of the session must be that of its line items.")
	}
	return out, checkAmount(total, out[0].currency)
}

// mostOfAKind is how many recurring prices a plan may begin with, and how many others.
const mostOfAKind = 20

func checkIntervals(lines []askedLine, mode string) *apiError {
	var every *Recurring
	recurring := 0
	for _, line := range lines {
		if line.Recurring != nil {
			recurring++
		}
		switch {
		case line.Recurring == nil:
		case mode != modeSubscription:
			return badRequest("", "line_items", "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.")
		case every != nil && *every != *line.Recurring:
			return badRequest("", "line_items", "Checkout does not support multiple prices with different billing intervals.")
		default:
			every = line.Recurring
		}
	}
	switch {
	case mode != modeSubscription:
		return nil
	case every == nil:
		return badRequest("", "line_items", "You must provide at least one recurring price in `subscription` mode when using prices.")
	case recurring > mostOfAKind || len(lines)-recurring > mostOfAKind:
		return badRequest("", "line_items", "In `subscription` mode there can be at most %d line items with recurring prices and %d with one-time prices.",
			mostOfAKind, mostOfAKind)
	}
	return nil
}

func askLine(v view, item *node, at string) (askedLine, *apiError) {
	line := askedLine{}
	id, data := item.str("price"), item.get("price_data")
	var failure *apiError
	switch {
	case id != "" && data != nil:
		return line, badRequest("parameters_exclusive", at, "You may only specify one of these parameters: price, price_data.")
	case id != "":
		failure = line.fromPrice(v, id, childName(at, "price"))
	case data == nil:
		return line, badRequest("parameter_missing", at, "You must specify either `price` or `price_data` in `%s`.", at)
	default:
		failure = line.fromData(v, data, childName(at, "price_data"))
	}
	if failure != nil {
		return line, failure
	}
	quantity, given := item.integer("quantity")
	switch {
	case !given:
		return line, badRequest("parameter_missing", childName(at, "quantity"), "Quantity is required. Add `quantity` to `%s`", at)
	case quantity < 1 || quantity > 999_999:
		return line, badRequest("parameter_invalid_integer", childName(at, "quantity"), "This value must be between 1 and 999999.")
	case line.UnitAmount > maximum(line.currency)/quantity:
		return line, checkAmount(maximum(line.currency)+1, line.currency)
	}
	line.Quantity = quantity
	return line, nil
}

func (line *askedLine) fromPrice(v view, id, at string) *apiError {
	line.price = v.price(id)
	if line.price == nil {
		return badRequest("resource_missing", at, "No such price: '%s'", shorten(id))
	}
	if !line.price.Active {
		return badRequest("", at, "The price specified is inactive. This field only accepts active prices.")
	}
	product := v.product(line.price.Product)
	line.currency, line.UnitAmount, line.Recurring = line.price.Currency, line.price.UnitAmount, line.price.Recurring
	line.Name, line.Description = product.Name, product.Description
	return nil
}

func (line *askedLine) fromData(v view, data *node, at string) *apiError {
	switch product := v.product(data.str("product")); {
	case data.get("product") != nil && product == nil:
		return badRequest("resource_missing", childName(at, "product"), "No such product: '%s'", shorten(data.str("product")))
	case product != nil:
		line.product, line.Name, line.Description = product.ID, product.Name, product.Description
	case data.get("product_data") == nil:
		return badRequest("parameter_missing", at, "You must specify either `product` or `product_data` in `%s`.", at)
	default:
		line.Name, line.Description = data.str("product_data", "name"), data.str("product_data", "description")
		line.Metadata = data.pairs("product_data", "metadata")
	}
	line.currency, line.TaxBehavior = strings.ToLower(data.str("currency")), data.str("tax_behavior")
	failure := checkCurrency(line.currency, childName(at, "currency"))
	if failure != nil {
		return failure
	}
	// Wrong totals are told of the whole; this says which part cannot be.
	line.UnitAmount, failure = inlineAmount(data, at, line.currency)
	if failure != nil {
		return failure
	}
	line.Recurring, failure = readRecurring(data.get("recurring"), childName(at, "recurring"))
	return failure
}

func inlineAmount(data *node, at, currency string) (int64, *apiError) {
	if unit, given := data.integer("unit_amount"); given && unit > maximum(currency) {
		return 0, checkAmount(unit, currency)
	}
	return unitAmount(data, at, currency)
}

// nameLines gives the lines their ids. A plan goes on using its prices, so those
// of a subscription are stored; the inline ones of a payment are never read again.
func (t *tx) nameLines(lines []askedLine, stored bool) []LineItem {
	var out []LineItem
	for _, line := range lines {
		item := line.LineItem
		item.ID = t.newID("line_item")
		if line.price != nil {
			item.Price, item.Product = line.price.ID, line.price.Product
			out = append(out, item)
			continue
		}
		item.Price, item.Product = t.newID("price"), line.product
		if item.Product == "" {
			item.Product = t.newID("product")
			if stored {
				t.putProduct(Product{
					ID: item.Product, Created: t.now.Unix(), Updated: t.now.Unix(), Name: item.Name,
					Description: item.Description, Metadata: metadataOf(item.Metadata),
				})
			}
		}
		if stored {
			t.putPrice(Price{
				ID: item.Price, Created: t.now.Unix(), Currency: line.currency, UnitAmount: item.UnitAmount,
				Product: item.Product, Recurring: item.Recurring, TaxBehavior: item.TaxBehavior, Metadata: map[string]string{},
			})
		}
		out = append(out, item)
	}
	return out
}
