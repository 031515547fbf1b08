package stripesim

import (
	"net/http"
	"strings"
	"testing"
)

// receipt opens the receipt of a charge, by the link that Stripe gives.
func (a *account) receipt(charge string) (path string, page answer) {
	a.t.Helper()
	link := a.get("/v1/charges/" + charge).text("receipt_url")
	path, ok := strings.CutPrefix(link, a.sim.cfg.BaseURL)
	if !ok || !strings.HasPrefix(path, "/receipts/"+charge+"/") {
		a.t.Fatalf("receipt_url %q", link)
	}
	return path, a.get(path)
}

func TestAReceiptSaysWhatWasPaid(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	form := gift()
	form.Set("payment_intent_data[description]", "For <the> flood relief")
	charge := a.paidAs(form, "378282246310005")
	_, page := a.receipt(charge)
	if page.status != http.StatusOK || page.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", page.status, page.header)
	}
	for _, part := range []string{
		"Receipt from Stripe simulator", "25.00 EUR", "American Express ending in 0005", "For &lt;the&gt; flood relief", charge,
		a.sim.now().UTC().Format("2 January 2006"), "no real money",
	} {
		if !strings.Contains(page.raw, part) {
			t.Errorf("the receipt lacks %q", part)
		}
	}
	if strings.Contains(page.raw, "Given back") || strings.Contains(page.raw, "ann@example.org") || strings.Contains(page.raw, "<script") {
		t.Error("the receipt says too much")
	}
	// Events carry the same link.
	if !strings.Contains(a.get("/v1/events?type=charge.succeeded").raw, "/receipts/"+charge+"/") {
		t.Error("the event has another receipt")
	}
}

func TestAReceiptKeepsUpWithRefunds(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	charge := a.paidWith("4000000000005126") // refunds fail after six seconds
	path, _ := a.receipt(charge)
	a.refund(charge, 500)
	page := a.get(path).raw
	for _, part := range []string{"Given back", "5.00 EUR", "20.00 EUR remain paid"} {
		if !strings.Contains(page, part) {
			t.Errorf("after a refund the receipt lacks %q", part)
		}
	}
	a.advance(refundDelay)
	if page := a.get(path).raw; strings.Contains(page, "Given back") || strings.Contains(page, "remain") {
		t.Error("money that came back is shown as given back")
	}
}

func TestAReceiptIsForWhoeverHasTheLinkOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := open(t, func(c *Config) { c.Dir = dir })
	charge, other := a.paidWith("4242424242424242"), a.paidWith("4242424242424242")
	path, _ := a.receipt(charge)
	otherPath, _ := a.receipt(other)
	link := path[strings.LastIndex(path, "/")+1:]
	if len(link) != 40 || strings.HasSuffix(otherPath, link) {
		t.Errorf("link %q can be guessed", link)
	}
	for _, wrong := range []string{
		"/receipts/" + charge, "/receipts/" + charge + "/", "/receipts/" + other + "/" + link, path + "x", path + "/more",
		"/receipts/ch_3none/" + link, "/receipts/",
	} {
		if r := a.get(wrong); r.status != http.StatusNotFound || strings.Contains(r.raw, "Receipt from") {
			t.Errorf("%s: %d", wrong, r.status)
		}
	}
	b := a.reopen(dir)
	if again, page := b.receipt(charge); again != path || page.status != http.StatusOK {
		t.Errorf("after a restart the receipt is at %s: %d", again, page.status)
	}
}

func TestWhatIsNotPaidHasNoReceipt(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	id := a.debited("ach")
	waiting := a.session(id)
	waiting.expect(t, map[string]any{"payment_intent.latest_charge.receipt_url": nil})
	a.advance(4 * day)
	_, page := a.receipt(waiting.text("payment_intent.latest_charge.id"))
	if !strings.Contains(page.raw, "US bank account, account ending in 6789") {
		t.Errorf("the receipt does not say how it was paid: %s", page.raw)
	}
	declined := a.checkout(gift())
	a.pay(declined, "4000000000000002")
	a.session(declined).expect(t, map[string]any{"payment_intent.latest_charge.receipt_url": nil})
}

func TestTheReceiptOfAnInstalmentNamesItsInvoice(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	plan := a.pledge(monthly(), "4242424242424242")
	invoice := a.get("/v1/invoices/" + a.plan(plan).text("latest_invoice.id"))
	_, page := a.receipt(invoice.text("charge"))
	if number := invoice.text("number"); number == "" || !strings.Contains(page.raw, number) {
		t.Errorf("the receipt does not name invoice %q", number)
	}
}
