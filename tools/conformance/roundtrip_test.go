package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/stripe/stripe-go/v76"
)

// structs are stripe-go's own types of the objects that the story shows.
var structs = map[string]func() any{
	"account":                      func() any { return &stripe.Account{} },
	"balance":                      func() any { return &stripe.Balance{} },
	"balance_transaction":          func() any { return &stripe.BalanceTransaction{} },
	"bank_account":                 func() any { return &stripe.BankAccount{} },
	"billing_portal.configuration": func() any { return &stripe.BillingPortalConfiguration{} },
	"billing_portal.session":       func() any { return &stripe.BillingPortalSession{} },
	"charge":                       func() any { return &stripe.Charge{} },
	"checkout.session":             func() any { return &stripe.CheckoutSession{} },
	"customer":                     func() any { return &stripe.Customer{} },
	"dispute":                      func() any { return &stripe.Dispute{} },
	"event":                        func() any { return &stripe.Event{} },
	"customer_balance_transaction": func() any { return &stripe.CustomerBalanceTransaction{} },
	"invoice":                      func() any { return &stripe.Invoice{} },
	"invoiceitem":                  func() any { return &stripe.InvoiceItem{} },
	"item":                         func() any { return &stripe.LineItem{} },
	"line_item":                    func() any { return &stripe.InvoiceLineItem{} },
	"payment_intent":               func() any { return &stripe.PaymentIntent{} },
	"payment_method":               func() any { return &stripe.PaymentMethod{} },
	"payout":                       func() any { return &stripe.Payout{} },
	"price":                        func() any { return &stripe.Price{} },
	"product":                      func() any { return &stripe.Product{} },
	"radar.early_fraud_warning":    func() any { return &stripe.RadarEarlyFraudWarning{} },
	"refund":                       func() any { return &stripe.Refund{} },
	"review":                       func() any { return &stripe.Review{} },
	"subscription":                 func() any { return &stripe.Subscription{} },
	"subscription_item":            func() any { return &stripe.SubscriptionItem{} },
	"test_helpers.test_clock":      func() any { return &stripe.TestHelpersTestClock{} },
	"webhook_endpoint":             func() any { return &stripe.WebhookEndpoint{} },
}

// Read into stripe-go's types and written again, no object of the story loses
// anything: a property that is misspelt, or of another type, would get lost.
func TestObjectsSurviveStripesLibrary(t *testing.T) {
	t.Parallel()
	objects := map[string][]map[string]any{}
	for _, e := range hearStory(t).exchanges {
		collect(e.body, objects)
	}
	for _, kind := range slices.Sorted(maps.Keys(objects)) {
		if kind == "list" {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			if structs[kind] == nil {
				t.Fatal("no line of structs says which type it is")
			}
			for _, object := range objects[kind] {
				into := structs[kind]()
				again, err := through(object, into)
				if err != nil {
					t.Fatalf("%v\n%v", err, object)
				}
				for _, fault := range lost(object, again, kind) {
					t.Errorf("%v: %s", object["id"], fault)
				}
			}
		})
	}
}

// collect finds all objects in an answer.
func collect(value any, into map[string][]map[string]any) {
	switch v := value.(type) {
	case map[string]any:
		kind, isObject := v["object"].(string)
		if isObject {
			into[kind] = append(into[kind], v)
		}
		for _, inner := range v {
			collect(inner, into)
		}
	case []any:
		for _, inner := range v {
			collect(inner, into)
		}
	}
}

func through(object map[string]any, into any) (map[string]any, error) {
	raw, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(raw, into)
	if err != nil {
		return nil, err
	}
	raw, err = json.Marshal(into)
	if err != nil {
		return nil, err
	}
	var again map[string]any
	return again, json.Unmarshal(raw, &again)
}

// unread are properties that the library has no field for.
var unread = []string{}

// lost names what is in one and not in the other. The library writes an id as an
// object that has only that.
func lost(before, after any, at string) []string {
	if slices.Contains(unread, at) {
		return nil
	}
	switch b := before.(type) {
	case nil:
		return nil
	case map[string]any:
		a, isObject := after.(map[string]any)
		if !isObject {
			return []string{at + " is gone"}
		}
		var out []string
		for _, name := range slices.Sorted(maps.Keys(b)) {
			inner, isObject := b[name].(map[string]any)
			switch {
			case empty(b[name]), b[name] == "list":
			case isObject && inner["object"] != nil && inner["id"] != nil:
				// An object in full is put to the question by itself.
				out = append(out, lost(inner["id"], a[name], at+"."+name)...)
			default:
				out = append(out, lost(b[name], a[name], at+"."+name)...)
			}
		}
		return out
	case []any:
		a, _ := after.([]any)
		if len(a) != len(b) {
			return []string{fmt.Sprintf("%s has %d rows instead of %d", at, len(a), len(b))}
		}
		var out []string
		for i := range b {
			out = append(out, lost(b[i], a[i], fmt.Sprintf("%s[%d]", at, i))...)
		}
		return out
	}
	if object, isObject := after.(map[string]any); isObject {
		after = object["id"]
	}
	if !reflect.DeepEqual(before, after) && fmt.Sprint(before) != fmt.Sprint(after) {
		return []string{fmt.Sprintf("%s was %v and is %v", at, before, after)}
	}
	return nil
}

func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

func encoded(value any) string {
	raw, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}
