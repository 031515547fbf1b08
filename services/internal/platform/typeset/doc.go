// Package typeset sets text of any script for documents and pictures.
//
// A donor's name comes in whatever script the donor writes, and a receipt that
// shows boxes in its place is no receipt. So the package says beforehand what it
// cannot draw: Missing names the scripts that no font covers, and whoever gets a
// name back does not draw. What it can draw is drawn as its readers expect it:
// joined and right to left in Arabic, reordered in Devanagari, with a second
// font where the first one ends.
//
// Fonts come, in this order, from the program itself (Latin, Greek, Cyrillic,
// Arabic, Hebrew, Armenian, Georgian and more), from the operator's directory,
// and from the system's directories. A file that is no font, or a broken one, is
// skipped with a line in the log.
//
// Lengths are points (1/72 inch) in a Document and pixels in a Picture; y grows
// downwards from the top.
package typeset
