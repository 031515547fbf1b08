package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/apperr"
)

const receiptAddress = "/receipts/REFUGE-2026-000123/dG9rZW4"

func TestReceiptIsDownloadedAsPDF(t *testing.T) {
	t.Parallel()
	c := newCharity()
	site := open(t, c)
	if p := parse(t, get(t, site, receiptAddress).Body.String()); !slices.Contains(p.links(), receiptAddress+".pdf") || !p.says("K7M2Q9XZ4T") {
		t.Errorf("links of the receipt: %q", p.links())
	}
	file := get(t, site, receiptAddress+".pdf")
	if file.Code != http.StatusOK || file.Body.String() != "%PDF-1.7 the file" {
		t.Errorf("%d: %s", file.Code, file.Body)
	}
	for header, want := range map[string]string{
		"Content-Type": "application/pdf", "Cache-Control": "no-store",
		"Content-Disposition": `attachment; filename="REFUGE-2026-000123.pdf"`,
	} {
		if got := file.Header().Get(header); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
	// A wrong token, a receipt that does not exist and a doubled ending are alike.
	for _, path := range []string{"/receipts/REFUGE-2026-000123/wrong.pdf", "/receipts/REFUGE-2026-000999/dG9rZW4.pdf", receiptAddress + ".pdf.pdf", "/receipts/REFUGE-2026-000123/.pdf"} {
		if answer := get(t, site, path); answer.Code != http.StatusNotFound || !parse(t, answer.Body.String()).says("This page does not exist") {
			t.Errorf("%s answers %d", path, answer.Code)
		}
	}
}

func TestReceiptSaysWhatItsPDFWaitsFor(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.document.PdfReady, c.document.PdfWaitsFor = false, []string{"Khmer", "emoji"}
	c.fail("GetReceiptPDF", apperr.New(apperr.FailedPrecondition, "PDF_WAITS_FOR_FONT", "The PDF waits for a font for Khmer, emoji."))
	site := open(t, c)
	p := parse(t, get(t, site, receiptAddress).Body.String())
	if !p.says("it waits for a font for Khmer, emoji") || slices.Contains(p.links(), receiptAddress+".pdf") {
		t.Errorf("the receipt does not say what the file waits for: %q", text(p.first("main")))
	}
	answer := get(t, site, receiptAddress+".pdf")
	p = parse(t, answer.Body.String())
	if answer.Code != http.StatusConflict || !p.says("it waits for a font for Khmer, emoji") || !slices.Contains(p.links(), receiptAddress) {
		t.Errorf("%d: %s", answer.Code, text(p.first("main")))
	}
	c.document.PdfWaitsFor = nil
	if p := parse(t, get(t, site, receiptAddress+".pdf").Body.String()); !p.says("The PDF is being made.") {
		t.Errorf("%s", text(p.first("main")))
	}
}

// What is no longer in force says so, and leads to what stands in its place.
func TestAReceiptThatIsNoLongerInForce(t *testing.T) {
	t.Parallel()
	c := newCharity()
	site := open(t, c)
	if p := parse(t, get(t, site, receiptAddress).Body.String()); p.says("in force since") || p.says("In its place") {
		t.Error(text(p.first("main")))
	}
	c.document.State, c.document.EndedAt = receiptv1.ReceiptState_RECEIPT_STATE_VOID, at(2026, 11, 22)
	p := parse(t, get(t, site, receiptAddress).Body.String())
	if !p.says("This receipt was taken back") || !p.says("since 22 November 2026.") || !p.says("It cannot be used any more.") {
		t.Error(text(p.first("main")))
	}
	c.document.State, c.document.ReplacedBy, c.document.ReplacedByToken = receiptv1.ReceiptState_RECEIPT_STATE_REPLACED, "REFUGE-2026-000150", "bmV4dA"
	p = parse(t, get(t, site, receiptAddress).Body.String())
	if !p.says("Another receipt stands in the place of this one") || !slices.Contains(p.links(), "/receipts/REFUGE-2026-000150/bmV4dA") {
		t.Error(text(p.first("main")))
	}
	p = parse(t, get(t, site, "/verify/REFUGE-2026-000123?c=K7M2Q9XZ4T").Body.String())
	if !p.says("since 22 November 2026. In its place stands receipt REFUGE-2026-000150.") || slices.Contains(p.links(), "/receipts/REFUGE-2026-000150/bmV4dA") {
		t.Error(text(p.first("main")))
	}
	c.document.State, c.document.Replaces, c.document.Monthly = receiptv1.ReceiptState_RECEIPT_STATE_IN_FORCE, "REFUGE-2026-000100", true
	if p := parse(t, get(t, site, receiptAddress).Body.String()); !p.says("Stands in the place ofREFUGE-2026-000100") || !p.says("Monthly gift") {
		t.Error(text(p.first("main")))
	}
}

func TestReceiptIsShownInItsOwnLanguage(t *testing.T) {
	t.Parallel()
	for language, want := range map[string][]string{
		"en": {`lang="en" dir="ltr"`, "received with thanks from", "Download PDF"},
		"fr": {`lang="fr" dir="ltr"`, "reçu avec nos remerciements de", "Télécharger le PDF"},
		"es": {`lang="es" dir="ltr"`, "recibido con agradecimiento de", "Descargar el PDF"},
		"ar": {`lang="ar" dir="rtl"`, "استُلم مع الشكر من", "تنزيل PDF"},
	} {
		c := newCharity()
		c.document.Language = language
		site := open(t, c)
		body := get(t, site, receiptAddress).Body.String()
		for _, words := range want {
			if !strings.Contains(body, words) {
				t.Errorf("%s: the page does not say %q", language, words)
			}
		}
		// Who chooses another language gets it.
		if body := get(t, site, receiptAddress+"?lang=fr").Body.String(); !strings.Contains(body, "Télécharger le PDF") {
			t.Errorf("%s: the choice of French is not followed", language)
		}
	}
}

func TestWhoHoldsAReceiptChecksIt(t *testing.T) {
	t.Parallel()
	for state, want := range map[receiptv1.ReceiptState]string{
		receiptv1.ReceiptState_RECEIPT_STATE_IN_FORCE: "This receipt is in force",
		receiptv1.ReceiptState_RECEIPT_STATE_VOID:     "This receipt was taken back",
		receiptv1.ReceiptState_RECEIPT_STATE_REPLACED: "Another receipt stands in the place of this one",
	} {
		c := newCharity()
		c.document.State = state
		site := open(t, c)
		for _, path := range []string{"/verify/REFUGE-2026-000123?c=K7M2Q9XZ4T", "/verify?number=REFUGE-2026-000123&c=K7M2Q9XZ4T"} {
			answer := get(t, site, path)
			p := parse(t, answer.Body.String())
			if answer.Code != http.StatusOK || !p.says(want) || !p.says("Harbour Refugee Relief e.V. issued receipt REFUGE-2026-000123 on 21 November 2026.") {
				t.Errorf("%s: %d: %s", path, answer.Code, text(p.first("main")))
			}
			if strings.Contains(answer.Body.String(), "Zoë") || strings.Contains(answer.Body.String(), "103.30") {
				t.Error("the answer names the donor or the amount")
			}
		}
	}
	site := open(t, newCharity())
	for path, code := range map[string]int{
		"/verify": 200, "/verify/REFUGE-2026-000123": 200, "/verify?number=&c=": 200,
		"/verify/REFUGE-2026-000123?c=WRONG": 404, "/verify/NONE-1?c=K7M2Q9XZ4T": 404,
		"/verify/%00%ff?c=%00%ff": 404, "/verify?number=" + strings.Repeat("9", 5000) + "&c=%3Cscript%3E": 404,
	} {
		answer := get(t, site, path)
		p := parse(t, answer.Body.String())
		if answer.Code != code || p.says("No receipt has this number and code") != (code == 404) || len(p.values()["c"]) != 1 {
			t.Errorf("%.60s: %d: %s", path, answer.Code, text(p.first("main")))
		}
	}
}

func TestCheckCodesCannotBeGuessedByTheThousand(t *testing.T) {
	t.Parallel()
	site := open(t, newCharity())
	refused := 0
	for n := range 40 {
		answer := get(t, site, fmt.Sprintf("/verify/REFUGE-2026-000123?c=GUESS%05d", n))
		if answer.Code == http.StatusTooManyRequests {
			refused++
			if !parse(t, answer.Body.String()).says("Too many attempts") {
				t.Error("it is not said why")
			}
		}
	}
	if refused != 10 {
		t.Errorf("%d of 40 guesses were refused, want 10", refused)
	}
}
