// Package assets serves the site's own style, script and icon.
//
// A file's address holds a hash of its content, so browsers may keep it for
// ever and still never see an old one: a changed file has another address.
// Everything is embedded and compressed once at start; nothing is read from
// disk, and an address that is not in the table is not found.
package assets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed static
var static embed.FS

// Prefix is where all assets are.
const Prefix = "/assets/"

// types names what is served; a file of another kind stops the start, because
// nosniff would leave the browser with nothing to go by.
var types = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

type file struct {
	contentType string
	plain       []byte
	zipped      []byte
}

// Files are the assets and their addresses. They do not change after Load and
// may be used from several goroutines.
type Files struct {
	urls  map[string]string
	files map[string]file
}

// Load reads the embedded files. It fails only on a file that this package
// does not know how to serve.
func Load() (*Files, error) {
	entries, err := fs.ReadDir(static, "static")
	if err != nil {
		return nil, fmt.Errorf("list assets: %w", err)
	}
	loaded := &Files{urls: map[string]string{}, files: map[string]file{}}
	for _, entry := range entries {
		err = loaded.add(entry.Name())
		if err != nil {
			return nil, fmt.Errorf("load asset %s: %w", entry.Name(), err)
		}
	}
	return loaded, nil
}

func (f *Files) add(name string) error {
	plain, err := fs.ReadFile(static, path.Join("static", name))
	if err != nil {
		return err
	}
	ext := path.Ext(name)
	contentType, known := types[ext]
	if !known {
		return fmt.Errorf("no content type for %q", ext)
	}
	var zipped bytes.Buffer
	writer, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return err
	}
	_, err = writer.Write(plain)
	if err != nil {
		return err
	}
	err = writer.Close()
	if err != nil {
		return err
	}

	sum := sha256.Sum256(plain)
	url := Prefix + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:8]) + ext
	f.urls[name] = url
	f.files[url] = file{contentType: contentType, plain: plain, zipped: zipped.Bytes()}
	return nil
}

// URL is the root-relative address of the file called name. Templates call it,
// so a misspelt name is an error of the page and not an empty link.
func (f *Files) URL(name string) (string, error) {
	url, known := f.urls[name]
	if !known {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return url, nil
}

// Has reports whether something is served at the address.
func (f *Files) Has(url string) bool {
	_, known := f.files[url]
	return known
}

// ServeHTTP answers with the file at the request's path.
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found, known := f.files[r.URL.Path]
	if !known {
		http.NotFound(w, r)
		return
	}
	body := found.plain
	header := w.Header()
	header.Set("Content-Type", found.contentType)
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("Vary", "Accept-Encoding")
	if AcceptsGzip(r.Header.Get("Accept-Encoding")) {
		header.Set("Content-Encoding", "gzip")
		body = found.zipped
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	// A reader that went away is not our error.
	_, _ = w.Write(body)
}

// AcceptsGzip reads the header Accept-Encoding as far as needed: gzip is named and not refused
// by a weight of zero.
func AcceptsGzip(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		coding, weight, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		weight = strings.TrimPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
		return strings.Trim(weight, "0.") != "" || weight == ""
	}
	return false
}
