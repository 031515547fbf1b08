package stripesim

// The part of the surface that recurring money needs.

func (s *Server) billingReads() map[string]read {
	return map[string]read{
		"/v1/customers":                                   {customerFilters(), s.listCustomers},
		"/v1/customers/{id}":                              {schema{}, getCustomer},
		"/v1/customers/{id}/payment_methods":              {methodFilters(false), listMethodsOfCustomer},
		"/v1/customers/{id}/payment_methods/{pm}":         {schema{}, getMethodOfCustomer},
		"/v1/billing_portal/configurations":               {configurationFilters(), listConfigurations},
		"/v1/billing_portal/configurations/{id}":          {schema{}, getConfiguration},
		"/v1/invoices":                                    {invoiceFilters(), s.listInvoices},
		"/v1/customers/{id}/balance_transactions":         {pageParams(nil), listBalanceEntries},
		"/v1/customers/{id}/balance_transactions/{entry}": {schema{}, getBalanceEntry},
		"/v1/invoiceitems":                                {itemFilters(), listItems},
		"/v1/invoiceitems/{id}":                           {schema{}, getItem},
		"/v1/invoices/{id}":                               {schema{}, getInvoice},
		"/v1/invoices/upcoming":                           {upcomingParams(), s.upcomingInvoice},
		"/v1/invoices/{id}/lines":                         {pageParams(nil), getInvoiceLines},
		"/v1/subscriptions":                               {planFilters(), s.listPlans},
		"/v1/subscriptions/{id}":                          {schema{}, getPlan},
		"/v1/payment_methods":                             {methodFilters(true), listMethods},
		"/v1/payment_methods/{id}":                        {schema{}, getMethod},
		"/v1/prices":                                      {priceFilters(), s.listPrices},
		"/v1/prices/{id}":                                 {schema{}, getPrice},
		"/v1/test_helpers/test_clocks":                    {pageParams(nil), listClocks},
		"/v1/test_helpers/test_clocks/{id}":               {schema{}, getClock},
		"/v1/products":                                    {productFilters(), s.listProducts},
		"/v1/products/{id}":                               {schema{}, getProduct},
	}
}

func (s *Server) billingWrites() map[string]write {
	return map[string]write{
		"POST /v1/billing_portal/sessions":               {portalParams(), nil, createPortal},
		"POST /v1/customers":                             {customerParams(true), nil, createCustomer},
		"POST /v1/customers/{id}":                        {customerParams(false), nil, updateCustomer},
		"DELETE /v1/customers/{id}":                      {schema{}, nil, deleteCustomer},
		"POST /v1/invoices/{id}/finalize":                {schema{"auto_advance": {kind: isBoolean}}, nil, finalizeInvoice},
		"POST /v1/invoices/{id}/mark_uncollectible":      {schema{}, nil, writeOffInvoice},
		"POST /v1/invoices/{id}/pay":                     {payParams(), nil, payInvoice},
		"POST /v1/invoices/{id}/void":                    {schema{}, nil, voidInvoice},
		"POST /v1/subscriptions":                         {planParams(true), nil, createPlan},
		"POST /v1/subscriptions/{id}":                    {planParams(false), nil, updatePlan},
		"DELETE /v1/subscriptions/{id}":                  {cancelParams(), nil, deletePlan},
		"POST /v1/payment_methods/{id}/attach":           {attachParams(), nil, attachMethod},
		"POST /v1/payment_methods/{id}/detach":           {schema{}, nil, detachMethod},
		"POST /v1/prices":                                {priceParams(), nil, createPrice},
		"POST /v1/prices/{id}":                           {priceUpdateParams(), nil, updatePrice},
		"POST /v1/test_helpers/test_clocks":              {clockParams(), nil, createClock},
		"POST /v1/test_helpers/test_clocks/{id}/advance": {advanceParams(), nil, advanceClock},
		"DELETE /v1/test_helpers/test_clocks/{id}":       {schema{}, nil, deleteClock},
		"POST /v1/products":                              {productParams(true), nil, createProduct},
		"POST /v1/products/{id}":                         {productParams(false), nil, updateProduct},
	}
}

// later marks parameters of Stripe's that are refused in plain words.
func (s schema) later(names ...string) schema {
	for _, name := range names {
		s[name] = rule{kind: isLater}
	}
	return s
}
