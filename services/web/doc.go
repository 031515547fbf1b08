// Package web is the public site: home, appeals, supporters' pages, the donate
// form, what a donor sees after paying, and the receipt as a page.
//
// It owns no facts. Everything it shows it asks for over gRPC, and all it
// changes it changes by asking the donation service to start a checkout. It has
// no database and needs no other service to start: what is away is said to be
// away, on a page that keeps what was typed.
//
// Publishes: none
//
// Consumes: none
package web
