package console

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	ledgerv1 "github.com/almoner/almoner/proto/gen/almoner/ledger/v1"
)

// file is a kind of export: what it is called, and how browsers know it.
type file struct {
	kind        string // first part of its name
	extension   string
	contentType string
}

var files = map[string]file{
	"hledger":       {"journal", ".journal", "text/plain; charset=utf-8"},
	"csv":           {"journal", ".csv", "text/csv; charset=utf-8"},
	"trial-balance": {"trial-balance", ".csv", "text/csv; charset=utf-8"},
}

// piece is one message of a stream of bytes.
type piece interface{ GetChunk() []byte }

// export sends the file of exactly what is filtered. Nothing of it is sent before
// its first piece is there, so that a refusal is a page. Afterwards a failure cuts
// the connection: half a journal must not look like a whole one.
func (c *Console) export(w http.ResponseWriter, v *visit) {
	format := v.query.Get("format")
	kind, known := files[format]
	if !known {
		c.unknown(w, v)
		return
	}
	ctx, cancel := context.WithTimeout(v.r.Context(), filesAndChains)
	defer cancel()
	taken := v.read(filterFields...)
	next, err := c.open(ctx, v, format, taken)
	if err != nil {
		c.fail(w, v, err)
		return
	}
	first, err := next()
	if err != nil && !errors.Is(err, io.EOF) {
		c.refuseExport(w, v, format, taken, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", kind.contentType)
	header.Set("Content-Disposition", `attachment; filename="`+v.fileName(kind, taken)+`"`)
	if v.r.Method == http.MethodHead {
		return
	}
	for ; err == nil; first, err = next() {
		_, err = w.Write(first.GetChunk())
		if err != nil {
			return // the reader went away
		}
	}
	if !errors.Is(err, io.EOF) {
		c.front.Logger().ErrorContext(v.r.Context(), "export broke off", "format", format, "error", err)
		panic(http.ErrAbortHandler)
	}
}

// refuseExport shows the page that the file belongs to, with what is wrong beside
// the field.
func (c *Console) refuseExport(w http.ResponseWriter, v *visit, format string, taken values, err error) {
	page, form := c.journal, v.form(journalPath, taken, nil)
	if format == "trial-balance" {
		page, form = c.trialBalance, v.form(trialPath, v.read("from", "to"), nil)
	}
	if v.refused(&form, err) {
		page(w, v)
		return
	}
	c.fail(w, v, err)
}

// open asks for the file and returns what reads it piece by piece.
func (c *Console) open(ctx context.Context, v *visit, format string, taken values) (func() (piece, error), error) {
	if format == "trial-balance" {
		stream, err := c.books.ExportTrialBalance(ctx, &ledgerv1.ExportTrialBalanceRequest{
			Organization: v.book.GetOrganizationId(), Format: "csv", From: taken.Get("from"), To: taken.Get("to"),
		})
		if err != nil {
			return nil, err
		}
		return func() (piece, error) { return stream.Recv() }, nil
	}
	stream, err := c.books.ExportJournal(ctx, &ledgerv1.ExportJournalRequest{
		Organization: v.book.GetOrganizationId(), Format: format, From: taken.Get("from"), To: taken.Get("to"), Filter: taken.wire(),
	})
	if err != nil {
		return nil, err
	}
	return func() (piece, error) { return stream.Recv() }, nil
}

// fileName tells whose books it is of which days, and whether all of them:
// "REFUGE-journal-2026-11-01-to-2026-11-30-filtered.csv".
func (v *visit) fileName(kind file, taken values) string {
	name := v.book.GetCode() + "-" + kind.kind
	if from := taken.Get("from"); from != "" {
		name += "-" + from
	}
	to := taken.Get("to")
	if to == "" {
		to = v.today
	}
	name += "-to-" + to
	for _, field := range filterFields[2:] {
		if taken.Get(field) != "" && kind.kind == "journal" {
			name += "-filtered"
			break
		}
	}
	return strings.Map(plain, name) + kind.extension
}

// plain leaves nothing in a file's name that a system could take for more.
func plain(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
		return r
	}
	return '-'
}
