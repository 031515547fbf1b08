// Package view turns what a page shows into HTML.
//
// A page is a struct of plain values; the templates decide nothing that is not
// in it and ask nobody. Everything a donor typed reaches the reader through
// html/template alone, which encodes it for the place it stands in, and inside
// <bdi>, so that a name written from right to left cannot reorder the line
// around it. Every page is complete without script and carries neither inline
// style nor inline script, because the site's policy forbids both.
//
// A page is rendered whole before its first byte is sent: a template that fails
// half-way is a clear error, never half a page. A Renderer does not change after
// New and may be used from several goroutines.
package view
