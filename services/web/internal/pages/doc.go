// Package pages answers the site's addresses: it reads the request, asks the
// services, and draws a page of package view.
//
// What every answer has, errors included: the security headers of its route,
// protection against forged submissions, and a body that a person can act on.
// Bad input is answered with a page that says what is wrong and keeps what was
// typed; nothing a visitor sends makes a 500.
//
// Nothing here holds state between requests, so any number of processes can
// serve the site side by side, and a restart is noticed by nobody.
package pages
