package front

import (
	"bytes"
	"errors"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/almoner/almoner/services/internal/platform/httpserver"
	"github.com/almoner/almoner/services/internal/platform/texts"
)

// A photo that was sent is on no disk when the answer is there.
func TestFilesOfAFormGoWithTheAnswer(t *testing.T) {
	t.Parallel()
	f := here(t)
	words, err := texts.Load(texts.Dates())
	if err != nil {
		t.Fatal(err)
	}
	f.texts = words
	var kept string
	mux := http.NewServeMux()
	f.Register(mux, []Route{{Pattern: "/photo", Post: func(w http.ResponseWriter, r *http.Request) {
		if !f.ReadForm(w, r, 8<<20) {
			t.Error("the form is refused")
			return
		}
		file, _, err := r.FormFile("photo")
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = file.Close() }()
		onDisk, ok := file.(*os.File)
		if !ok {
			t.Errorf("%T: so large a file is meant to be on the disk", file)
			return
		}
		kept = onDisk.Name()
	}}})
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("photo", "river.jpg")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(bytes.Repeat([]byte("photo"), 1<<20))
	_ = form.Close()
	r := httptest.NewRequest(http.MethodPost, "/photo", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	mux.ServeHTTP(httptest.NewRecorder(), r)
	_, err = os.Stat(kept)
	if kept == "" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%q is still there: %v", kept, err)
	}
}

// Who has a network of version 6 has more addresses than anybody could count.
func TestAttemptsAreCountedByNetwork(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"203.0.113.9:4711": "203.0.113.9", "[::ffff:203.0.113.9]:1": "203.0.113.9", "127.0.0.1:1": "127.0.0.1", "[::1]:1": "::1",
		"[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::", "[2001:db8:1:2:ffff::9]:1": "2001:db8:1:2::", "[2001:db8:1:3::1]:1": "2001:db8:1:3::",
	} {
		var got string
		site := httpserver.New(httpserver.Config{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got = ClientAddress(r.Context())
		})})
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = remote
		site.ServeHTTP(httptest.NewRecorder(), r)
		if got != want {
			t.Errorf("%s is counted as %q, want %q", remote, got, want)
		}
	}
}
