package letter

import (
	"strings"
	"testing"
)

func TestAReceiptMailIsReadable(t *testing.T) {
	t.Parallel()
	raw := strings.ReplaceAll(`From: =?utf-8?q?Harbour_Relief_=E2=80=93_Gifts?= <gifts@harbour.example>
To: "Amina Yusuf" <amina@example.org>
Subject: =?utf-8?b?UmVjZWlwdCBSRUZVR0UtMjAyNi0wMDAwMDE=?=
Date: Sat, 21 Nov 2026 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/html; charset=utf-8

<p>Dear Amina</p>
--inner
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Dear Amina,

103,30=C2=A0=E2=82=AC have arrived. See http://127.0.0.1:8080/receipts/REFUGE-2026=
-000001/tok_1.
--inner--
--outer--
`, "\n", "\r\n")
	l := Parse([]byte(raw))
	if l.Subject != "Receipt REFUGE-2026-000001" || !strings.HasPrefix(l.From, "Harbour Relief – Gifts") {
		t.Errorf("headers are %q from %q", l.Subject, l.From)
	}
	want := "Dear Amina,\n\n103,30\u00a0€ have arrived. See http://127.0.0.1:8080/receipts/REFUGE-2026-000001/tok_1."
	if strings.TrimSpace(l.Text) != want {
		t.Errorf("text is %q", l.Text)
	}

	pieces := Links(want)
	if len(pieces) != 3 || pieces[1].URL != "http://127.0.0.1:8080/receipts/REFUGE-2026-000001/tok_1" || pieces[2].Text != "." {
		t.Errorf("pieces are %+v", pieces)
	}
}

func TestNoInputIsTooStrangeToShow(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"",
		"no mail at all \xff",
		"Subject: =?utf-8?q?broken\r\n\r\nhello",
		"Content-Type: multipart/mixed\r\n\r\n--\r\n\r\n",
		"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8!!!",
	} {
		l := Parse([]byte(raw))
		if strings.Contains(l.Text, "\xff") {
			t.Errorf("%q is shown as %q", raw, l.Text)
		}
	}
}

func TestOnlyWebAddressesBecomeLinks(t *testing.T) {
	t.Parallel()
	text := "javascript:alert(1) <https://a.example/x?y=1&z=2> data:text/html,x http://b.example, end"
	var urls, whole []string
	for _, p := range Links(text) {
		whole = append(whole, p.Text)
		if p.URL != "" {
			urls = append(urls, p.URL)
		}
	}
	if strings.Join(whole, "") != text {
		t.Errorf("pieces make %q", strings.Join(whole, ""))
	}
	if strings.Join(urls, " ") != "https://a.example/x?y=1&z=2 http://b.example" {
		t.Errorf("links are %v", urls)
	}
}
