package payments

import (
	"context"
	"net/http"
	"strconv"

	"github.com/stripe/stripe-go/v76/form"
)

// pageSize is the most that Stripe gives at a time.
const pageSize = 100

// pageOf reads one page of a list, from behind an object unless that is empty, each
// element by one.
func pageOf[T any](ctx context.Context, c *Client, path string, query *form.Values, after string, one func(*reader) T) (page []T, more bool, err error) {
	query.Add("limit", strconv.Itoa(pageSize))
	if after != "" {
		query.Add("starting_after", after)
	}
	err = c.call(ctx, http.MethodGet, path, query, "", func(r *reader, name []byte) {
		switch string(name) {
		case "data":
			page = nil // of an answer that broke off before
			r.list(func(r *reader) { page = append(page, one(r)) })
		case "has_more":
			more = r.flag()
		default:
			r.skip()
		}
	})
	if err != nil {
		return nil, false, err
	}
	return page, more, nil
}
