// Package console is the desk of the finance staff: overview, journal, accounts,
// trial balance, audit, and one box that finds anything by any of its ids.
//
// It promises that every number is a link to what makes it, from a total down to
// the object at Stripe and back; that amounts of different currencies are never
// added; that what is exported is exactly what is filtered; and that all of a
// page's state is in its address, so that an address says the same to a colleague.
// Each page names the time zone of its days and the position of the feeds that it
// is true at. Who gave is shown to accountants and administrators only.
//
// It keeps nothing: each page asks the services in the name of the person who is
// signed in. Charts are drawn here as SVG, with their data as a table under them.
package console
