// Package staff is the desk of those who run the site: the organization, its
// appeals and funds, supporters' pages, and what could not be applied.
//
// It promises that what was typed is kept when something is wrong with it, with
// the message beside its field; that two windows do not undo each other; and that
// who may only look sees what there is and no button. Everything works without
// script.
//
// It keeps nothing: each page asks the services in the name of the person who is
// signed in, and the services decide what that person may do.
package staff
