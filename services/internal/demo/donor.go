package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Largest page that a donor reads.
const maxPage = 1 << 20

// donor is a browser without JavaScript.
type donor struct{ client *http.Client }

func newDonor(transport http.RoundTripper) *donor {
	return &donor{client: &http.Client{
		Transport: transport,
		// Each redirect is a fact that the demo looks at.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// page is what an address answered.
type page struct {
	address *url.URL
	status  int
	// location is where the answer sends the donor, absolute; nil if it does not.
	location *url.URL
	body     string
}

func (d *donor) get(ctx context.Context, address string) (*page, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("open page: %w", err)
	}
	return d.do(req)
}

func (d *donor) post(ctx context.Context, address string, fields url.Values) (*page, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(fields.Encode()))
	if err != nil {
		return nil, fmt.Errorf("send form: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return d.do(req)
}

func (d *donor) do(req *http.Request) (*page, error) {
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", req.URL.Path, err)
	}
	answer := &page{address: req.URL, status: resp.StatusCode, body: string(body)}
	location, err := resp.Location()
	if err == nil {
		answer.location = location
	} else if !errors.Is(err, http.ErrNoLocation) {
		return nil, fmt.Errorf("follow %s: %w", req.URL.Path, err)
	}
	return answer, nil
}

// form is a form of a page with the values that it was drawn with.
type form struct {
	action string
	fields url.Values
}

// formWith finds the form that has a field of that name.
func (p *page) formWith(field string) (*form, error) {
	root, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		return nil, fmt.Errorf("read page %s: %w", p.address.Path, err)
	}
	for node := range root.Descendants() {
		if node.DataAtom != atom.Form {
			continue
		}
		found, err := p.readForm(node)
		if err != nil {
			return nil, err
		}
		if found.fields.Has(field) {
			return found, nil
		}
	}
	return nil, fmt.Errorf("page %s (status %d) has no form with the field %q", p.address.Path, p.status, field)
}

func (p *page) readForm(node *html.Node) (*form, error) {
	action, err := p.address.Parse(attribute(node, "action"))
	if err != nil {
		return nil, fmt.Errorf("form of %s: %w", p.address.Path, err)
	}
	found := &form{action: action.String(), fields: url.Values{}}
	for child := range node.Descendants() {
		name := attribute(child, "name")
		if name == "" {
			continue
		}
		switch child.DataAtom {
		case atom.Input:
			switch attribute(child, "type") {
			case "radio", "checkbox":
				// Known to the form, sent only when it is chosen.
				if !found.fields.Has(name) {
					found.fields[name] = nil
				}
				if has(child, "checked") {
					found.fields.Set(name, attribute(child, "value"))
				}
			default:
				found.fields.Set(name, attribute(child, "value"))
			}
		case atom.Textarea, atom.Select:
			found.fields.Set(name, "")
		}
	}
	return found, nil
}

func attribute(node *html.Node, key string) string {
	for _, attr := range node.Attr {
		if attr.Key == key {
			return attr.Val
		}
	}
	return ""
}

func has(node *html.Node, key string) bool {
	for _, attr := range node.Attr {
		if attr.Key == key {
			return true
		}
	}
	return false
}
