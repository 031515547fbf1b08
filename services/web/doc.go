// Package web is everything that people open in a browser: the public site, the
// desk of supporters, the console of the finance staff, and the desk of those who
// edit the site.
//
// It owns no facts about money; its database has sessions, sign-in links and who is
// of the staff. Everything it shows it asks for over gRPC, and all
// it changes it changes by asking the service that owns it, in the name of the
// person who is signed in. It needs no other service to start: what is away is said
// to be away, on a page that keeps what was typed.
//
// internal/front has what all pages share: routes and who may open them, headers,
// language, what is said when something is in the way. internal/session knows who is
// at the other end. internal/view draws.
// internal/pages is the public site; each other desk is a package of its own with
// its routes, templates and words.
//
// Publishes: none
//
// Consumes: none
package web
