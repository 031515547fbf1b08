package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func open(t *testing.T) (*Sink, *clock, string) {
	t.Helper()
	dir, c := filepath.Join(t.TempDir(), "mail"), newClock()
	sink, err := NewSink(dir, c.Now)
	if err != nil {
		t.Fatal(err)
	}
	return sink, c, dir
}

func receipt() Message {
	return Message{
		ID:      "receipt-ORG-2026-000123-1",
		From:    Address{"Almoner Relief", "receipts@relief.example.org"},
		To:      Address{"Amira Haddad", "amira@example.org"},
		Subject: "Receipt ORG-2026-000123 for your gift of €103.30",
		Text:    "Dear Amira,\n\nthank you for €103.30.\n",
		HTML:    "<p>Dear Amira,</p>\n<p>thank you for <b>€103.30</b>.</p>\n",
	}
}

func TestReceiptIsKeptAndReadAgain(t *testing.T) {
	t.Parallel()
	sink, c, dir := open(t)
	sent := receipt()
	sent.Attachments = []Attachment{
		{"إيصال.pdf", "application/pdf", bytes.Repeat([]byte{0, 1, 2, 0xff}, 5_000)},
		{"journal.csv", "text/csv", []byte("date,amount\n2026-11-21,103.30\n")},
	}
	err := sink.Send(t.Context(), sent)
	if err != nil {
		t.Fatal(err)
	}

	got, err := sink.Read(sent.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.Subject != sent.Subject || got.To != `"Amira Haddad" <amira@example.org>` || !got.At.Equal(c.Now()) || got.ID != sent.ID {
		t.Errorf("read %+v", got.Entry)
	}
	if unix(got.Text) != sent.Text || unix(got.HTML) != sent.HTML {
		t.Errorf("text is %q, HTML is %q", got.Text, got.HTML)
	}
	if len(got.Attachments) != 2 {
		t.Fatalf("%d attachments", len(got.Attachments))
	}
	for i, a := range got.Attachments {
		want := sent.Attachments[i]
		if a.Name != want.Name || a.ContentType != want.ContentType || !bytes.Equal(a.Content, want.Content) {
			t.Errorf("attachment %d is %s, %s, %d bytes", i, a.Name, a.ContentType, len(a.Content))
		}
	}

	message, err := netmail.ReadMessage(bytes.NewReader(got.Raw))
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]string{
		"Message-ID":     "<receipt-ORG-2026-000123-1@relief.example.org>",
		"From":           `"Almoner Relief" <receipts@relief.example.org>`,
		"Date":           "Sat, 21 Nov 2026 09:30:00 +0000",
		"Auto-Submitted": "auto-generated",
	} {
		if message.Header.Get(header) != want {
			t.Errorf("%s is %q, want %q", header, message.Header.Get(header), want)
		}
	}
	info, err := os.Stat(filepath.Join(dir, sent.ID+".eml"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v: only its owner may read it", info.Mode(), err)
	}
}

func TestPlainMessageInAnyScript(t *testing.T) {
	t.Parallel()
	sink, _, _ := open(t)
	m := Message{
		ID:      "receipt-2",
		From:    Address{"", "receipts@relief.example.org"},
		To:      Address{"أميرة حداد 🎁", "amira+gifts@example.org"},
		Subject: "Receipt · " + strings.Repeat("تبرعك ", 30),
		Text:    "شكرا لك\n.\nFrom the first line to the last\n" + strings.Repeat("x", 2_000),
	}
	err := sink.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := sink.Read(m.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.Subject != strings.TrimSpace(m.Subject) && got.Subject != m.Subject {
		t.Errorf("subject is %q", got.Subject)
	}
	if !strings.Contains(got.To, m.To.Name) || unix(got.Text) != m.Text || got.HTML != "" || got.Attachments != nil {
		t.Errorf("read %+v", got)
	}
	for _, line := range bytes.Split(got.Raw, []byte("\r\n")) {
		if len(line) > 998 {
			t.Errorf("a line is %d bytes long, RFC 5322 allows 998", len(line))
		}
	}
}

// After a crash between mail and database the worker sends again.
func TestSameMessageTwiceIsKeptOnce(t *testing.T) {
	t.Parallel()
	sink, c, dir := open(t)
	var sending sync.WaitGroup
	for range 8 {
		sending.Go(func() {
			err := sink.Send(context.Background(), receipt())
			if err != nil {
				t.Error(err)
			}
		})
	}
	sending.Wait()
	first, err := sink.Read(receipt().ID)
	if err != nil {
		t.Fatal(err)
	}
	c.pass(time.Hour)
	err = sink.Send(t.Context(), receipt())
	if err != nil {
		t.Fatal(err)
	}
	again, err := sink.Read(receipt().ID)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Raw, again.Raw) {
		t.Error("the second sending changed the first")
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("the directory holds %v, %v", files, err)
	}
}

func TestNewestFirst(t *testing.T) {
	t.Parallel()
	sink, c, dir := open(t)
	for i := range 5 {
		m := receipt()
		m.ID = fmt.Sprintf("receipt-%d", i)
		m.Subject = fmt.Sprintf("Receipt %d", i)
		err := sink.Send(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		c.pass(time.Minute)
	}
	// What a crash or a person leaves behind is no mail.
	for name, content := range map[string]string{".receipt-9-1.tmp": "half", "notes.txt": "x", "..eml": "x", "broken.eml": "no mail"} {
		err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	err := os.Chtimes(filepath.Join(dir, "broken.eml"), old, old)
	if err != nil {
		t.Fatal(err)
	}

	all, err := sink.List(100)
	if err != nil {
		t.Fatal(err)
	}
	var subjects []string
	for _, e := range all {
		subjects = append(subjects, e.Subject)
	}
	if got := strings.Join(subjects, ","); got != "Receipt 4,Receipt 3,Receipt 2,Receipt 1,Receipt 0," {
		t.Errorf("listed %s", got)
	}
	two, err := sink.List(2)
	if err != nil || len(two) != 2 || two[0].ID != "receipt-4" {
		t.Errorf("the newest two are %v, %v", two, err)
	}
	none, err := sink.List(-1)
	if err != nil || len(none) != 0 {
		t.Errorf("less than none is %v, %v", none, err)
	}
	_, err = sink.Read("broken")
	if err == nil {
		t.Error("a broken file was read")
	}
}

func TestWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*Message)
		want   error
	}{
		{"header injection by name", func(m *Message) { m.To.Name = "Amira\r\nBcc: all@example.org" }, ErrHeader},
		{"header injection by subject", func(m *Message) { m.Subject = "Thanks\nBcc: all@example.org" }, ErrHeader},
		{"header injection by address", func(m *Message) { m.To.Email = "amira@example.org\r\nBcc: all@example.org" }, ErrAddress},
		{"header injection by file name", func(m *Message) { m.Attachments = []Attachment{{"a\r\nb.pdf", "application/pdf", nil}} }, ErrHeader},
		{"header injection by content type", func(m *Message) { m.Attachments = []Attachment{{"a.pdf", "a/b\r\nX: y", nil}} }, ErrHeader},
		{"attachment without a name", func(m *Message) { m.Attachments = []Attachment{{"", "application/pdf", nil}} }, ErrHeader},
		{"null byte", func(m *Message) { m.Subject = "Thanks\x00" }, ErrHeader},
		{"not UTF-8", func(m *Message) { m.Subject = "Thanks\xff" }, ErrHeader},
		{"endless subject", func(m *Message) { m.Subject = strings.Repeat("x", 501) }, ErrHeader},
		{"no recipient", func(m *Message) { m.To = Address{} }, ErrAddress},
		{"no sender", func(m *Message) { m.From = Address{} }, ErrAddress},
		{"name inside the address", func(m *Message) { m.To.Email = "Amira <amira@example.org>" }, ErrAddress},
		{"two recipients", func(m *Message) { m.To.Email = "amira@example.org, all@example.org" }, ErrAddress},
		{"no domain", func(m *Message) { m.From.Email = "receipts" }, ErrAddress},
		{"endless address", func(m *Message) { m.To.Email = strings.Repeat("a", 250) + "@example.org" }, ErrAddress},
		{"no text", func(m *Message) { m.Text = " \n" }, ErrEmpty},
		{"no id", func(m *Message) { m.ID = "" }, ErrID},
		{"path as id", func(m *Message) { m.ID = "../../etc/passwd" }, ErrID},
		{"hidden file as id", func(m *Message) { m.ID = ".profile" }, ErrID},
		{"id with an angle bracket", func(m *Message) { m.ID = "a>b" }, ErrID},
		{"endless id", func(m *Message) { m.ID = strings.Repeat("x", 121) }, ErrID},
	}
	sink, _, dir := open(t)
	for _, tt := range tests {
		m := receipt()
		tt.change(&m)
		err := sink.Send(t.Context(), m)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
			continue
		}
		for _, personal := range []string{"mira", "all@example.org", "Thanks"} {
			if strings.Contains(err.Error(), personal) {
				t.Errorf("%s: the error holds %q: %v", tt.name, personal, err)
			}
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 0 {
		t.Errorf("kept %v, %v", files, err)
	}
}

func TestReadingWhatIsNotThere(t *testing.T) {
	t.Parallel()
	sink, _, dir := open(t)
	err := os.WriteFile(filepath.Join(filepath.Dir(dir), "secret.eml"), []byte("Subject: x\r\n\r\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"receipt-0", "", "../secret", "..%2fsecret", ".", "a/b"} {
		_, err := sink.Read(id)
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Read(%q): %v, want fs.ErrNotExist", id, err)
		}
	}
}

func TestDirectoryThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	err := os.WriteFile(file, nil, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = NewSink(filepath.Join(file, "mail"), newClock().Now)
	if err == nil {
		t.Error("a sink was opened inside a file")
	}

	sink, _, dir := open(t)
	err = os.Remove(dir)
	if err != nil {
		t.Fatal(err)
	}
	err = sink.Send(t.Context(), receipt())
	if err == nil || !strings.Contains(err.Error(), "store") {
		t.Errorf("Send: %v", err)
	}
	_, err = sink.List(10)
	if err == nil {
		t.Error("listed a directory that is gone")
	}
}

func TestGivenUpBeforeItIsKept(t *testing.T) {
	t.Parallel()
	sink, _, _ := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := sink.Send(ctx, receipt())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Send: %v", err)
	}
	_, err = sink.Read(receipt().ID)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was kept all the same: %v", err)
	}
}

// unix undoes the line ends that mail prescribes.
func unix(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }
