// Package live knows what every appeal and page has raised at this moment. One
// stream from the fundraiser service feeds it; any number of readers' browsers,
// and the cache of drawn pages, are fed by it.
//
// It promises that a listener hears the newest totals and never older ones after
// newer; that a listener who does not listen costs one remembered value and delays
// nobody; and that a Stamp is given out only while the stream stands, so that a
// page drawn under it is as true as one drawn now. While the stream is down there
// are no stamps, listeners hear nothing, and pages are drawn at each request.
package live
