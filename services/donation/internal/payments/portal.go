package payments

import (
	"context"
	"net/http"

	"github.com/stripe/stripe-go/v76/form"
)

// OpenPortal asks for Stripe's page where a customer puts in another card, and
// nothing else: what else is to be changed is changed with us.
func (c *Client) OpenPortal(ctx context.Context, key, customerID, returnURL string) (string, error) {
	values := &form.Values{}
	values.Add("customer", customerID)
	values.Add("return_url", returnURL)
	values.Add("flow_data[type]", "payment_method_update")
	var out object
	err := c.call(ctx, http.MethodPost, "/v1/billing_portal/sessions", values, key, out.read)
	return out.URL, err
}
